"""Trunks: convolution and pooling against SciPy and NumPy, the whole against flax's own layers."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.signal import correlate

from l2c_jax.pairwise.backbones import (
    EPSILON,
    MLP,
    VGGS,
    Convolution,
    TrunkNetwork,
    checked_points,
    default_trunk,
    pooled,
)

SMALL = VGGS(size=16, channels=2, width=1 / 32)  # 2, 4, 8 and 8 channels
IMAGES = np.random.default_rng(0).random((3, 16, 16, 2)).astype(np.float32)


def test_convolution_is_a_correlation_with_zero_padding():
    network = Convolution(5)
    variables = network.init(jax.random.key(0), IMAGES)
    kernel = np.asarray(variables["params"]["kernel"], np.float64)
    found = network.apply(variables, IMAGES)
    padded = np.pad(IMAGES.astype(np.float64), ((0, 0), (1, 1), (1, 1), (0, 0)))
    for n in range(3):
        for channel in range(5):
            expected = correlate(padded[n], kernel[..., channel], mode="valid")[..., 0]
            np.testing.assert_allclose(found[n, ..., channel], expected, atol=1e-5)


def test_pooling_takes_the_maximum_of_every_block():
    found = pooled(jnp.asarray(IMAGES))
    for row in range(8):
        for column in range(8):
            block = IMAGES[:, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
            np.testing.assert_array_equal(found[:, row, column], block.max(axis=(1, 2)))


def test_the_gradient_of_pooling_goes_to_the_maximum_and_is_shared_where_all_are_equal():
    gradient = jax.grad(lambda images: pooled(images).sum())
    found = gradient(jnp.asarray(IMAGES))
    for row in range(8):
        for column in range(8):
            here = np.s_[:, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
            largest = IMAGES[here].max(axis=(1, 2), keepdims=True)
            np.testing.assert_array_equal(found[here], IMAGES[here] == largest)
    np.testing.assert_array_equal(gradient(jnp.zeros((1, 4, 4, 1))), 0.25)


class Reference(nn.Module):
    """The trunk as printed: convolution, batch norm, ReLU, pooling, with flax's own layers."""

    @nn.compact
    def __call__(self, images, train):
        for number, channels in enumerate(SMALL.convolutions, 1):
            images = nn.Conv(channels, (3, 3), use_bias=False, name=f"convolution{number}")(images)
            images = nn.BatchNorm(not train, momentum=0.9, epsilon=EPSILON, name=f"norm{number}")(
                images
            )
            images = nn.max_pool(nn.relu(images), (2, 2), (2, 2))
        return images.reshape(images.shape[0], -1)


def start(trunk):
    network = TrunkNetwork(trunk)
    return jax.jit(network.init, static_argnums=2)(jax.random.key(0), IMAGES, False)


def test_vggs_is_the_printed_stack_of_layers_in_value_and_statistics():
    variables = start(SMALL)
    found, expected = (
        jax.jit(lambda v, n=network: n.apply(v, IMAGES, True, mutable=["batch_stats"]))(variables)
        for network in (TrunkNetwork(SMALL), Reference())
    )
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-4), found, expected)


def test_full_width_has_the_published_sizes():
    assert VGGS().convolutions == (64, 128, 256, 256)
    assert VGGS().features == 1024
    assert VGGS(width=0.5).convolutions == (32, 64, 128, 128)
    assert MLP(3, (7, 5)).features == 5


def test_pixels_are_normalised_and_uint8_is_divided_by_255():
    trunk = VGGS(size=16, channels=2, width=1 / 32, mean=0.1, scale=0.5)
    pixels = (255 * IMAGES).astype(np.uint8)
    variables = start(SMALL)
    found = jax.jit(TrunkNetwork(trunk).apply, static_argnums=2)(variables, pixels, False)
    by_hand = (pixels.astype(np.float32) / 255 - 0.1) / 0.5
    expected = jax.jit(TrunkNetwork(SMALL).apply, static_argnums=2)(variables, by_hand, False)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_the_shape_of_the_points_chooses_the_trunk():
    assert default_trunk(IMAGES) == VGGS(size=16, channels=2)
    assert default_trunk([[1.0, 2.0]]) == MLP(columns=2)
    with pytest.raises(ValueError, match=r"table \[N, D\] or images.*shape \(3,\)"):
        default_trunk(np.zeros(3))


@pytest.mark.parametrize(
    ("points", "trunk", "message"),
    [
        (IMAGES, VGGS(), r"shape \[N, 32, 32, 1\] for VGGS.*got \(3, 16, 16, 2\)"),
        (IMAGES[..., 0], SMALL, r"shape \[N, 16, 16, 2\].*got \(3, 16, 16\)"),
        (np.zeros((3, 2)), MLP(3), r"shape \[N, 3\] for MLP.*got \(3, 2\)"),
        (np.zeros(3), MLP(3), r"got \(3,\)"),
        (np.zeros((1, 3)), MLP(3), "at least 2 points are needed, got 1"),
        (np.full((2, 3), np.nan), MLP(3), "must be finite"),
        (np.full((2, 3), 1e300), MLP(3), "must be finite"),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow")
def test_points_that_do_not_fit_are_refused(points, trunk, message):
    with pytest.raises(ValueError, match=message):
        checked_points(points, trunk, least=2)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: VGGS(size=20), "multiple of 16"),
        (lambda: VGGS(size=0), "multiple of 16"),
        (lambda: VGGS(channels=0), "channels at least 1"),
        (lambda: VGGS(width=0.0), "must be positive"),
        (lambda: MLP(0), "at least 1"),
        (lambda: MLP(2, ()), "at least 1"),
        (lambda: MLP(2, (3, 0)), "at least 1"),
    ],
)
def test_trunks_that_make_no_sense_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
