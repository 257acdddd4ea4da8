"""A broad prior over clustering problems: many families of shapes and of spoilt columns, mixed.

A learner that is to work on anybody's table has to have met what tables are like. Every family is
a small pure function: *shapes* put points around their cluster, *changes* act on all points of a
task. :class:`PriorConfig` says how often each is met, :func:`draw_prior_task` draws a task.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from l2c_jax.tasks.frame import standardised
from l2c_jax.tasks.gaussian import orthogonal
from l2c_jax.tasks.swirl import draw_swirls, swirl
from l2c_jax.tasks.task import Task
from l2c_jax.types import Array, Key


@dataclass(frozen=True)
class PriorConfig:
    """How often each family is met, and how large the tasks are."""

    num_points: int = 128
    """N, points of a task, padding included."""
    min_points: int = 64
    """Least number of points; the logarithm of the number is uniform."""
    dimensions: int = 16
    """D, most columns of a table; the logarithm of their number is uniform."""
    num_clusters: int = 10
    """K, most clusters of a task. A task has at least 4 points per cluster on average."""
    count_weights: tuple[float, ...] = (4, 30, 24, 14, 10, 7, 4, 3, 2, 2)
    """How often 1, 2, ..., K clusters are met; need not sum to 1."""
    gaussian: float = 5
    """Weight of Gaussian clusters among the shapes."""
    heavy_tails: float = 2
    """Weight of Student's t clusters, 3 degrees of freedom."""
    skewed: float = 1
    """Weight of exponential clusters."""
    uniform: float = 1
    """Weight of clusters with sharp edges."""
    rings: float = 1
    """Weight of rings and arcs."""
    moons: float = 1
    """Weight of interleaved half circles."""
    separation: tuple[float, float] = (1.2, 12.0)
    """Range of the distance of cluster means, in standard deviations of a cluster along an axis;
    its logarithm is uniform."""
    anisotropy: float = 1.5
    """Largest spread of a cluster's log-deviations along its axes."""
    unequal: float = 1.2
    """Largest standard deviation of the logarithms of the cluster sizes."""
    swirled: float = 0.15
    """Probability that every cluster is swirled in random planes."""
    warped: float = 0.3
    """Probability of a random smooth network over all points."""
    bent_columns: float = 0.3
    """Probability of skewed columns."""
    discretised: float = 0.2
    """Probability of columns with a few values only."""
    irrelevant: float = 0.25
    """Probability of columns that say nothing about the clusters."""
    outliers: float = 0.2
    """Probability of points thrown far out."""

    def __post_init__(self) -> None:
        shapes = self.shape_weights
        chances = (
            *(self.swirled, self.warped, self.bent_columns),
            *(self.discretised, self.irrelevant, self.outliers),
        )
        rules = {
            "num_points must be at least min_points, and that at least 4": 4
            <= self.min_points
            <= self.num_points,
            "dimensions must be at least 2": self.dimensions >= 2,
            "count_weights needs one weight a number of clusters, 1 to num_clusters": len(
                self.count_weights
            )
            == self.num_clusters
            > 0,
            "weights must not be negative, nor all be 0": min(*shapes, *self.count_weights) >= 0
            and sum(shapes) > 0
            and sum(self.count_weights) > 0,
            "probabilities must lie in [0, 1]": all(0 <= chance <= 1 for chance in chances),
            "separation must be a rising pair of positive numbers": 0
            < self.separation[0]
            <= self.separation[1],
            "anisotropy and unequal must not be negative": min(self.anisotropy, self.unequal) >= 0,
        }
        broken = [rule for rule, kept in rules.items() if not kept]
        if broken:
            raise ValueError("; ".join(broken))

    @property
    def shape_weights(self) -> tuple[float, ...]:
        """The weights of the shapes, in the order of :data:`SHAPES`."""
        return tuple(float(getattr(self, name)) for name in SHAPES)


def gaussian(key: Key, labels: Array, places: Array) -> Array:
    """Normal clusters: as ``places``, which every blob shape shares; see :func:`blobs`."""
    return jax.random.normal(key, places.shape)


def heavy_tails(key: Key, labels: Array, places: Array) -> Array:
    """Student's t noise with 3 degrees of freedom, one factor a point."""
    key_normal, key_scale = jax.random.split(key)
    scale = (jax.random.normal(key_scale, (places.shape[0], 3)) ** 2).mean(axis=1)
    return jax.random.normal(key_normal, places.shape) / jnp.sqrt(scale + 0.02)[:, None]


def skewed(key: Key, labels: Array, places: Array) -> Array:
    """Exponential noise, centred, of variance 1."""
    return jax.random.exponential(key, places.shape) - 1


def uniform(key: Key, labels: Array, places: Array) -> Array:
    """Uniform noise of variance 1."""
    return 3**0.5 * jax.random.uniform(key, places.shape, minval=-1)


def rings(key: Key, labels: Array, places: Array) -> Array:
    """Rings or arcs in the plane of the first two columns, around their places or one inside
    another; the other columns hold weak noise."""
    key_inside, key_radius, key_arc, key_angle, key_noise = jax.random.split(key, 5)
    inside = jax.random.bernoulli(key_inside)
    radius = jnp.where(inside, 1.0 + labels, jax.random.uniform(key_radius, minval=0.5) * 2)
    arc = jnp.pi * (0.8 + 1.2 * jax.random.uniform(key_arc))
    angle = jax.random.uniform(key_angle, labels.shape, minval=-1) * arc
    return jnp.where(inside, 0.0, places) + _arcs(key_noise, radius, angle, places.shape)


def moons(key: Key, labels: Array, places: Array) -> Array:
    """Pairs of interleaved half circles in the plane of the first two columns."""
    key_angle, key_gap, key_noise = jax.random.split(key, 3)
    angle = jnp.pi * (jax.random.uniform(key_angle, labels.shape) - 1.0 * (labels % 2))
    shift = jnp.stack([jnp.ones(()), 0.2 + 0.4 * jax.random.uniform(key_gap)])
    pair = 2.5 * jax.nn.one_hot(labels // 2 % 2, 2) * (1 + labels // 4)[:, None]
    corner = pair + (labels % 2)[:, None] * shift[None, :]
    points = _arcs(key_noise, jnp.ones(labels.shape), angle, places.shape)
    return points.at[:, :2].add(corner)


def _arcs(key: Key, radius: Array, angle: Array, shape: tuple[int, ...]) -> Array:
    """Points at polar coordinates in the first two columns, with noise in all."""
    key_width, key_noise = jax.random.split(key)
    width = 0.03 + 0.17 * jax.random.uniform(key_width)
    flat = jnp.stack([radius * jnp.cos(angle), radius * jnp.sin(angle)], axis=1)
    return (width * jax.random.normal(key_noise, shape)).at[:, :2].add(flat)


SHAPES = {f.__name__: f for f in (gaussian, heavy_tails, skewed, uniform, rings, moons)}
"""Every shape by name: ``shape(key, labels [N], places [N, D]) -> [N, D]``, where ``places`` are
the means of the points' clusters. The first four return noise of variance 1 instead, which
:func:`blobs` stretches and moves."""
BLOBS = 4
CHANGES = ("swirled", "warped", "bent_columns", "discretised", "irrelevant", "outliers")
"""Every change by name."""


def blobs(key: Key, noise: Array, labels: Array, places: Array, config: PriorConfig) -> Array:
    """Noise, stretched and correlated for every cluster in its own way, and moved to its place.

    Args:
      key: consumed.
      noise: ``[N, D]`` of variance 1.
      labels: ``[N]``.
      places: ``[N, D]``.
      config: its anisotropy.

    Returns:
      ``[N, D]``.
    """
    key_shared, key_spread, key_stretch, key_mix, key_mixed, key_size = jax.random.split(key, 6)
    count, dimensions = config.num_clusters, noise.shape[1]
    spread = config.anisotropy * jax.random.uniform(key_spread)
    stretch = jax.random.uniform(key_stretch, (count, dimensions), minval=-1) * spread
    mix = jax.random.normal(key_mix, (count, dimensions, dimensions)) / dimensions**0.5
    share = jax.random.uniform(key_mixed)
    factors = jnp.exp(stretch)[:, :, None] * (
        (1 - share) * jnp.eye(dimensions)[None] + share * mix
    )
    factors = jnp.where(jax.random.bernoulli(key_shared, 0.3), factors[:1], factors)
    factors = factors / jnp.sqrt((factors**2).sum(axis=(1, 2), keepdims=True) / dimensions)
    size = jnp.exp(0.5 * spread * jax.random.normal(key_size, (count, 1, 1)))
    everywhere = noise[None] @ (size * factors)  # [K, N, D]
    return places + jnp.take_along_axis(everywhere, labels[None, :, None], axis=0)[0]


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


def bent_columns(key: Key, points: Array, mask: Array) -> Array:
    """Each column x, standardised, becomes (exp(b x) - 1) / b: long tails on one side."""
    bend = 0.05 + 1.2 * jax.random.uniform(key, (1, points.shape[1]))
    return jnp.expm1(bend * jnp.clip(standardised(points, mask), -4, 4)) / bend


def discretised(key: Key, points: Array, mask: Array) -> Array:
    """About half of the columns rounded to 2 to 8 steps."""
    key_which, key_steps = jax.random.split(key)
    shape = (1, points.shape[1])
    step = 4.0 / jax.random.randint(key_steps, shape, 1, 9)
    rounded = jnp.round(standardised(points, mask) / step) * step
    return jnp.where(jax.random.bernoulli(key_which, 0.5, shape), rounded, points)


def irrelevant(key: Key, points: Array) -> Array:
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


def draw_prior_task(key: Key, config: PriorConfig) -> Task:
    """Draw one task of the prior.

    Args:
      key: consumed.
      config: which tasks.

    Returns:
      Points ``[N, D]`` with standardised columns, the ones not in use zeros; labels and mask
      ``[N]``. ``jit`` and ``vmap`` are the caller's.

    Example:
      >>> import jax
      >>> config = PriorConfig(num_points=100, dimensions=6)
      >>> task = jax.eval_shape(lambda key: draw_prior_task(key, config), jax.random.key(0))
      >>> task.points.shape, task.labels.shape
      ((100, 6), (100,))
    """
    key_table, key_shape, key_blobs, key_kind, key_turn, key_changes, key_chance = (
        jax.random.split(key, 7)
    )
    labels, mask, columns, places = _draw_table(key_table, config)
    weights = jnp.array(config.shape_weights)
    kind = jax.random.choice(key_kind, len(SHAPES), p=weights / weights.sum())
    keys_shape = jax.random.split(key_shape, len(SHAPES))
    shapes = zip(keys_shape, SHAPES.values(), strict=True)
    shaped = [shape(key, labels, places) for key, shape in shapes]
    noise = jnp.stack(shaped[:BLOBS])[jnp.minimum(kind, BLOBS - 1)]
    drawn = jnp.stack([blobs(key_blobs, noise, labels, places, config), *shaped[BLOBS:]])
    points = drawn[jnp.maximum(kind - BLOBS + 1, 0)] * columns[None, :]

    keys = jax.random.split(key_changes, 6)
    chance = jax.random.uniform(key_chance, (7,))
    count = config.num_clusters
    turn = orthogonal(key_turn, config.dimensions)
    turned = (points @ turn) * columns[None, :]
    points = jnp.where(chance[6] < 0.5, turned, points)
    wide = columns.sum() >= 2
    turns = wide & (chance[0] < config.swirled)
    points = jnp.where(turns, swirled(keys[0], points, labels, columns, count), points)
    points = jnp.where(chance[1] < config.warped, warped(keys[1], points), points)
    points = jnp.where(chance[2] < config.outliers, outliers(keys[2], points), points)
    points = jnp.where(
        chance[3] < config.bent_columns, bent_columns(keys[3], points, mask), points
    )
    points = jnp.where(chance[4] < config.discretised, discretised(keys[4], points, mask), points)
    points = jnp.where(chance[5] < config.irrelevant, irrelevant(keys[5], points), points)
    points = standardised(points, mask) * columns[None, :]
    return Task(points, jnp.where(mask, labels, 0), mask)


def _draw_table(key: Key, config: PriorConfig) -> tuple[Array, Array, Array, Array]:
    """Labels ``[N]``, mask ``[N]``, columns in use ``[D]``, and the cluster means ``[N, D]``."""
    key_size, key_columns, key_count, key_tilt, key_sizes, key_labels, key_far, key_means = (
        jax.random.split(key, 8)
    )

    def log_uniform(key: Key, low: float, high: float) -> Array:
        return low * (high / low) ** jax.random.uniform(key)

    size = log_uniform(key_size, config.min_points, config.num_points + 0.99).astype(jnp.int32)
    mask = jnp.arange(config.num_points) < size
    width = log_uniform(key_columns, 1, config.dimensions + 0.99).astype(jnp.int32)
    columns = jnp.arange(config.dimensions) < width
    weights = jnp.array(config.count_weights, jnp.float32)
    allowed = jnp.arange(1, config.num_clusters + 1) * 4 <= jnp.maximum(size, 4)
    weights = jnp.where(allowed, weights, 0.0)
    weights = jnp.where(weights.sum() > 0, weights, 1.0 * (jnp.arange(weights.size) == 0))
    count = 1 + jax.random.choice(key_count, config.num_clusters, p=weights / weights.sum())
    tilt = config.unequal * jax.random.uniform(key_tilt)
    log_sizes = tilt * jax.random.normal(key_sizes, (config.num_clusters,))
    log_sizes = jnp.where(jnp.arange(config.num_clusters) < count, log_sizes, -jnp.inf)
    labels = jax.random.categorical(key_labels, log_sizes, shape=mask.shape)
    index = jnp.arange(config.num_points)
    labels = jnp.where(index < 2 * count, index % count, labels)  # no cluster is empty
    distance = log_uniform(key_far, *config.separation) / jnp.sqrt(width)
    means = distance * jax.random.normal(key_means, (config.num_clusters, config.dimensions))
    return labels, mask, columns, means[labels] * columns[None, :]
