"""A broad prior over clustering problems: many shapes of clusters, many corruptions of columns.

Every family is a small pure function: shapes (:mod:`l2c_jax.tasks.families`) place points around
the mean of their cluster, corruptions (:mod:`l2c_jax.tasks.corruptions`) act on all points of a
task.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from l2c_jax.preprocessing import standardize
from l2c_jax.tasks import corruptions
from l2c_jax.tasks.base import Task
from l2c_jax.tasks.components import orthonormal
from l2c_jax.tasks.corruptions import CORRUPTIONS
from l2c_jax.tasks.families import BLOBS, SHAPES, blobs, curves, moons, rings
from l2c_jax.tasks.numbers import Numbers, with_numbers
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
    curves_weight: float = 1
    """Weight of thin cubic curves."""
    separation: tuple[float, float] = (1.2, 12.0)
    """Range of the distance of cluster means, in standard deviations of a cluster along an axis;
    its logarithm is uniform."""
    anisotropy: float = 1.5
    """Largest spread of a cluster's log-deviations along its axes."""
    size_imbalance: float = 1.2
    """Largest standard deviation of the logarithms of the cluster sizes."""
    rare_prob: float = 0.1
    """Probability that one cluster has .5 % to 3 % of the points."""
    swirled_prob: float = 0.15
    """Probability that every cluster is swirled in random planes."""
    warped_prob: float = 0.3
    """Probability of a random smooth network over all points, or over those of each class."""
    skewed_columns_prob: float = 0.3
    """Probability of skewed columns."""
    discretized_columns_prob: float = 0.2
    """Probability of columns with a few values only."""
    categorical_columns_prob: float = 0.15
    """Probability of indicators of variables whose levels depend on the class."""
    irrelevant_columns_prob: float = 0.25
    """Probability of columns that say nothing about the clusters."""
    outliers_prob: float = 0.2
    """Probability of points thrown far out."""

    def __post_init__(self) -> None:
        shapes = self.shape_weights
        probs = (self.rare_prob, *(getattr(self, f"{name}_prob") for name in CORRUPTIONS))
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
        return with_numbers(key, self._sample)

    def _sample(self, numbers: Numbers) -> Task:
        labels, mask, columns, means = _draw_table(numbers, self)
        points = _shaped(numbers, labels, means, self) * columns[None, :]
        rotation = orthonormal(numbers.normal((self.dimensions, self.dimensions)))
        rotated = (points @ rotation) * columns[None, :]
        points = jnp.where(numbers.bernoulli(0.5), rotated, points)
        points = _corrupted(numbers, points, labels, mask, columns, self)
        points = standardize(points, mask) * columns[None, :]
        return Task(points, jnp.where(mask, labels, 0), mask)


def _draw_table(numbers: Numbers, config: BroadPrior) -> tuple[Array, Array, Array, Array]:
    """Labels ``[N]``, mask ``[N]``, columns in use ``[D]``, and the cluster means ``[N, D]``."""
    clusters = config.num_clusters
    size = numbers.log_uniform(config.min_points, config.num_points + 0.99).astype(jnp.int32)
    mask = jnp.arange(config.num_points) < size
    width = numbers.log_uniform(1, config.dimensions + 0.99).astype(jnp.int32)
    columns = jnp.arange(config.dimensions) < width
    weights = jnp.array(config.num_clusters_weights, jnp.float32)
    allowed = jnp.arange(1, clusters + 1) * 4 <= jnp.maximum(size, 4)
    weights = jnp.where(allowed, weights, 0.0)
    weights = jnp.where(weights.sum() > 0, weights, 1.0 * (jnp.arange(weights.size) == 0))
    count = 1 + numbers.categorical(weights)
    tilt = config.size_imbalance * numbers.uniform()
    sizes = jnp.exp(tilt * numbers.normal((clusters,))) * (jnp.arange(clusters) < count)
    share = numbers.log_uniform(0.005, 0.03)
    rare = sizes.at[0].set((sizes.sum() - sizes[0]) * share)
    sizes = jnp.where(numbers.bernoulli(config.rare_prob) & (count > 1), rare, sizes)
    labels = numbers.categorical(sizes, mask.shape)
    index = jnp.arange(config.num_points)
    labels = jnp.where(index < 2 * count, index % count, labels)  # no cluster is empty
    distance = numbers.log_uniform(*config.separation) / jnp.sqrt(width)
    means = distance * numbers.normal((clusters, config.dimensions))
    return labels, mask, columns, means[labels] * columns[None, :]


def _shaped(numbers: Numbers, labels: Array, means: Array, config: BroadPrior) -> Array:
    """Points ``[N, D]`` of one shape, drawn by its weight; all shapes use the same numbers."""
    kind = numbers.categorical(jnp.array(config.shape_weights))
    clusters = config.num_clusters

    def blob_like() -> Array:
        noise = numbers.alternatives(
            partial(shape, numbers, labels, means) for shape in BLOBS.values()
        )
        chosen = jnp.stack(noise)[jnp.minimum(kind, len(BLOBS) - 1)]
        return blobs(numbers, chosen, labels, means, clusters, config.anisotropy)

    shapes = (rings, moons, partial(curves, num_clusters=clusters))
    others = (partial(shape, numbers, labels, means) for shape in shapes)
    candidates: list[Callable[[], Array]] = [blob_like, *others]
    found = numbers.alternatives(candidates)
    return jnp.stack(found)[jnp.maximum(kind - len(BLOBS) + 1, 0)]


def _corrupted(
    numbers: Numbers, points: Array, labels: Array, mask: Array, columns: Array, config: BroadPrior
) -> Array:
    """Points ``[N, D]`` after every corruption, each with its probability."""
    arguments: dict[str, tuple[Any, ...]] = {
        "swirled": (labels, columns, config.num_clusters),
        "warped": (labels, config.num_clusters),
        "outliers": (),
        "skewed_columns": (mask,),
        "discretized_columns": (mask,),
        "categorical_columns": (labels, config.num_clusters),
        "irrelevant_columns": (),
    }
    for name in CORRUPTIONS:
        happens = numbers.bernoulli(getattr(config, f"{name}_prob"))
        if name == "swirled":  # needs a plane
            happens &= columns.sum() >= 2
        changed = getattr(corruptions, name)(numbers, points, *arguments[name])
        points = jnp.where(happens, changed, points)
    return points
