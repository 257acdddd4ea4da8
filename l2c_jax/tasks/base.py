"""A task: points with their cluster labels, padded to a fixed size."""

from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp

from l2c_jax.tasks.components import orthogonal
from l2c_jax.types import Array, Key


class Task(NamedTuple):
    """One clustering problem (section 3.1: a data set and its labels)."""

    points: Array  # [N, D] float32; zeros where masked
    labels: Array  # [N] int32 in 0..K-1; 0 where masked
    mask: Array  # [N] bool; True for real points, False for padding


def visiting_order(key: Key, mask: Array) -> Array:
    """A uniformly random order in which to read the points of one task.

    Args:
      key: consumed.
      mask: ``[N]`` bool. Masked points are spread among the others; a learner passes over them.

    Returns:
      ``[N]`` int32, a permutation of ``0..N-1``.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> sorted(visiting_order(jax.random.key(0), jnp.ones(4, bool)).tolist())
      [0, 1, 2, 3]
    """
    return jax.random.permutation(key, mask.shape[0])


def sort_labels(task: Task, num_clusters: int) -> Task:
    """Renumber the clusters by the first coordinate of their empirical means (section 4.1).

    Clusters without points go last, so the labels in use are always ``0, 1, ...``.

    Args:
      task: one task with labels in ``0..K-1``.
      num_clusters: K.

    Returns:
      The task with labels renumbered; masked points keep label 0.

    Example:
      >>> import jax.numpy as jnp
      >>> task = Task(jnp.array([[3.0], [1.0], [3.1]]), jnp.array([0, 1, 0]), jnp.ones(3, bool))
      >>> sort_labels(task, 2).labels.tolist()
      [1, 0, 1]
    """
    member = jax.nn.one_hot(task.labels, num_clusters) * task.mask[:, None]
    count = member.sum(axis=0)
    first = task.points[:, 0] @ member / jnp.maximum(count, 1)
    order = jnp.argsort(jnp.where(count > 0, first, jnp.inf))
    rank = jnp.zeros(num_clusters, jnp.int32).at[order].set(jnp.arange(num_clusters))
    return task._replace(labels=jnp.where(task.mask, rank[task.labels], 0))


def turned(key: Key, task: Task, share: float) -> Task:
    """A task as it was, or, with some probability, all of its axes turned at random.

    Args:
      key: consumed.
      task: one task, in the learner's frame.
      share: the probability.

    Returns:
      The task; distances, labels and mask stay.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> task = Task(jnp.array([[3.0, 4.0]]), jnp.zeros(1, int), jnp.ones(1, bool))
      >>> points = turned(jax.random.key(0), task, 1.0).points
      >>> round(float(jnp.linalg.norm(points)), 3), bool((points == task.points).any())
      (5.0, False)
    """
    key_whether, key_turn = jax.random.split(key)
    elsewhere = task.points @ orthogonal(key_turn, task.points.shape[1])
    whether = jax.random.bernoulli(key_whether, share)
    return task._replace(points=jnp.where(whether, elsewhere, task.points))


class TaskDistribution(Protocol):
    """d"""

    num_points: int
    dimensions: int
    num_clusters: int

    def sample(self, key: Key) -> Task:
        """s"""
        ...


reading_order, random_rotation = visiting_order, turned
