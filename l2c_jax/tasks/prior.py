"""A broad prior over clustering problems: many shapes of clusters, many corruptions of columns.

Every family is a small pure function of :mod:`l2c_jax.tasks.families`: shapes place points around
the mean of their cluster, corruptions act on all points of a task.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from l2c_jax.preprocessing import standardize
from l2c_jax.tasks.base import Task
from l2c_jax.tasks.components import orthogonal
from l2c_jax.tasks.families import (
    BLOBS,
    SHAPES,
    blobs,
    discretized_columns,
    irrelevant_columns,
    outliers,
    skewed_columns,
    swirled,
    warped,
)
from l2c_jax.types import Array, Key


@jax.tree_util.register_static
@dataclass(frozen=True)
class BroadPrior:
    """Tasks of many families, with columns as tables have them (ours).

    A shape is drawn by its weight, the points are rotated in half of the tasks, and every
    corruption is applied with its probability. Columns of the result have mean 0 and variance 1;
    columns that are not in use are zeros.

    Example:
      >>> import jax
      >>> tasks = BroadPrior(num_points=100, dimensions=6)
      >>> task = jax.eval_shape(tasks.sample, jax.random.key(0))
      >>> task.points.shape, task.labels.shape
      ((100, 6), (100,))
    """

    num_points: int = 128
    """N, points of a task, padding included."""
    min_points: int = 64
    """Least number of points; the logarithm of the number is uniform."""
    dimensions: int = 16
    """D, most columns of a table; the logarithm of their number is uniform."""
    num_clusters: int = 10
    """K, most clusters of a task. A task has at least 4 points per cluster on average."""
    num_clusters_weights: tuple[float, ...] = (4, 30, 24, 14, 10, 7, 4, 3, 2, 2)
    """Weights of 1, 2, ..., K clusters; they need not sum to 1."""
    gaussian_weight: float = 5
    """Weight of Gaussian clusters among the shapes."""
    heavy_tails_weight: float = 2
    """Weight of Student's t clusters, 3 degrees of freedom."""
    skewed_weight: float = 1
    """Weight of exponential clusters."""
    uniform_weight: float = 1
    """Weight of clusters with sharp edges."""
    rings_weight: float = 1
    """Weight of rings and arcs."""
    moons_weight: float = 1
    """Weight of interleaved half circles."""
    separation: tuple[float, float] = (1.2, 12.0)
    """Range of the distance of cluster means, in standard deviations of a cluster along an axis;
    its logarithm is uniform."""
    anisotropy: float = 1.5
    """Largest spread of a cluster's log-deviations along its axes."""
    size_imbalance: float = 1.2
    """Largest standard deviation of the logarithms of the cluster sizes."""
    swirled_prob: float = 0.15
    """Probability that every cluster is swirled in random planes."""
    warped_prob: float = 0.3
    """Probability of a random smooth network over all points."""
    skewed_columns_prob: float = 0.3
    """Probability of skewed columns."""
    discretized_columns_prob: float = 0.2
    """Probability of columns with a few values only."""
    irrelevant_columns_prob: float = 0.25
    """Probability of columns that say nothing about the clusters."""
    outliers_prob: float = 0.2
    """Probability of points thrown far out."""

    def __post_init__(self) -> None:
        shapes = self.shape_weights
        probs = (
            *(self.swirled_prob, self.warped_prob, self.skewed_columns_prob),
            *(self.discretized_columns_prob, self.irrelevant_columns_prob, self.outliers_prob),
        )
        rules = {
            "num_points must be at least min_points, and that at least 4": 4
            <= self.min_points
            <= self.num_points,
            "dimensions must be at least 2": self.dimensions >= 2,
            "num_clusters_weights needs one weight a number of clusters, 1 to num_clusters": len(
                self.num_clusters_weights
            )
            == self.num_clusters
            > 0,
            "weights must not be negative, nor all be 0": min(*shapes, *self.num_clusters_weights)
            >= 0
            and sum(shapes) > 0
            and sum(self.num_clusters_weights) > 0,
            "probabilities must lie in [0, 1]": all(0 <= prob <= 1 for prob in probs),
            "separation must be a rising pair of positive numbers": 0
            < self.separation[0]
            <= self.separation[1],
            "anisotropy and size_imbalance must not be negative": min(
                self.anisotropy, self.size_imbalance
            )
            >= 0,
        }
        broken = [rule for rule, kept in rules.items() if not kept]
        if broken:
            raise ValueError("; ".join(broken))

    @property
    def shape_weights(self) -> tuple[float, ...]:
        """The weights of the shapes, in the order of :data:`SHAPES`."""
        return tuple(float(getattr(self, f"{name}_weight")) for name in SHAPES)

    def sample(self, key: Key) -> Task:
        """Draw one task.

        Args:
          key: consumed.

        Returns:
          Points ``[N, D]``, labels ``[N]``, mask ``[N]``.
        """
        key_table, key_shape, key_blobs, key_kind, key_turn, key_changes, key_chance = (
            jax.random.split(key, 7)
        )
        labels, mask, columns, means_of_points = _draw_table(key_table, self)
        weights = jnp.array(self.shape_weights)
        kind = jax.random.choice(key_kind, len(SHAPES), p=weights / weights.sum())
        keys_shape = jax.random.split(key_shape, len(SHAPES))
        shapes = zip(keys_shape, SHAPES.values(), strict=True)
        shaped = [shape(key, labels, means_of_points) for key, shape in shapes]
        noise = jnp.stack(shaped[:BLOBS])[jnp.minimum(kind, BLOBS - 1)]
        stretched = blobs(
            key_blobs, noise, labels, means_of_points, self.num_clusters, self.anisotropy
        )
        drawn = jnp.stack([stretched, *shaped[BLOBS:]])
        points = drawn[jnp.maximum(kind - BLOBS + 1, 0)] * columns[None, :]

        keys = jax.random.split(key_changes, 6)
        chance = jax.random.uniform(key_chance, (7,))
        count = self.num_clusters
        rotation = orthogonal(key_turn, self.dimensions)
        rotated = (points @ rotation) * columns[None, :]
        points = jnp.where(chance[6] < 0.5, rotated, points)
        wide = columns.sum() >= 2
        turns = wide & (chance[0] < self.swirled_prob)
        points = jnp.where(turns, swirled(keys[0], points, labels, columns, count), points)
        points = jnp.where(chance[1] < self.warped_prob, warped(keys[1], points), points)
        points = jnp.where(chance[2] < self.outliers_prob, outliers(keys[2], points), points)
        points = jnp.where(
            chance[3] < self.skewed_columns_prob, skewed_columns(keys[3], points, mask), points
        )
        points = jnp.where(
            chance[4] < self.discretized_columns_prob,
            discretized_columns(keys[4], points, mask),
            points,
        )
        points = jnp.where(
            chance[5] < self.irrelevant_columns_prob, irrelevant_columns(keys[5], points), points
        )
        points = standardize(points, mask) * columns[None, :]
        return Task(points, jnp.where(mask, labels, 0), mask)


def _draw_table(key: Key, config: BroadPrior) -> tuple[Array, Array, Array, Array]:
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
    weights = jnp.array(config.num_clusters_weights, jnp.float32)
    allowed = jnp.arange(1, config.num_clusters + 1) * 4 <= jnp.maximum(size, 4)
    weights = jnp.where(allowed, weights, 0.0)
    weights = jnp.where(weights.sum() > 0, weights, 1.0 * (jnp.arange(weights.size) == 0))
    count = 1 + jax.random.choice(key_count, config.num_clusters, p=weights / weights.sum())
    tilt = config.size_imbalance * jax.random.uniform(key_tilt)
    log_sizes = tilt * jax.random.normal(key_sizes, (config.num_clusters,))
    log_sizes = jnp.where(jnp.arange(config.num_clusters) < count, log_sizes, -jnp.inf)
    labels = jax.random.categorical(key_labels, log_sizes, shape=mask.shape)
    index = jnp.arange(config.num_points)
    labels = jnp.where(index < 2 * count, index % count, labels)  # no cluster is empty
    distance = log_uniform(key_far, *config.separation) / jnp.sqrt(width)
    means = distance * jax.random.normal(key_means, (config.num_clusters, config.dimensions))
    return labels, mask, columns, means[labels] * columns[None, :]
