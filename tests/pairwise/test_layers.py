"""Convolution and pooling against SciPy and NumPy; scopes give the parameters of a whole."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from scipy.signal import correlate

from l2c_jax.pairwise.layers import Convolution, apply_module, batch_norm, init_module, max_pool

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
    found = max_pool(jnp.asarray(IMAGES))
    for row in range(8):
        for column in range(8):
            block = IMAGES[:, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
            np.testing.assert_array_equal(found[:, row, column], block.max(axis=(1, 2)))


def test_the_gradient_of_pooling_goes_to_the_maximum_and_is_shared_where_all_are_equal():
    gradient = jax.grad(lambda images: max_pool(images).sum())
    found = gradient(jnp.asarray(IMAGES))
    for row in range(8):
        for column in range(8):
            block = np.s_[:, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
            largest = IMAGES[block].max(axis=(1, 2), keepdims=True)
            np.testing.assert_array_equal(found[block], IMAGES[block] == largest)
    np.testing.assert_array_equal(gradient(jnp.zeros((1, 4, 4, 1))), 0.25)


class Whole(nn.Module):
    """A network with a layer of parameters and batch norm as its part ``inner``."""

    def setup(self):
        self.inner = Part()

    def __call__(self, points):
        return self.inner(points)


class Part(nn.Module):
    @nn.compact
    def __call__(self, points):
        return batch_norm(True, "norm")(nn.Dense(3, name="linear")(points))


def test_a_module_in_a_scope_starts_like_that_part_of_a_larger_one():
    points = jnp.ones((4, 2))
    whole = init_module(Whole(), jax.random.key(0), points)
    part = init_module(Part(), jax.random.key(0), points, scope="inner")
    inner = jax.tree.map(lambda x: x, (whole.params["inner"], whole.batch_stats["inner"]))
    jax.tree.map(np.testing.assert_array_equal, tuple(part), inner)


def test_applying_returns_the_new_batch_statistics_or_none():
    points = jax.random.normal(jax.random.key(0), (4, 2))
    variables = init_module(Part(), jax.random.key(1), points)
    result, stats = apply_module(Part(), variables, points)
    mean = points @ variables.params["linear"]["kernel"]  # the bias is 0
    expected = 0.1 * mean.mean(axis=0)  # momentum .9, from 0
    np.testing.assert_allclose(stats["norm"]["mean"], expected, rtol=1e-5)
    np.testing.assert_allclose(result.mean(axis=0), np.zeros(3), atol=1e-6)
    plain = init_module(nn.Dense(3), jax.random.key(2), points)
    assert plain.batch_stats == apply_module(nn.Dense(3), plain, points)[1] == {}
