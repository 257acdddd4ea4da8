"""Tasks from several distributions."""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from l2c_jax.tasks.base import Task, TaskDistribution
from l2c_jax.types import Array, Key


@partial(jax.tree_util.register_dataclass, data_fields=["distributions"], meta_fields=["weights"])
@dataclass(frozen=True)
class TaskMixture:
    """Each task comes from one of several distributions, padded to the largest shape; a pytree.

    All distributions draw, since the choice is made on the device.

    Raises:
      ValueError: if there is no distribution, or the weights are not one positive number each.

    Example:
      >>> import jax
      >>> from l2c_jax.tasks.gaussian import GaussianTasks
      >>> flat, deep = GaussianTasks(num_points=20), GaussianTasks(num_points=30, dimensions=4)
      >>> task = TaskMixture((flat, deep), (0.5, 0.5)).sample(jax.random.key(0))
      >>> task.points.shape
      (30, 4)
    """

    distributions: tuple[TaskDistribution, ...]
    """Registered pytrees."""
    weights: tuple[float, ...]
    """How often each is drawn; they need not sum to 1."""

    def __post_init__(self) -> None:
        if not len(self.distributions) == len(self.weights) > 0:
            raise ValueError("a mixture needs one weight for each of its distributions")
        if min(self.weights) < 0 or not sum(self.weights) > 0:
            raise ValueError(f"weights must not be negative, nor all 0, got {self.weights}")

    @property
    def num_points(self) -> int:
        """N, points of a task, padding included."""
        return max(part.num_points for part in self.distributions)

    @property
    def dimensions(self) -> int:
        """D, width of a task."""
        return max(part.dimensions for part in self.distributions)

    @property
    def num_clusters(self) -> int:
        """K, the largest number of clusters of a task."""
        return max(part.num_clusters for part in self.distributions)

    def sample(self, key: Key) -> Task:
        """Draw one task.

        Args:
          key: consumed.

        Returns:
          Points ``[N, D]``, labels ``[N]``, mask ``[N]``.
        """
        key_which, *keys = jax.random.split(key, 1 + len(self.distributions))
        ends = np.cumsum(self.weights)[:-1] / np.sum(self.weights)
        which = (jax.random.uniform(key_which) >= jnp.asarray(ends, jnp.float32)).sum()
        drawn = zip(keys, self.distributions, strict=True)
        tasks = [self._padded(part.sample(own)) for own, part in drawn]
        return jax.tree.map(lambda *leaves: jnp.stack(leaves)[which], *tasks)

    def _padded(self, task: Task) -> Task:
        size, width = task.points.shape
        rows = (0, self.num_points - size)

        def longer(vector: Array) -> Array:
            return jnp.pad(vector, rows)

        points = jnp.pad(task.points, (rows, (0, self.dimensions - width)))
        return Task(points, longer(task.labels), longer(task.mask))
