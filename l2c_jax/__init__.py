"""l2c_jax: clustering that is learned, not designed."""

from importlib.metadata import version

from l2c_jax.metrics import adjusted_rand_index, error_rate, normalized_mutual_information
from l2c_jax.recurrent import Clustering, Learner, cluster, fit, load_learner, save_learner
from l2c_jax.tasks import Task, TaskConfig, draw_task

__version__ = version("l2c_jax")

__all__ = [
    "Clustering",
    "Learner",
    "Task",
    "TaskConfig",
    "adjusted_rand_index",
    "cluster",
    "draw_task",
    "error_rate",
    "fit",
    "load_learner",
    "normalized_mutual_information",
    "save_learner",
]
