"""The shapes of clusters of the broad prior."""

from collections.abc import Callable

import jax.numpy as jnp

from l2c_jax.tasks.numbers import Numbers
from l2c_jax.types import Array


def gaussian(numbers: Numbers, labels: Array, means: Array) -> Array:
    """Normal noise; :func:`blobs` stretches it and moves it to the cluster's mean."""
    return numbers.normal(means.shape)


def heavy_tails(numbers: Numbers, labels: Array, means: Array) -> Array:
    """Student's t noise with 3 degrees of freedom, one factor a point."""
    scale = (numbers.normal((means.shape[0], 3)) ** 2).mean(axis=1)
    return numbers.normal(means.shape) / jnp.sqrt(scale + 0.02)[:, None]


def skewed(numbers: Numbers, labels: Array, means: Array) -> Array:
    """Exponential noise, centred, of variance 1."""
    return -jnp.log1p(-numbers.uniform(means.shape)) - 1


def uniform(numbers: Numbers, labels: Array, means: Array) -> Array:
    """Uniform noise of variance 1."""
    return 3**0.5 * numbers.uniform(means.shape, -1.0)


def rings(numbers: Numbers, labels: Array, means: Array) -> Array:
    """Rings or arcs in the plane of the first two columns, around their means or one inside
    another; the other columns hold weak noise."""
    inside = numbers.bernoulli(0.5)
    radius = jnp.where(inside, 1.0 + labels, numbers.uniform((), 1.0, 2.0))
    arc = jnp.pi * numbers.uniform((), 0.8, 2.0)
    angle = numbers.uniform(labels.shape, -1.0) * arc
    return jnp.where(inside, 0.0, means) + _arcs(numbers, radius, angle, means.shape)


def moons(numbers: Numbers, labels: Array, means: Array) -> Array:
    """Pairs of interleaved half circles in the plane of the first two columns."""
    angle = jnp.pi * (numbers.uniform(labels.shape) - 1.0 * (labels % 2))
    shift = jnp.stack([jnp.ones(()), numbers.uniform((), 0.2, 0.6)])
    corner_of_pair = jnp.stack([labels // 2 % 2 == 0, labels // 2 % 2 == 1], axis=1)
    pair = 2.5 * corner_of_pair * (1 + labels // 4)[:, None]
    corner = pair + (labels % 2)[:, None] * shift[None, :]
    points = _arcs(numbers, jnp.ones(labels.shape), angle, means.shape)
    return points.at[:, :2].add(corner)


def curves(numbers: Numbers, labels: Array, means: Array, num_clusters: int) -> Array:
    """A thin cubic curve for each cluster, through its mean, in all columns."""
    dimensions = means.shape[1]
    length = numbers.uniform((), 1.0, 4.0) / dimensions**0.5
    width = numbers.uniform((), 0.03, 0.3)
    t = numbers.uniform(labels.shape, -1.0)
    powers = jnp.stack([t, t**2 - 1 / 3, t**3 - 0.6 * t], axis=1)  # [N, 3]
    kernel = numbers.normal((num_clusters, 3, dimensions))
    line = (powers[:, :, None] * kernel[labels]).sum(axis=1)
    return means + length * line + width * numbers.normal(means.shape) / dimensions**0.5


def _arcs(numbers: Numbers, radius: Array, angle: Array, shape: tuple[int, ...]) -> Array:
    """Points at polar coordinates in the first two columns, with noise in all."""
    width = numbers.uniform((), 0.03, 0.2)
    flat = jnp.stack([radius * jnp.cos(angle), radius * jnp.sin(angle)], axis=1)
    return (width * numbers.normal(shape)).at[:, :2].add(flat)


BLOBS: dict[str, Callable[[Numbers, Array, Array], Array]] = {
    f.__name__: f for f in (gaussian, heavy_tails, skewed, uniform)
}
"""Shapes by name, ``shape(numbers, labels [N], means [N, D]) -> [N, D]``: noise of variance 1,
which :func:`blobs` stretches and moves to the means."""
SHAPES = (*BLOBS, "rings", "moons", "curves")
"""Every shape by name."""


def blobs(
    numbers: Numbers,
    noise: Array,
    labels: Array,
    means: Array,
    num_clusters: int,
    anisotropy: float,
) -> Array:
    """Noise, stretched and correlated for every cluster in its own way, and moved to its mean.

    Args:
      numbers: random numbers.
      noise: ``[N, D]`` of variance 1.
      labels: ``[N]``.
      means: ``[N, D]``.
      num_clusters: K, more than every label.
      anisotropy: largest spread of a cluster's log-deviations along its axes.

    Returns:
      ``[N, D]``.
    """
    dimensions = noise.shape[1]
    spread = anisotropy * numbers.uniform()
    stretch = spread * numbers.uniform((num_clusters, dimensions), -1.0)
    mix = numbers.normal((num_clusters, dimensions, dimensions)) / dimensions**0.5
    share = numbers.uniform()
    factors = jnp.exp(stretch)[:, :, None] * (
        (1 - share) * jnp.eye(dimensions)[None] + share * mix
    )
    factors = jnp.where(numbers.bernoulli(0.3), factors[:1], factors)
    factors = factors / jnp.sqrt((factors**2).sum(axis=(1, 2), keepdims=True) / dimensions)
    size = jnp.exp(0.5 * spread * numbers.normal((num_clusters, 1, 1)))
    everywhere = noise[None] @ (size * factors)  # [K, N, D]
    return means + jnp.take_along_axis(everywhere, labels[None, :, None], axis=0)[0]
