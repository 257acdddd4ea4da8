"""Tasks from two sources: real tables, and a synthetic one."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from l2c_jax.tasks.base import Task
from l2c_jax.tasks.gaussian import TaskConfig, draw_task
from l2c_jax.tasks.prior import PriorConfig, draw_prior_task
from l2c_jax.tasks.tables import Pool, PoolConfig, draw_pool_task
from l2c_jax.types import Array, Key


@dataclass(frozen=True)
class MixedConfig:
    """Which tasks are drawn, and how often from which source."""

    pool: PoolConfig
    """Tasks from tables."""
    synthetic: PriorConfig | TaskConfig
    """Synthetic tasks."""
    real: float = 0.5
    """Probability that a task comes from the pool."""

    def __post_init__(self) -> None:
        if not 0 <= self.real <= 1:
            raise ValueError(f"real is a probability, got {self.real}")

    @property
    def num_points(self) -> int:
        """N, points of a task, padding included."""
        return max(self.pool.num_points, self.synthetic.num_points)

    @property
    def dimensions(self) -> int:
        """D, width of a task."""
        return max(self.pool.dimensions, self.synthetic.dimensions)

    @property
    def num_clusters(self) -> int:
        """K, the most clusters of a task."""
        return max(self.pool.num_clusters, self.synthetic.num_clusters)


def draw_mixed_task(key: Key, pool: Pool, config: MixedConfig) -> Task:
    """Draw one task from one of both sources, padded with zeros to the larger shape.

    Both sources draw, since the choice is made on the device.

    Args:
      key: consumed.
      pool: the tables.
      config: which tasks.

    Returns:
      Points ``[N, D]``, labels ``[N]``, mask ``[N]``. ``jit`` and ``vmap`` are the caller's.
    """
    key_which, key_pool, key_synthetic = jax.random.split(key, 3)
    real = jax.random.bernoulli(key_which, config.real)
    tables = _padded(draw_pool_task(key_pool, pool, config.pool), config)
    if isinstance(config.synthetic, PriorConfig):
        made = draw_prior_task(key_synthetic, config.synthetic)
    else:
        made = draw_task(key_synthetic, config.synthetic)
    made = _padded(made, config)
    return jax.tree.map(lambda one, other: jnp.where(real, one, other), tables, made)


def _padded(task: Task, config: MixedConfig) -> Task:
    size, width = task.points.shape
    rows = (0, config.num_points - size)

    def longer(vector: Array) -> Array:
        return jnp.pad(vector, rows)

    points = jnp.pad(task.points, (rows, (0, config.dimensions - width)))
    return Task(points, longer(task.labels), longer(task.mask))
