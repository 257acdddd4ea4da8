"""A task, and what a distribution of tasks has to offer."""

from typing import NamedTuple, Protocol, runtime_checkable

import jax
import jax.numpy as jnp

from l2c_jax.tasks.components import orthogonal
from l2c_jax.types import Array, Key


class Task(NamedTuple):
    """One clustering problem (section 3.1: a data set and its labels)."""

    points: Array  # [N, D] float32; zeros where masked
    labels: Array  # [N] int32 in 0..K-1; 0 where masked
    mask: Array  # [N] bool; True for real points, False for padding


@runtime_checkable
class TaskDistribution(Protocol):
    """Where tasks come from: four attributes, and that is all ``fit`` needs.

    A distribution that holds arrays is a registered pytree, so that the arrays are arguments of
    compiled programs; any other object is closed over and has to be hashable.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> class TwoBlobs:
      ...     num_points, dimensions, num_clusters = 20, 2, 2
      ...
      ...     def sample(self, key):
      ...         labels = jnp.arange(20) % 2
      ...         points = 5 * labels[:, None] + jax.random.normal(key, (20, 2))
      ...         return Task(points, labels, jnp.ones(20, bool))
      >>> isinstance(TwoBlobs(), TaskDistribution)
      True
    """

    @property
    def num_points(self) -> int:
        """N, points of a task, padding included."""
        ...

    @property
    def dimensions(self) -> int:
        """D, width of a task."""
        ...

    @property
    def num_clusters(self) -> int:
        """K, the largest number of clusters of a task."""
        ...

    def sample(self, key: Key) -> Task:
        """Draw one task; a pure function for ``jit`` and ``vmap``. The key is consumed."""
        ...


def is_pytree(distribution: TaskDistribution) -> bool:
    """Whether a distribution is a registered pytree; its arrays are then program arguments."""
    leaves = jax.tree.leaves(distribution)
    return not (len(leaves) == 1 and leaves[0] is distribution)


def reading_order(key: Key, mask: Array) -> Array:
    """A uniformly random order in which the points of one task are read.

    Args:
      key: consumed.
      mask: ``[N]`` bool. Masked points are spread among the others; a learner skips them.

    Returns:
      ``[N]`` int32, a permutation of ``0..N-1``.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> sorted(reading_order(jax.random.key(0), jnp.ones(4, bool)).tolist())
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


def random_rotation(key: Key, task: Task, prob: float) -> Task:
    """The points of a task, with some probability rotated at random.

    Args:
      key: consumed.
      task: one task, preprocessed.
      prob: the probability.

    Returns:
      The task; distances, labels and mask stay.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> task = Task(jnp.array([[3.0, 4.0]]), jnp.zeros(1, int), jnp.ones(1, bool))
      >>> points = random_rotation(jax.random.key(0), task, 1.0).points
      >>> round(float(jnp.linalg.norm(points)), 3), bool((points == task.points).any())
      (5.0, False)
    """
    key_whether, key_rotation = jax.random.split(key)
    rotated = task.points @ orthogonal(key_rotation, task.points.shape[1])
    whether = jax.random.bernoulli(key_whether, prob)
    return task._replace(points=jnp.where(whether, rotated, task.points))
