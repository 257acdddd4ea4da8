"""Labelled clustering problems to learn from: task distributions."""

from l2c_jax.tasks.base import Task, TaskDistribution, random_rotation, reading_order, sort_labels
from l2c_jax.tasks.description import describe, from_description
from l2c_jax.tasks.gaussian import (
    GaussianTasks,
    Mixture,
    draw_mixture,
    log_posterior,
    sample_mixture,
)
from l2c_jax.tasks.isolated import IsolatedTasks
from l2c_jax.tasks.mixture import TaskMixture
from l2c_jax.tasks.prior import BroadPrior
from l2c_jax.tasks.structures import StructureTasks
from l2c_jax.tasks.tables import DrawnTable, Pool, TableTasks, make_pool

__all__ = [
    "BroadPrior",
    "DrawnTable",
    "GaussianTasks",
    "IsolatedTasks",
    "Mixture",
    "Pool",
    "StructureTasks",
    "TableTasks",
    "Task",
    "TaskDistribution",
    "TaskMixture",
    "describe",
    "draw_mixture",
    "from_description",
    "log_posterior",
    "make_pool",
    "random_rotation",
    "reading_order",
    "sample_mixture",
    "sort_labels",
]
