"""Clusters far from each other, rare ones among them, or one cloud without structure."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from l2c_jax.preprocessing import standardize
from l2c_jax.tasks.base import Task
from l2c_jax.tasks.components import orthogonal
from l2c_jax.tasks.numbers import Numbers, with_numbers
from l2c_jax.types import Array, Key


@jax.tree_util.register_static
@dataclass(frozen=True)
class IsolatedTasks:
    """Tasks whose number of clusters is beyond doubt (ours); columns have mean 0 and variance 1.

    Either one cluster, or clusters whose means are several of their deviations apart, in any
    number of columns. All clusters of a task are Gaussian, uniform in a box, or exponential.

    Example:
      >>> import jax
      >>> task = jax.eval_shape(IsolatedTasks(num_points=100).sample, jax.random.key(0))
      >>> task.points.shape
      (100, 10)
    """

    num_points: int = 1024
    """N, points of a task, padding included."""
    min_points: int = 60
    """Least number of points; the logarithm of the number is uniform."""
    dimensions: int = 10
    """D, most columns; the logarithm of their number is uniform. Other columns are zeros."""
    num_clusters: int = 9
    """K, most clusters of a task."""
    one_prob: float = 0.45
    """Probability of one cluster."""
    rare_prob: float = 0.5
    """Probability that one or two clusters have .3 % to 3 % of the points, but at least 4."""
    separation: tuple[float, float] = (7.0, 40.0)
    """Range of the least distance of two means, in deviations; its logarithm is uniform."""

    def __post_init__(self) -> None:
        if not 4 * self.num_clusters <= self.min_points <= self.num_points:
            raise ValueError("4 num_clusters <= min_points <= num_points must hold")
        if self.dimensions < 1 or self.num_clusters < 2:
            raise ValueError("dimensions must be at least 1, num_clusters at least 2")
        for name in ("one_prob", "rare_prob"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must lie in [0, 1]")
        if not 0 < self.separation[0] <= self.separation[1]:
            raise ValueError("separation needs two positive numbers in order")

    def sample(self, key: Key) -> Task:
        """Draw one task.

        Args:
          key: consumed.

        Returns:
          Points ``[N, D]``, labels ``[N]``, mask ``[N]``.
        """
        key_numbers, key_rotation = jax.random.split(key)
        turn = orthogonal(key_rotation, self.dimensions)
        return with_numbers(key_numbers, lambda numbers: self._sample(numbers, turn))

    def _sample(self, numbers: Numbers, turn: Array) -> Task:
        size = numbers.log_uniform(self.min_points, self.num_points + 0.99).astype(jnp.int32)
        mask = jnp.arange(self.num_points) < size
        count = jnp.where(
            numbers.bernoulli(self.one_prob), 1, numbers.integer(2, self.num_clusters + 1)
        )
        labels = self._labels(numbers, count)
        columns = numbers.log_uniform(1.0, self.dimensions + 0.99).astype(jnp.int32)
        used = jnp.arange(self.dimensions) < columns
        means = numbers.normal((self.num_clusters, self.dimensions)) * used[None, :]
        square = ((means[:, None] - means[None]) ** 2).sum(axis=2)
        there = jnp.arange(self.num_clusters) < count
        pairs = there[:, None] & there[None] & ~jnp.eye(self.num_clusters, dtype=bool)
        least = jnp.sqrt(jnp.where(pairs, square, jnp.inf).min())
        far = numbers.log_uniform(*self.separation)
        means = means * jnp.where(count > 1, far / jnp.maximum(least, 1e-3), 0)
        spread = jnp.exp(0.3 * numbers.uniform() * numbers.normal((self.num_clusters,)))
        cloud = _cloud(numbers, (self.num_points, self.dimensions))
        stretch = jnp.exp(numbers.uniform() * numbers.normal((self.dimensions,)))
        turned = numbers.bernoulli(0.3)
        cloud = jnp.where(turned & used.all(), (cloud * stretch[None]) @ turn, cloud)
        points = means[labels] + jnp.minimum(spread, 1.5)[labels][:, None] * cloud
        scaled = standardize(points * used[None, :], mask)
        return Task(scaled * mask[:, None], jnp.where(mask, labels, 0), mask)

    def _labels(self, numbers: Numbers, count: Array) -> Array:
        """``[N]``; the first points have every label four times."""
        shares = jnp.exp(0.5 * numbers.uniform() * numbers.normal((self.num_clusters,)))
        index = jnp.arange(self.num_clusters)
        shares = jnp.where(index < count, shares, 0)
        rare = jnp.minimum(numbers.integer(1, 3), count - 1)
        rare = jnp.where(numbers.bernoulli(self.rare_prob), rare, 0)
        small = shares.sum() * numbers.log_uniform(0.003, 0.03)
        shares = jnp.where((index >= count - rare) & (index < count), small, shares)
        labels = numbers.categorical(shares, (self.num_points,))
        place = jnp.arange(self.num_points)
        return jnp.where(place < 4 * count, place % count, labels)


def _cloud(numbers: Numbers, shape: tuple[int, int]) -> Array:
    """Points of variance 1: Gaussian, uniform in a box, or exponential."""
    normal, unit = numbers.normal(shape), numbers.uniform(shape)
    kinds = [normal, 12**0.5 * (unit - 0.5), -jnp.log1p(-0.999 * unit) - 1]
    return jnp.stack(kinds)[numbers.categorical(jnp.array([5.0, 4.0, 1.0]))]
