"""The families of the broad prior: shapes of clusters, and changes of a whole task."""

import jax
import jax.numpy as jnp

from l2c_jax.preprocessing import standardize
from l2c_jax.tasks.swirl import draw_swirls, swirl
from l2c_jax.types import Array, Key


def gaussian(key: Key, labels: Array, means: Array) -> Array:
    """Normal noise; :func:`blobs` stretches it and moves it to the cluster's mean."""
    return jax.random.normal(key, means.shape)


def heavy_tails(key: Key, labels: Array, means: Array) -> Array:
    """Student's t noise with 3 degrees of freedom, one factor a point."""
    key_normal, key_scale = jax.random.split(key)
    scale = (jax.random.normal(key_scale, (means.shape[0], 3)) ** 2).mean(axis=1)
    return jax.random.normal(key_normal, means.shape) / jnp.sqrt(scale + 0.02)[:, None]


def skewed(key: Key, labels: Array, means: Array) -> Array:
    """Exponential noise, centred, of variance 1."""
    return jax.random.exponential(key, means.shape) - 1


def uniform(key: Key, labels: Array, means: Array) -> Array:
    """Uniform noise of variance 1."""
    return 3**0.5 * jax.random.uniform(key, means.shape, minval=-1)


def rings(key: Key, labels: Array, means: Array) -> Array:
    """Rings or arcs in the plane of the first two columns, around their means or one inside
    another; the other columns hold weak noise."""
    key_inside, key_radius, key_arc, key_angle, key_noise = jax.random.split(key, 5)
    inside = jax.random.bernoulli(key_inside)
    radius = jnp.where(inside, 1.0 + labels, jax.random.uniform(key_radius, minval=0.5) * 2)
    arc = jnp.pi * (0.8 + 1.2 * jax.random.uniform(key_arc))
    angle = jax.random.uniform(key_angle, labels.shape, minval=-1) * arc
    return jnp.where(inside, 0.0, means) + _arcs(key_noise, radius, angle, means.shape)


def moons(key: Key, labels: Array, means: Array) -> Array:
    """Pairs of interleaved half circles in the plane of the first two columns."""
    key_angle, key_gap, key_noise = jax.random.split(key, 3)
    angle = jnp.pi * (jax.random.uniform(key_angle, labels.shape) - 1.0 * (labels % 2))
    shift = jnp.stack([jnp.ones(()), 0.2 + 0.4 * jax.random.uniform(key_gap)])
    pair = 2.5 * jax.nn.one_hot(labels // 2 % 2, 2) * (1 + labels // 4)[:, None]
    corner = pair + (labels % 2)[:, None] * shift[None, :]
    points = _arcs(key_noise, jnp.ones(labels.shape), angle, means.shape)
    return points.at[:, :2].add(corner)


def _arcs(key: Key, radius: Array, angle: Array, shape: tuple[int, ...]) -> Array:
    """Points at polar coordinates in the first two columns, with noise in all."""
    key_width, key_noise = jax.random.split(key)
    width = 0.03 + 0.17 * jax.random.uniform(key_width)
    flat = jnp.stack([radius * jnp.cos(angle), radius * jnp.sin(angle)], axis=1)
    return (width * jax.random.normal(key_noise, shape)).at[:, :2].add(flat)


SHAPES = {f.__name__: f for f in (gaussian, heavy_tails, skewed, uniform, rings, moons)}
"""Every shape by name: ``shape(key, labels [N], means [N, D]) -> [N, D]``, where ``means`` are
the means of the points' clusters. The first four return noise of variance 1 instead, which
:func:`blobs` stretches and moves."""
BLOBS = 4


def blobs(
    key: Key,
    noise: Array,
    labels: Array,
    means: Array,
    num_clusters: int,
    anisotropy: float,
) -> Array:
    """Noise, stretched and correlated for every cluster in its own way, and moved to its mean.

    Args:
      key: consumed.
      noise: ``[N, D]`` of variance 1.
      labels: ``[N]``.
      means: ``[N, D]``.
      num_clusters: K, more than every label.
      anisotropy: largest spread of a cluster's log-deviations along its axes.

    Returns:
      ``[N, D]``.
    """
    key_shared, key_spread, key_stretch, key_mix, key_mixed, key_size = jax.random.split(key, 6)
    dimensions = noise.shape[1]
    spread = anisotropy * jax.random.uniform(key_spread)
    stretch = jax.random.uniform(key_stretch, (num_clusters, dimensions), minval=-1) * spread
    mix = jax.random.normal(key_mix, (num_clusters, dimensions, dimensions)) / dimensions**0.5
    share = jax.random.uniform(key_mixed)
    factors = jnp.exp(stretch)[:, :, None] * (
        (1 - share) * jnp.eye(dimensions)[None] + share * mix
    )
    factors = jnp.where(jax.random.bernoulli(key_shared, 0.3), factors[:1], factors)
    factors = factors / jnp.sqrt((factors**2).sum(axis=(1, 2), keepdims=True) / dimensions)
    size = jnp.exp(0.5 * spread * jax.random.normal(key_size, (num_clusters, 1, 1)))
    everywhere = noise[None] @ (size * factors)  # [K, N, D]
    return means + jnp.take_along_axis(everywhere, labels[None, :, None], axis=0)[0]


CORRUPTIONS = (
    *("swirled", "warped", "skewed_columns"),
    *("discretized_columns", "irrelevant_columns", "outliers"),
)
"""Every corruption of a task by name."""


def swirled(key: Key, points: Array, labels: Array, columns: Array, num_clusters: int) -> Array:
    """Each cluster swirled twice in random planes of the columns (section 4.1)."""
    swirls = draw_swirls(key, num_clusters, columns.sum(), 2, alpha_r=2.0, beta_r=4.0)
    return jax.vmap(swirl)(points, swirls.planes[labels], swirls.widths[labels])


def warped(key: Key, points: Array) -> Array:
    """Points moved by a random smooth network of one hidden layer."""
    key_in, key_bias, key_out, key_share = jax.random.split(key, 4)
    dimensions, hidden = points.shape[1], 16
    scale = jnp.sqrt((points**2).mean() + 1e-6)
    weights = jax.random.normal(key_in, (dimensions, hidden)) / dimensions**0.5
    bias = jax.random.normal(key_bias, (1, hidden))
    out = jax.random.normal(key_out, (hidden, dimensions)) / hidden**0.5
    share = jax.random.uniform(key_share)
    moved = jnp.tanh(2 * points / scale @ weights + bias) @ out
    return (1 - share) * points / scale + share * moved


def skewed_columns(key: Key, points: Array, mask: Array) -> Array:
    """Each column x, standardised, becomes (exp(b x) - 1) / b: long tails on one side."""
    bend = 0.05 + 1.2 * jax.random.uniform(key, (1, points.shape[1]))
    return jnp.expm1(bend * jnp.clip(standardize(points, mask), -4, 4)) / bend


def discretized_columns(key: Key, points: Array, mask: Array) -> Array:
    """About half of the columns rounded to 2 to 8 steps."""
    key_which, key_steps = jax.random.split(key)
    shape = (1, points.shape[1])
    step = 4.0 / jax.random.randint(key_steps, shape, 1, 9)
    rounded = jnp.round(standardize(points, mask) / step) * step
    return jnp.where(jax.random.bernoulli(key_which, 0.5, shape), rounded, points)


def irrelevant_columns(key: Key, points: Array) -> Array:
    """Up to 70 % of the columns replaced by noise: normal, exponential or of two values."""
    key_share, key_which, key_kind, key_noise = jax.random.split(key, 4)
    columns = (1, points.shape[1])
    share = 0.7 * jax.random.uniform(key_share)
    which = jax.random.bernoulli(key_which, share, columns).at[0, 0].set(False)
    normal = jax.random.normal(key_noise, points.shape)
    kinds = jnp.stack([normal, jnp.exp(normal), (normal > 0.5) * 1.0])
    kind = jax.random.randint(key_kind, columns, 0, 3)
    noise = jnp.take_along_axis(kinds, jnp.broadcast_to(kind, points.shape)[None], axis=0)[0]
    return jnp.where(which, noise, points)


def outliers(key: Key, points: Array) -> Array:
    """A few points in a hundred moved far out; they keep their labels."""
    key_share, key_which, key_far = jax.random.split(key, 3)
    share = 0.08 * jax.random.uniform(key_share)
    which = jax.random.bernoulli(key_which, share, (points.shape[0], 1))
    scale = 3 * jnp.sqrt((points**2).mean())
    return points + which * scale * jax.random.normal(key_far, points.shape)
