"""Backbones: networks from an image, or from a row of a table, to a feature vector."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import flax.linen as nn
import jax.numpy as jnp
import numpy as np

from l2c_jax.pairwise.layers import (
    UNIFORM,
    Convolution,
    Variables,
    apply_module,
    batch_norm,
    init_module,
    max_pool,
)
from l2c_jax.types import Array, ArrayLike, Key, PyTree

_SCOPE = "trunk"  # the name in release 1; Flax derives initial parameters from it


class Backbone(Protocol):
    """Any network from points to features, as a pair of pure functions.

    A backbone is a static argument of compiled programs, so it has to be hashable, and backbones
    that compare equal have to compute the same: a frozen dataclass of numbers is both.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from l2c_jax.pairwise.networks import init_similarity, pair_log_odds
      >>> @dataclass(frozen=True)
      ... class Linear:
      ...     columns: int
      ...     features: int
      ...     @property
      ...     def shape(self):
      ...         return (self.columns,)
      ...     def init(self, key):
      ...         return Variables(jax.random.normal(key, (self.columns, self.features)), {})
      ...     def apply(self, variables, points, train):
      ...         return points @ variables.params, variables.batch_stats
      >>> def log_odds(key, points, backbone=Linear(3, 4)):
      ...     variables = init_similarity(key, backbone)
      ...     return pair_log_odds(variables, points, backbone=backbone, train=False)[0]
      >>> jax.jit(log_odds)(jax.random.key(0), jnp.ones((5, 3))).shape
      (5, 5)
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one point; images have three axes, ``(H, W, C)``."""
        ...

    @property
    def features(self) -> int:
        """F, length of a feature vector."""
        ...

    def init(self, key: Key) -> Variables:
        """Random variables; the key is consumed."""
        ...

    def apply(self, variables: Variables, points: Array, train: bool) -> tuple[Array, PyTree]:
        """Points ``[N, *shape]`` float32 to features ``[N, F]``, and the new batch statistics."""
        ...


@dataclass(frozen=True)
class VGGS:
    """The backbone for images: four times convolution 3x3, batch norm, ReLU, max pooling by 2.

    References:
      Hsu, Lv & Kira, *Learning to cluster in order to transfer across domains and tasks*, 2018,
      the network for Omniglot.
    """

    size: int = 32
    """Height and width of the images, a multiple of 16."""
    channels: int = 1
    """C, channels of the images."""
    width: float = 1.0
    """Multiplies the channels 64, 128, 256, 256 of the four convolutions."""
    mean: float = 0.0
    """Subtracted from every pixel; images of type uint8 are divided by 255 before."""
    scale: float = 1.0
    """Every pixel is divided by it after the subtraction."""

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
        """Shape of one image."""
        return (self.size, self.size, self.channels)

    def init(self, key: Key) -> Variables:
        """Random variables; the key is consumed."""
        return _init(_ConvolutionalNetwork(self), key, self.shape)

    def apply(self, variables: Variables, points: Array, train: bool) -> tuple[Array, PyTree]:
        """Images ``[N, H, W, C]`` to features ``[N, F]``, and the new batch statistics."""
        return apply_module(_ConvolutionalNetwork(self), variables, points, train)


@dataclass(frozen=True)
class MLP:
    """The backbone for rows of a table: linear layers, each with batch norm and ReLU."""

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
        """Shape of one row."""
        return (self.columns,)

    def init(self, key: Key) -> Variables:
        """Random variables; the key is consumed."""
        return _init(_Perceptron(self), key, self.shape)

    def apply(self, variables: Variables, points: Array, train: bool) -> tuple[Array, PyTree]:
        """Rows ``[N, D]`` to features ``[N, F]``, and the new batch statistics."""
        return apply_module(_Perceptron(self), variables, points, train)


class _ConvolutionalNetwork(nn.Module):
    config: VGGS

    @nn.compact
    def __call__(self, images: Array, train: bool) -> Array:
        """``[N, H, W, C]`` to ``[N, F]``."""
        signal = (images - self.config.mean) / self.config.scale
        for number, channels in enumerate(self.config.convolutions, 1):
            signal = Convolution(channels, name=f"convolution{number}")(signal)
            signal = batch_norm(train, f"norm{number}")(signal)
            signal = nn.relu(max_pool(signal))  # equals pooling after ReLU, at a quarter of it
        return signal.reshape(signal.shape[0], -1)


class _Perceptron(nn.Module):
    config: MLP

    @nn.compact
    def __call__(self, rows: Array, train: bool) -> Array:
        """``[N, D]`` to ``[N, F]``."""
        signal = rows
        for number, width in enumerate(self.config.hidden, 1):
            layer = nn.Dense(width, use_bias=False, kernel_init=UNIFORM, name=f"linear{number}")
            signal = nn.relu(batch_norm(train, f"norm{number}")(layer(signal)))
        return signal


def _init(network: nn.Module, key: Key, shape: tuple[int, ...]) -> Variables:
    return init_module(network, key, jnp.zeros((1, *shape), jnp.float32), False, scope=_SCOPE)


def default_backbone(points: ArrayLike) -> VGGS | MLP:
    """``VGGS`` for images ``[N, H, W, C]``, ``MLP`` for a table ``[N, D]``.

    Args:
      points: only their shape counts.

    Returns:
      The backbone, with default widths.

    Raises:
      ValueError: if points are neither, or images whose side is no multiple of 16.

    Example:
      >>> import numpy as np
      >>> default_backbone(np.zeros((7, 3)))
      MLP(columns=3, hidden=(128, 128))
    """
    shape = np.shape(points)
    if len(shape) == 2:
        return MLP(columns=shape[1])
    if len(shape) == 4:
        return VGGS(size=shape[1], channels=shape[3])
    raise ValueError(
        f"points must be a table [N, D] or images [N, H, W, C], got an array of shape {shape}"
    )


def describe_backbone(backbone: Backbone) -> dict[str, Any]:
    """A backbone for a header: the name of its class, and its fields if it is a dataclass.

    Example:
      >>> describe_backbone(MLP(columns=2, hidden=(8,)))
      {'name': 'MLP', 'columns': 2, 'hidden': (8,)}
    """
    known = dataclasses.is_dataclass(backbone) and not isinstance(backbone, type)
    return {
        "name": type(backbone).__name__,
        **(dataclasses.asdict(backbone) if known else {}),  # type: ignore[call-overload]
    }


def backbone_from_description(description: Mapping[str, Any]) -> VGGS | MLP:
    """The inverse of :func:`describe_backbone`, for the backbones of this module.

    Args:
      description: from JSON; lists stand for tuples.

    Returns:
      The backbone.

    Raises:
      KeyError: if the name is another.
      TypeError: if a field is unknown.
      ValueError: if a field has an impossible value.

    Example:
      >>> backbone_from_description({"name": "MLP", "columns": 2, "hidden": [8]})
      MLP(columns=2, hidden=(8,))
    """
    fields: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in description.items()
    }
    classes: dict[str, type[VGGS] | type[MLP]] = {"VGGS": VGGS, "MLP": MLP}
    return classes[fields.pop("name")](**fields)


def is_for_images(backbone: Backbone) -> bool:
    """Whether points are images: one point has three axes."""
    return len(backbone.shape) == 3


def checked_points(points: ArrayLike, backbone: Backbone, least: int = 1) -> np.ndarray:
    """Points on the host, of a type that the networks take.

    Args:
      points: ``[N, ...]``.
      backbone: has the shape of one point.
      least: the smallest N allowed.

    Returns:
      ``[N, ...]`` float32; images of type uint8 stay uint8.

    Raises:
      ValueError: if the shape is another, points are too few, or a number is not finite.
    """
    array = np.asarray(points)
    if array.shape[1:] != backbone.shape or array.ndim != len(backbone.shape) + 1:
        wanted = ", ".join(("N", *map(str, backbone.shape)))
        raise ValueError(f"points must have shape [{wanted}] for {backbone}, got {array.shape}")
    if len(array) < least:
        raise ValueError(f"at least {least} points are needed, got {len(array)}")
    if array.dtype == np.uint8 and is_for_images(backbone):
        return array
    array = array.astype(np.float32)
    if not np.isfinite(array).all():
        raise ValueError("points must be finite; found NaN or infinity")
    return array


def as_float(points: Array) -> Array:
    """Points as float32; uint8 is divided by 255."""
    return points.astype(jnp.float32) / 255 if points.dtype == jnp.uint8 else points
