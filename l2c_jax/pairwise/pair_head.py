"""The head that compares all pairs of two batches, at the cost of the points, not of the pairs.

As printed, it is a two-layer perceptron on the concatenation of two feature vectors: a matrix
product over N x M pairs. But the first layer is linear, so it splits into one product a batch,

    W [f_i; f_j] = W_a f_i + W_b f_j = a_i + b_j,

and over the full grid of pairs the mean and variance that batch norm asks for are
``mean(a) + mean(b)`` and ``var(a) + var(b)``, exactly. What remains for the pairs is one addition,
one maximum and one multiplication a hidden unit.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp

from l2c_jax.pairwise.backbones import EPSILON, MOMENTUM, UNIFORM
from l2c_jax.types import Array

_CHUNK = 64  # hidden units at a time: for 100 x 100 pairs their block stays in a core's cache


@jax.custom_vjp
def relu_of_sums(first: Array, second: Array, weights: Array) -> Array:
    """:math:`z_{ij} = \\sum_h w_h \\max(a_{ih} + b_{jh}, 0)`.

    Some hidden units at a time, so that no ``[N, M, H]`` array is ever made; the backward pass
    keeps only the inputs and computes the signs again.

    Args:
      first: a, ``[N, H]``.
      second: b, ``[M, H]``.
      weights: w, ``[H]``.

    Returns:
      z, ``[N, M]``.

    Example:
      >>> import jax.numpy as jnp
      >>> relu_of_sums(jnp.array([[1.0], [-3.0]]), jnp.array([[2.0]]), jnp.ones(1)).tolist()
      [[3.0], [0.0]]
    """

    def add(total: Array, chunk: tuple[Array, Array, Array]) -> tuple[Array, None]:
        a, b, w = chunk
        hidden = jax.nn.relu(a[:, None, :] + b[None, :, :])
        return total + (hidden.reshape(-1, w.shape[0]) @ w).reshape(total.shape), None

    zeros = jnp.zeros((first.shape[0], second.shape[0]), first.dtype)
    chunks = (_chunked(first), _chunked(second), _chunked(weights[None, :])[:, 0])
    return jax.lax.scan(add, zeros, chunks)[0]


def _chunked(array: Array) -> Array:
    """``[N, H]`` to ``[H / chunk, N, chunk]``; zeros fill the last chunk."""
    size, width = array.shape
    padded = jnp.pad(array, ((0, 0), (0, -width % _CHUNK)))
    return padded.reshape(size, -1, _CHUNK).swapaxes(0, 1)


def _forward(first: Array, second: Array, weights: Array) -> tuple[Array, tuple]:
    return relu_of_sums(first, second, weights), (first, second, weights)


def _backward(saved: tuple[Array, Array, Array], gradient: Array) -> tuple[Array, Array, Array]:
    """With :math:`m_{ijh} = g_{ij} [a_{ih} + b_{jh} > 0]`, its sums over j and over i suffice.

    .. math::
       \\bar a = w \\sum_j m, \\quad \\bar b = w \\sum_i m, \\quad
       \\bar w = \\sum_i a \\sum_j m + \\sum_j b \\sum_i m
    """
    first, second, weights = saved

    def sums(_: None, chunk: tuple[Array, Array]) -> tuple[None, tuple[Array, Array]]:
        a, b = chunk
        active = jnp.where(a[:, None, :] + b[None, :, :] > 0, gradient[:, :, None], 0)
        return None, (active.sum(axis=1), active.sum(axis=0))

    def joined(chunks: Array) -> Array:
        return chunks.swapaxes(0, 1).reshape(chunks.shape[1], -1)[:, : weights.shape[0]]

    over_second, over_first = jax.lax.scan(sums, None, (_chunked(first), _chunked(second)))[1]
    over_second, over_first = joined(over_second), joined(over_first)
    return (
        over_second * weights[None, :],
        over_first * weights[None, :],
        (first * over_second).sum(axis=0) + (second * over_first).sum(axis=0),
    )


relu_of_sums.defvjp(_forward, _backward)


class PairTerms(nn.Module):
    """The first layer and its batch norm, split between the two sides of a pair."""

    hidden: int
    """H, hidden units."""

    @nn.compact
    def __call__(self, first: Array, second: Array, train: bool) -> tuple[Array, Array]:
        """Terms ``[N, H]`` and ``[M, H]`` whose sum is a pair's normalised hidden layer."""
        # uniform in +-1 / sqrt(2 F), the inputs of the layer that reads both sides
        uniform = nn.initializers.variance_scaling(1 / 6, "fan_in", "uniform")
        shape = (first.shape[-1], self.hidden)
        a = first @ self.param("first", uniform, shape)
        b = second @ self.param("second", uniform, shape)
        scale = self.param("scale", nn.initializers.ones, (self.hidden,))
        bias = self.param("bias", nn.initializers.zeros, (self.hidden,))
        running_mean = self.variable("batch_stats", "mean", jnp.zeros, (self.hidden,))
        running_var = self.variable("batch_stats", "var", jnp.ones, (self.hidden,))
        if not train:
            scale *= jax.lax.rsqrt(running_var.value + EPSILON)
            return a * scale[None, :], b * scale[None, :] + (bias - running_mean.value * scale)[
                None, :
            ]
        mean_a, mean_b = a.mean(axis=0), b.mean(axis=0)
        var = a.var(axis=0) + b.var(axis=0)  # over all pairs
        if not self.is_initializing():
            running_mean.value = MOMENTUM * running_mean.value + (1 - MOMENTUM) * (mean_a + mean_b)
            running_var.value = MOMENTUM * running_var.value + (1 - MOMENTUM) * var
        scale *= jax.lax.rsqrt(var + EPSILON)
        centred_b = (b - mean_b[None, :]) * scale[None, :] + bias[None, :]
        return (a - mean_a[None, :]) * scale[None, :], centred_b


class PairHead(nn.Module):
    """Features of two batches to the log-odds of "same" for every pair."""

    hidden: int
    """H, hidden units."""

    def setup(self) -> None:
        """Two layers; the second has two outputs, "different" and "same"."""
        self.terms = PairTerms(self.hidden)
        self.kernel = self.param("kernel", UNIFORM, (self.hidden, 2))
        self.bias = self.param("bias", nn.initializers.zeros, (2,))

    def __call__(self, first: Array, second: Array, train: bool) -> Array:
        """``[N, F]`` and ``[M, F]`` to ``[N, M]``; in training, of the grid's own statistics."""
        return self.log_odds(*self.terms(first, second, train))

    def log_odds(self, first: Array, second: Array) -> Array:
        """Terms ``[N, H]`` and ``[M, H]`` to log-odds ``[N, M]``."""
        weights = self.kernel[:, 1] - self.kernel[:, 0]  # all that a softmax over two needs
        return relu_of_sums(first, second, weights) + (self.bias[1] - self.bias[0])
