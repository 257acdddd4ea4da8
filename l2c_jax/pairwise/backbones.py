"""Backbones: networks from an image, or from a row of a table, to a feature vector."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
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

_LOST = 1e-3  # of a standard deviation, lost by rounding to single precision: too much
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
    offset: float = field(default=0.0, repr=False)
    """Subtracted from every pixel in double precision, before the images are stored in single
    precision; not from integer images."""

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
    offset: tuple[float, ...] = field(default=(), repr=False)
    """``[D]``, subtracted from the columns in double precision, before the rows are stored in
    single precision; empty: zeros."""

    def __post_init__(self) -> None:
        if len(self.offset) not in (0, self.columns):
            raise ValueError(f"offset must have {self.columns} numbers, got {len(self.offset)}")
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
      points: their shape counts, and for numbers of double precision their mean: if it is so
        large that single precision would lose their differences, it is the backbone's offset.

    Returns:
      The backbone, with default widths.

    Raises:
      ValueError: if points are neither, or images that are not square or whose side is no
        multiple of 16.

    Example:
      >>> import numpy as np
      >>> default_backbone(np.zeros((7, 3)))
      MLP(columns=3, hidden=(128, 128))
    """
    shape = np.shape(points)
    if len(shape) == 2:
        offset = _offset(points, axis=0)
        return MLP(columns=shape[1], offset=tuple(offset.tolist()) if offset.any() else ())
    if len(shape) == 4:
        if shape[1] != shape[2] or shape[1] % 16 or not shape[1]:
            raise ValueError(
                "images must be square, with a side that is a multiple of 16; got an array of "
                f"shape {shape}"
            )
        images = np.asarray(points)
        offset = np.zeros(()) if images.dtype.kind in "bui" else _offset(images, axis=None)
        return VGGS(size=shape[1], channels=shape[3], offset=float(offset))
    raise ValueError(
        f"points must be a table [N, D] or images [N, H, W, C], got an array of shape {shape}"
    )


def _offset(points: ArrayLike, axis: int | None) -> np.ndarray:
    """The mean of numbers of double precision where single precision needs it, else 0."""
    array = np.asarray(points)
    if array.dtype.kind not in "uif" or array.dtype.itemsize < 4 or array.dtype == np.float32:
        return np.zeros(())
    array = array.astype(np.float64)
    if not array.size or not np.isfinite(array).all():
        return np.zeros(())
    mean, deviation = array.mean(axis=axis), array.std(axis=axis)
    lost = np.abs(mean) * np.finfo(np.float32).eps
    return np.where((lost > _LOST * deviation) & (deviation > 0), mean, 0.0)


def describe_backbone(backbone: Backbone) -> dict[str, Any]:
    """A backbone for a header: the name of its class, and its fields if it is a dataclass.

    Example:
      >>> describe_backbone(MLP(columns=2, hidden=(8,)))
      {'name': 'MLP', 'columns': 2, 'hidden': (8,)}
    """
    known = dataclasses.is_dataclass(backbone) and not isinstance(backbone, type)
    fields: dict[str, Any] = dataclasses.asdict(backbone) if known else {}  # type: ignore[call-overload]
    if not fields.get("offset"):
        fields.pop("offset", None)  # as in files that were written before there was one
    return {"name": type(backbone).__name__, **fields}


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
