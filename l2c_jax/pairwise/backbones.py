"""Trunks: what turns an image, or a row of a table, into a feature vector."""

from dataclasses import dataclass
from typing import TypeAlias

import flax.linen as nn
import jax.numpy as jnp
import numpy as np

from l2c_jax.types import Array, ArrayLike

MOMENTUM, EPSILON = 0.9, 1e-5  # of every batch norm of this wing


@dataclass(frozen=True)
class VGGS:
    """A trunk for images: four times convolution 3x3, batch norm, ReLU, pooling by 2."""

    size: int = 32
    """Height and width of the images, a multiple of 16."""
    channels: int = 1
    """C, channels of the images."""
    width: float = 1.0
    """Multiplies the channels 64, 128, 256, 256 of the four convolutions."""
    mean: float = 0.0
    """Subtracted from every pixel; images of type uint8 are divided by 255 before."""
    scale: float = 1.0
    """What every pixel is divided by then."""

    def __post_init__(self) -> None:
        if self.size < 16 or self.size % 16 or self.channels < 1:
            raise ValueError("size must be a positive multiple of 16, channels at least 1")
        if not (self.width > 0 and self.scale > 0):
            raise ValueError("width and scale must be positive")

    @property
    def convolutions(self) -> tuple[int, ...]:
        """Channels of the four convolutions."""
        return tuple(max(1, round(self.width * channels)) for channels in (64, 128, 256, 256))

    @property
    def features(self) -> int:
        """F, length of an image's feature vector."""
        return self.convolutions[-1] * (self.size // 16) ** 2

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one image."""
        return (self.size, self.size, self.channels)


@dataclass(frozen=True)
class MLP:
    """A trunk for rows of a table: linear layers, each with batch norm and ReLU."""

    columns: int
    """D, columns of the table. They should be of comparable scale."""
    hidden: tuple[int, ...] = (128, 128)
    """Width of each layer; the last one's is the length of the feature vector."""

    def __post_init__(self) -> None:
        if self.columns < 1 or not self.hidden or min(self.hidden) < 1:
            raise ValueError("columns and the width of every hidden layer must be at least 1")

    @property
    def features(self) -> int:
        """F, length of a row's feature vector."""
        return self.hidden[-1]

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one row."""
        return (self.columns,)


Trunk: TypeAlias = VGGS | MLP
"""What turns a point into features."""


def default_trunk(points: ArrayLike) -> Trunk:
    """The trunk for points of this shape: ``VGGS`` for ``[N, H, W, C]``, ``MLP`` for ``[N, D]``.

    Raises:
      ValueError: if it is neither.
    """
    shape = np.shape(points)
    if len(shape) == 2:
        return MLP(columns=shape[1])
    if len(shape) == 4:
        return VGGS(size=shape[1], channels=shape[3])
    raise ValueError(
        f"points must be a table [N, D] or images [N, H, W, C], got an array of shape {shape}"
    )


def checked_points(points: ArrayLike, trunk: Trunk, least: int = 1) -> np.ndarray:
    """Points as the trunk reads them, on the host.

    Args:
      points: ``[N, ...]``.
      trunk: the shape of one point.
      least: the fewest points that make sense.

    Returns:
      ``[N, ...]`` float32, or uint8 for images that are.

    Raises:
      ValueError: if shape or number are others, or a number is not finite.
    """
    array = np.asarray(points)
    if array.shape[1:] != trunk.shape or array.ndim != len(trunk.shape) + 1:
        wanted = ", ".join(("N", *map(str, trunk.shape)))
        raise ValueError(f"points must have shape [{wanted}] for {trunk}, got {array.shape}")
    if len(array) < least:
        raise ValueError(f"at least {least} points are needed, got {len(array)}")
    if array.dtype == np.uint8 and isinstance(trunk, VGGS):
        return array
    array = array.astype(np.float32)
    if not np.isfinite(array).all():
        raise ValueError("points must be finite; found NaN or infinity")
    return array


def as_float(points: Array) -> Array:
    """Points as float32; uint8 is divided by 255."""
    return points.astype(jnp.float32) / 255 if points.dtype == jnp.uint8 else points


# uniform in +-1 / sqrt(fan in): where the published networks start
UNIFORM = nn.initializers.variance_scaling(1 / 3, "fan_in", "uniform")


def batch_norm(train: bool, name: str) -> nn.BatchNorm:
    """Normalises by the batch in training, else by the running averages."""
    return nn.BatchNorm(
        use_running_average=not train,
        momentum=MOMENTUM,
        epsilon=EPSILON,
        use_fast_variance=False,
        name=name,
    )


class Convolution(nn.Module):
    """A 3x3 convolution with zero padding and no bias, as one matrix product.

    On a CPU, XLA's own convolution is some twenty times slower inside ``lax.scan`` than outside.
    """

    channels: int
    """C', channels of the result."""

    @nn.compact
    def __call__(self, images: Array) -> Array:
        """``[N, H, W, C]`` to ``[N, H, W, C']``."""
        size, height, width, channels = images.shape
        kernel = self.param("kernel", UNIFORM, (3, 3, channels, self.channels))
        padded = jnp.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
        shifted = [
            padded[:, row : row + height, column : column + width]
            for row in range(3)
            for column in range(3)
        ]
        patches = jnp.concatenate(shifted, axis=-1).reshape(-1, 9 * channels)
        result = patches @ kernel.reshape(9 * channels, self.channels)
        return result.reshape(size, height, width, self.channels)


def pooled(images: Array) -> Array:
    """The maximum of every 2x2 block: ``[N, H, W, C]`` to ``[N, H/2, W/2, C]``.

    By two maxima of two. The gradient of ``max`` along axes looks for elements equal to the
    maximum; where the compiler computes those anew, rounded otherwise, it finds none and divides
    by zero.
    """
    size, height, width, channels = images.shape
    blocks = images.reshape(size, height // 2, 2, width // 2, 2, channels)
    rows = jnp.maximum(blocks[:, :, 0], blocks[:, :, 1])
    return jnp.maximum(rows[:, :, :, 0], rows[:, :, :, 1])


class TrunkNetwork(nn.Module):
    """Points to features."""

    config: Trunk

    @nn.compact
    def __call__(self, points: Array, train: bool) -> Array:
        """``[N, ...]`` to ``[N, F]``."""
        config, signal = self.config, as_float(points)
        if isinstance(config, VGGS):
            signal = (signal - config.mean) / config.scale
            for number, channels in enumerate(config.convolutions, 1):
                signal = Convolution(channels, name=f"convolution{number}")(signal)
                signal = batch_norm(train, f"norm{number}")(signal)
                signal = nn.relu(pooled(signal))  # pooling first: the same, on a quarter
            return signal.reshape(signal.shape[0], -1)
        for number, width in enumerate(config.hidden, 1):
            layer = nn.Dense(width, use_bias=False, kernel_init=UNIFORM, name=f"linear{number}")
            signal = nn.relu(batch_norm(train, f"norm{number}")(layer(signal)))
        return signal
