"""The configuration and the two networks of Deep Embedded Clustering.

Section numbers are those of Xie, Girshick & Farhadi, ICML 2016. D is the number of columns, J the
width of the embedding.
"""

from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen

from l2c_jax.types import Array, Key, PyTree


@dataclass(frozen=True)
class DECConfig:
    """Settings of Deep Embedded Clustering."""

    hidden: tuple[int, ...] = (64, 64, 128)
    """Units of the encoder's hidden layers; the decoder has them in reverse. The paper takes 500,
    500 and 2000, for thousands of points."""
    embedding: int = 10
    """J, width of the embedding."""
    centre: bool = True
    """Whether the points are centred before they are scaled. False is as in the paper; the result
    then depends on the origin of the coordinates."""
    dropout: float = 0.0
    """Share of the inputs that pretraining masks. The paper masks 0.2; on tasks in the plane like
    those of Table 1 the error is lower with 0."""
    pretraining: int = 1000
    """Updates of the autoencoder with masked inputs."""
    finetuning: int = 500
    """Updates of the autoencoder after them, without masks."""
    interval: int = 50
    """Updates between two refreshes of the target distribution."""
    refreshes: int = 40
    """Most refreshes."""
    tolerance: float = 1e-3
    """Stop when less than this share of the labels changed between two refreshes."""
    learning_rate: float = 1e-3
    """Adam's step size, in all phases."""
    batch: int = 128
    """Points per update, drawn with replacement."""
    n_init: int = 20
    """Starts of the k-means that finds the first centres."""

    def __post_init__(self) -> None:
        least = min(self.embedding, self.interval, self.refreshes, self.batch, self.n_init)
        if least < 1:
            raise ValueError("embedding, interval, refreshes, batch and n_init must be at least 1")
        if min(self.hidden, default=1) < 1:
            raise ValueError("hidden layers must have at least 1 unit")
        if min(self.pretraining, self.finetuning) < 0:
            raise ValueError("pretraining and finetuning must not be negative")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must lie in [0, 1), got {self.dropout}")
        if not self.learning_rate > 0:
            raise ValueError("learning_rate must be positive")


class Autoencoder(NamedTuple):
    """Weights of the two networks."""

    encoder: PyTree  # D -> J
    decoder: PyTree  # J -> D


class MLP(linen.Module):
    """Fully connected layers, rectified but for the last one (section 3.2.1)."""

    widths: tuple[int, ...]

    @linen.compact
    def __call__(self, signal: Array) -> Array:
        """``[..., inputs] -> [..., widths[-1]]``."""
        for layer, width in enumerate(self.widths):
            signal = linen.relu(signal) if layer else signal
            signal = linen.Dense(width)(signal)
        return signal


def encoder_of(config: DECConfig) -> MLP:
    """The network D -> J."""
    return MLP((*config.hidden, config.embedding))


def decoder_of(config: DECConfig, dimensions: int) -> MLP:
    """The network J -> D, the encoder's mirror image."""
    return MLP((*config.hidden[::-1], dimensions))


def init(key: Key, dimensions: int, config: DECConfig) -> Autoencoder:
    """Random weights: kernels uniform with variance 1 / inputs, biases zero.

    All are parts of one draw, since Linen's own initialisation takes seconds to compile.

    Args:
      key: consumed.
      dimensions: D.
      config: the networks' widths.

    Returns:
      Both networks, float32.
    """
    empty = jax.random.key(0)  # only shapes are asked for
    shapes = Autoencoder(
        jax.eval_shape(encoder_of(config).init, empty, jnp.zeros((1, dimensions))),
        jax.eval_shape(
            decoder_of(config, dimensions).init, empty, jnp.zeros((1, config.embedding))
        ),
    )
    leaves, tree = jax.tree.flatten(shapes)
    ends = np.cumsum([leaf.size for leaf in leaves])
    numbers = jax.random.uniform(key, (ends[-1],), minval=-1.0, maxval=1.0)
    weights = [
        part.reshape(leaf.shape) * (3 / leaf.shape[0]) ** 0.5 if leaf.ndim == 2 else 0 * part
        for part, leaf in zip(jnp.split(numbers, ends[:-1]), leaves, strict=True)
    ]
    return jax.tree.unflatten(tree, weights)
