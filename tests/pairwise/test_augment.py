"""Random resized crops: boxes that fit, and bilinear interpolation against SciPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from l2c_jax.pairwise.augment import augmented, crop_box, random_resized_crop, resized_crop
from l2c_jax.pairwise.backbones import MLP, VGGS

IMAGE = np.random.default_rng(0).random((6, 9, 2)).astype(np.float32)
crop = jax.jit(resized_crop)
boxes = jax.jit(jax.vmap(crop_box, (0, None, None, None)), static_argnums=(1, 2))


@pytest.mark.parametrize("box", [(0.7, 1.2, 4.1, 6.9), (0.0, 0.0, 3.0, 3.0), (2.5, 4.0, 3.5, 5.0)])
def test_crop_is_bilinear_interpolation(box):
    top, left, high, wide = box
    rows = np.clip(top + (np.arange(6) + 0.5) * high / 6 - 0.5, 0, 5)
    columns = np.clip(left + (np.arange(9) + 0.5) * wide / 9 - 0.5, 0, 8)
    grid = np.meshgrid(rows, columns, indexing="ij")
    found = crop(IMAGE, jnp.array(box))
    for channel in range(2):
        expected = map_coordinates(IMAGE[..., channel].astype(np.float64), grid, order=1)
        np.testing.assert_allclose(found[..., channel], expected, atol=1e-5)


def test_whole_image_is_itself():
    np.testing.assert_allclose(crop(IMAGE, jnp.array([0.0, 0.0, 6.0, 9.0])), IMAGE, atol=1e-6)


@pytest.mark.parametrize("area", [(0.85, 1.0), (0.2, 0.4)])
def test_boxes_lie_within_the_image_and_have_the_area_asked_for(area):
    keys = jax.random.split(jax.random.key(0), 300)
    top, left, high, wide = np.asarray(boxes(keys, 32, 24, area), np.float64).T
    assert (top >= 0).all()
    assert (left >= 0).all()
    assert (top + high <= 32 + 1e-4).all()
    assert (left + wide <= 24 + 1e-4).all()
    whole = (high == 32) & (wide == 24)
    share, ratio = high * wide / (32 * 24), (wide / 24) / (high / 32)
    assert ((share >= area[0] - 1e-5) & (share <= area[1] + 1e-5) | whole).all()
    assert ((ratio >= 3 / 4 - 1e-5) & (ratio <= 4 / 3 + 1e-5) | whole).all()
    assert np.ptp(share) > 0.5 * (area[1] - area[0])


def test_every_image_gets_its_own_crop_and_the_same_key_the_same():
    images = np.broadcast_to(IMAGE, (3, *IMAGE.shape))
    jitted = jax.jit(random_resized_crop)
    first, again = (np.asarray(jitted(jax.random.key(1), images)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert (first[0] != first[1]).any()
    assert first.min() >= IMAGE.min() - 1e-6
    assert first.max() <= IMAGE.max() + 1e-6


def test_tables_and_uncropped_images_stay_as_they_are():
    key, images = jax.random.key(0), np.full((2, 16, 16, 1), 51, np.uint8)
    table = np.ones((2, 3), np.float32)
    np.testing.assert_array_equal(augmented(key, table, MLP(3), (0.5, 0.6)), table)
    same = augmented(key, images, VGGS(size=16), (1.0, 1.0))
    np.testing.assert_allclose(same, np.full(images.shape, 0.2), rtol=1e-6)
