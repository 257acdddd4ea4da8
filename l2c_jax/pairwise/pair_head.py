"""The similarity head: log-odds of "same class" for all pairs of two batches.

The reference implementation applies a two-layer perceptron to the concatenation of the two
feature vectors of every pair, a matrix product over N x M rows. The first layer is linear, so it
is the sum of one product per batch,

    W [f_i; g_j] = W_a f_i + W_b g_j = a_i + b_j.

Over the full grid of pairs the mean and variance of a_i + b_j, which batch norm needs, are
exactly ``mean(a) + mean(b)`` and ``var(a) + var(b)``. The remaining cost per pair and hidden unit
is one addition, one maximum and one multiplication.

References: Hsu, Lv & Kira, *Learning to cluster in order to transfer across domains and tasks*,
2018, the similarity prediction network; the factorization is ours.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp

from l2c_jax.pairwise.layers import EPSILON, MOMENTUM, UNIFORM
from l2c_jax.types import Array

_CHUNK = 64  # hidden units at a time: for 100 x 100 pairs their block stays in a core's cache


@jax.custom_vjp
def relu_of_sums(first: Array, second: Array, weights: Array) -> Array:
    """:math:`z_{ij} = \\sum_h w_h \\max(a_{ih} + b_{jh}, 0)`.

    Summed over 64 hidden units at a time, without an ``[N, M, H]`` array; the backward pass
    stores only the inputs and recomputes the signs.

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
    """Gradients of :func:`relu_of_sums`, given the gradient :math:`g = \\bar z`.

    With :math:`m_{ijh} = g_{ij} [a_{ih} + b_{jh} > 0]`:

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
    """The first layer and its batch norm, as one term for each side of a pair.

    .. math::
       \\gamma \\frac{a_i + b_j - \\mu}{\\sqrt{\\sigma^2 + \\epsilon}} + \\beta
       = a'_i + b'_j, \\quad \\mu = \\bar a + \\bar b, \\quad
       \\sigma^2 = \\mathrm{var}(a) + \\mathrm{var}(b)
    """

    hidden: int
    """H, hidden units."""

    @nn.compact
    def __call__(self, first: Array, second: Array, train: bool) -> tuple[Array, Array]:
        """Features ``[N, F]``, ``[M, F]`` to a' ``[N, H]`` and b' ``[M, H]``."""
        # uniform in +-1 / sqrt(2 F): the layer on concatenated pairs has 2 F inputs
        uniform = nn.initializers.variance_scaling(1 / 6, "fan_in", "uniform")
        shape, size = (first.shape[-1], self.hidden), (self.hidden,)
        a = first @ self.param("first", uniform, shape, jnp.float32)
        b = second @ self.param("second", uniform, shape, jnp.float32)
        scale = self.param("scale", nn.initializers.ones, size, jnp.float32)
        bias = self.param("bias", nn.initializers.zeros, size, jnp.float32)
        running_mean = self.variable("batch_stats", "mean", jnp.zeros, size, jnp.float32)
        running_var = self.variable("batch_stats", "var", jnp.ones, size, jnp.float32)
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
        centered_b = (b - mean_b[None, :]) * scale[None, :] + bias[None, :]
        return (a - mean_a[None, :]) * scale[None, :], centered_b


class PairHead(nn.Module):
    """Features of two batches to the log-odds of "same" for every pair.

    .. math::
       z_{ij} = \\sum_h (v_{h1} - v_{h0}) \\max(a'_{ih} + b'_{jh}, 0) + c_1 - c_0

    with second layer :math:`v, c` of two outputs, "different" (0) and "same" (1).
    """

    hidden: int
    """H, hidden units."""

    def setup(self) -> None:
        """Both layers."""
        self.terms = PairTerms(self.hidden)
        self.kernel = self.param("kernel", UNIFORM, (self.hidden, 2), jnp.float32)
        self.bias = self.param("bias", nn.initializers.zeros, (2,), jnp.float32)

    def __call__(self, first: Array, second: Array, train: bool) -> Array:
        """``[N, F]`` and ``[M, F]`` to ``[N, M]``; ``train`` normalizes by this grid of pairs."""
        return self.log_odds(*self.terms(first, second, train))

    def pair_terms(self, first: Array, second: Array, train: bool) -> tuple[Array, Array]:
        """Features ``[N, F]`` and ``[M, F]`` to terms ``[N, H]`` and ``[M, H]``."""
        return self.terms(first, second, train)

    def log_odds(self, first: Array, second: Array) -> Array:
        """Terms ``[N, H]`` and ``[M, H]`` to log-odds ``[N, M]``."""
        weights = self.kernel[:, 1] - self.kernel[:, 0]  # softmax over two: only differences
        return relu_of_sums(first, second, weights) + (self.bias[1] - self.bias[0])
