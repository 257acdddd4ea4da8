"""The canonical frame, for a cloud's own points and for new ones."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import ortho_group

from l2c_jax.preprocessing.columns import fit_width
from l2c_jax.preprocessing.principal import apply_preprocessing, fit_preprocessing, preprocess


@partial(jax.jit, static_argnames="dimensions")
def canonical(points, mask, dimensions=None):
    width = points.shape[1] if dimensions is None else dimensions
    return preprocess(points, mask, "principal", width)


ALL = jnp.ones(30, bool)


@pytest.fixture
def cloud() -> np.ndarray:
    """30 points in 3 dimensions with clearly different variances and clear skewness."""
    return (np.random.default_rng(0).gamma(1.0, size=(30, 3)) * [4.0, 2.0, 1.0]).astype(np.float32)


def test_fit_dimensions_cuts_or_pads():
    points = jnp.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(fit_width(points, 2), points[:, :2])
    np.testing.assert_array_equal(fit_width(points, 5)[:, :3], points)
    np.testing.assert_array_equal(fit_width(points, 5)[:, 3:], 0)


@pytest.mark.parametrize("offset", [-30.0, 1.0, 100.0])
def test_principal_axes_ignores_where_the_cloud_lies(cloud, offset):
    moved = canonical(cloud + np.float32(offset) * np.array([1, -2, 3], np.float32), ALL)
    np.testing.assert_allclose(moved, canonical(cloud, ALL), atol=1e-4)


@pytest.mark.parametrize("scale", [1e-30, 1e-3, 7.0, 1e30])
def test_principal_axes_ignores_scale(cloud, scale):
    scaled = canonical(cloud * np.float32(scale), ALL)
    np.testing.assert_allclose(scaled, canonical(cloud, ALL), atol=1e-5)


@pytest.mark.parametrize("sign", [1.0, -1.0], ids=["rotation", "reflection"])
@pytest.mark.parametrize("seed", range(3))
def test_principal_axes_ignores_orthogonal_maps(cloud, seed, sign):
    turn = ortho_group.rvs(3, random_state=seed)
    turn[0] *= sign * np.sign(np.linalg.det(turn))
    turned = canonical((cloud @ turn).astype(np.float32), ALL)
    np.testing.assert_allclose(turned, canonical(cloud, ALL), atol=1e-4)


def test_principal_axes_follows_the_points_when_they_are_shuffled(cloud):
    order = np.random.default_rng(3).permutation(30)
    shuffled = canonical(cloud[order], ALL)
    np.testing.assert_allclose(shuffled, canonical(cloud, ALL)[order], atol=1e-5)


def test_principal_axes_does_not_see_padding(cloud):
    place = np.sort(np.random.default_rng(2).permutation(45)[:30])
    padded, mask = np.zeros((45, 3), np.float32), np.zeros(45, bool)
    padded[place], mask[place] = cloud, True
    found = np.array(canonical(padded, mask))
    np.testing.assert_allclose(found[mask], canonical(cloud, ALL), atol=1e-5)
    np.testing.assert_array_equal(found[~mask], 0)


def test_principal_axes_does_not_read_masked_points(cloud):
    mask = jnp.arange(30) < 20
    filled = cloud.copy()
    filled[20:] = 1e6
    np.testing.assert_array_equal(canonical(filled, mask)[:20], canonical(cloud, mask)[:20])


def test_principal_axes_agrees_with_numpy_svd(cloud):
    centred = cloud.astype(np.float64) - cloud.mean(axis=0)
    rotated = centred @ np.linalg.svd(centred)[2].T
    rotated *= np.where((rotated**3).sum(axis=0) < 0, -1, 1)
    expected = rotated / np.sqrt((rotated**2).sum() / 30)
    np.testing.assert_allclose(canonical(cloud, ALL), expected, atol=1e-4)


@pytest.mark.parametrize("dimensions", [None, 1, 2, 5])
def test_principal_axes_has_mean_zero_and_total_variance_one(cloud, dimensions):
    found = canonical(cloud, ALL, dimensions=dimensions)
    np.testing.assert_allclose(found.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose((found**2).sum() / 30, 1, rtol=1e-5)


def test_principal_axes_axes_come_in_order_of_falling_variance(cloud):
    variance = canonical(cloud, ALL).var(axis=0)
    assert variance.tolist() == sorted(variance.tolist(), reverse=True)


def test_principal_axes_keeps_the_leading_axes_of_wide_tables(cloud):
    full, cut = canonical(cloud, ALL), canonical(cloud, ALL, dimensions=2)
    kept = full[:, :2] / jnp.sqrt((full[:, :2] ** 2).sum() / 30)
    np.testing.assert_allclose(cut, kept, atol=1e-5)


def test_principal_axes_pads_narrow_tables_with_zeros(cloud):
    wide = canonical(cloud, ALL, dimensions=5)
    np.testing.assert_array_equal(wide[:, 3:], 0)
    np.testing.assert_allclose(wide[:, :3], canonical(cloud, ALL), atol=1e-6)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_principal_axes_of_one_dimension_is_the_standard_score(cloud, sign):
    column = sign * cloud[:, :1]
    expected = (cloud[:, :1] - cloud[:, :1].mean()) / cloud[:, :1].std()  # skewed to the right
    np.testing.assert_allclose(canonical(column, ALL), expected, atol=1e-5)


@pytest.mark.parametrize("size", [1, 2])
@pytest.mark.parametrize("value", [0.0, 1.0, 0.1, -1 / 3, 1e-30, 1e30])
def test_principal_axes_of_one_point_or_two_equal_ones_is_zero(size, value):
    points = np.full((size, 2), value, np.float32) * np.array([1.0, 0.7], np.float32)
    np.testing.assert_array_equal(canonical(points, np.ones(size, bool)), 0)


def test_principal_axes_of_equal_points_is_zero():
    points = np.full((100, 2), 0.1, np.float32)
    found = [canonical(points, np.arange(100) < size) for size in range(1, 101)]
    np.testing.assert_array_equal(found, 0)


def test_principal_axes_of_a_constant_column_ignores_it(cloud):
    with_constant = np.column_stack([np.full(30, 0.1, np.float32), cloud])
    found = canonical(with_constant, ALL)
    np.testing.assert_allclose(found[:, :3], canonical(cloud, ALL), atol=1e-5)
    np.testing.assert_allclose(found[:, 3], 0, atol=1e-5)


def test_principal_axes_of_no_points_is_zero(cloud):
    np.testing.assert_array_equal(canonical(cloud, jnp.zeros(30, bool)), 0)


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
@pytest.mark.parametrize("size", [2, 3, 30])
def test_principal_axes_is_finite_at_any_scale(cloud, size, scale):
    found = canonical(cloud[:size] * np.float32(scale), ALL[:size])
    assert jnp.isfinite(found).all()
    np.testing.assert_allclose((found**2).sum() / size, 1, rtol=1e-5)


def test_raw_keeps_points_and_clears_padding(cloud):
    mask = jnp.arange(30) < 25
    found = preprocess(jnp.array(cloud), mask, "raw", 4)
    np.testing.assert_array_equal(found[:25, :3], cloud[:25])
    np.testing.assert_array_equal(found[25:], 0)
    assert found.shape == (30, 4)


def test_an_unknown_kind_is_refused(cloud):
    with pytest.raises(ValueError, match="principal"):
        preprocess(jnp.array(cloud), ALL, "polar", 2)


@pytest.mark.parametrize("kind", ["principal", "clipped", "raw"])
def test_a_fit_maps_new_points(cloud, kind):
    fitted = jax.jit(fit_preprocessing, static_argnums=(2, 3))(cloud, ALL, kind, 2)
    there = jax.jit(apply_preprocessing, static_argnums=2)(fitted, jnp.array(cloud[:5]), 2)
    expected = preprocess(jnp.array(cloud), ALL, kind, 2)[:5]
    np.testing.assert_allclose(there, expected, atol=1e-5)
