"""Layers shared by the networks of this package, and how a Flax module is used as functions."""

from typing import Any, NamedTuple

import flax.linen as nn
import jax.numpy as jnp
from flax.core.scope import LazyRng

from l2c_jax.types import Array, Key, PyTree

MOMENTUM = 0.9
"""Momentum m of every batch norm: running <- m running + (1 - m) batch."""

EPSILON = 1e-5
"""Added to every variance before its square root."""

UNIFORM = nn.initializers.variance_scaling(1 / 3, "fan_in", "uniform")
"""Initial weights: uniform in +-1 / sqrt(fan in), as in the reference implementation."""


class Variables(NamedTuple):
    """All arrays of a network."""

    params: PyTree  # trained by gradients
    batch_stats: PyTree  # running means and variances of every batch norm; {} without batch norm


def init_module(network: nn.Module, key: Key, *inputs: object, scope: str = "") -> Variables:
    """Random variables of a Flax module.

    Args:
      network: the module.
      key: consumed.
      inputs: of the module's call; only their shapes count.
      scope: name of the module inside a larger one. Flax derives every parameter's key from the
        path of names, so a module and the same module as the part ``scope`` of a larger one get
        the same parameters.

    Returns:
      Named arrays, float32.
    """
    rng: Any = LazyRng.create(key, scope) if scope else key
    collections = network.init(rng, *inputs)
    return Variables(collections["params"], collections.get("batch_stats", {}))


def apply_module(
    network: nn.Module, variables: Variables, *inputs: object, method: str = "__call__"
) -> tuple[PyTree, PyTree]:
    """The result of a Flax module, and its batch statistics after the call.

    Args:
      network: the module.
      variables: its arrays.
      inputs: of the method.
      method: which one to call.

    Returns:
      The method's result, and the new batch statistics.
    """
    result, changed = network.apply(
        variables._asdict(), *inputs, mutable=["batch_stats"], method=method
    )
    return result, changed.get("batch_stats", {})


def batch_norm(train: bool, name: str) -> nn.BatchNorm:
    """Batch norm: by the batch's own statistics in training, else by the running averages.

    .. math::
       y = \\gamma (x - \\mu) / \\sqrt{\\sigma^2 + \\epsilon} + \\beta

    Args:
      train: whether :math:`\\mu, \\sigma^2` are those of the batch.
      name: of the layer.

    Returns:
      The layer.

    References:
      Ioffe & Szegedy, *Batch normalization*, 2015.
    """
    return nn.BatchNorm(
        use_running_average=not train,
        momentum=MOMENTUM,
        epsilon=EPSILON,
        use_fast_variance=False,
        name=name,
    )


class Convolution(nn.Module):
    """A 3x3 convolution with zero padding and no bias, computed as one matrix product.

    On a CPU, XLA's own convolution is about twenty times slower inside ``lax.scan`` than outside.
    """

    channels: int
    """C', channels of the result."""

    @nn.compact
    def __call__(self, images: Array) -> Array:
        """``[N, H, W, C]`` to ``[N, H, W, C']``."""
        size, height, width, channels = images.shape
        kernel = self.param("kernel", UNIFORM, (3, 3, channels, self.channels), jnp.float32)
        padded = jnp.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
        shifted = [
            padded[:, row : row + height, column : column + width]
            for row in range(3)
            for column in range(3)
        ]
        patches = jnp.concatenate(shifted, axis=-1).reshape(-1, 9 * channels)
        result = patches @ kernel.reshape(9 * channels, self.channels)
        return result.reshape(size, height, width, self.channels)


def max_pool(images: Array) -> Array:
    """The maximum of every 2x2 block.

    Computed as two maxima of two arrays. The gradient of ``jnp.max`` along axes divides by the
    number of elements equal to the maximum; where the compiler computes the elements anew with
    other rounding, that number is zero.

    Args:
      images: ``[N, H, W, C]``, H and W even.

    Returns:
      ``[N, H/2, W/2, C]``.

    Example:
      >>> import jax.numpy as jnp
      >>> max_pool(jnp.arange(4.0).reshape(1, 2, 2, 1)).tolist()
      [[[[3.0]]]]
    """
    size, height, width, channels = images.shape
    blocks = images.reshape(size, height // 2, 2, width // 2, 2, channels)
    rows = jnp.maximum(blocks[:, :, 0], blocks[:, :, 1])
    return jnp.maximum(rows[:, :, :, 0], rows[:, :, :, 1])
