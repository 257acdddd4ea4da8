"""Where labelled clustering problems come from."""

from l2c_jax.preprocessing.principal import (
    CanonicalMap,
    Frame,
    apply_map,
    canonical,
    canonical_map,
    fit_dimensions,
    to_frame,
)
from l2c_jax.tasks.base import (
    Task,
    framed,
    sort_labels,
    turned,
    visiting_order,
)
from l2c_jax.tasks.gaussian import (
    Mixture,
    TaskConfig,
    draw_mixture,
    draw_task,
    draw_task_and_mixture,
    log_posterior,
    sample_mixture,
)
from l2c_jax.tasks.mixture import MixedConfig, draw_mixed_task
from l2c_jax.tasks.prior import PriorConfig, draw_prior_task
from l2c_jax.tasks.tables import Pool, PoolConfig, draw_pool_task, make_pool

__all__ = [
    "CanonicalMap",
    "Frame",
    "MixedConfig",
    "Mixture",
    "Pool",
    "PoolConfig",
    "PriorConfig",
    "Task",
    "TaskConfig",
    "apply_map",
    "canonical",
    "canonical_map",
    "draw_mixed_task",
    "draw_mixture",
    "draw_pool_task",
    "draw_prior_task",
    "draw_task",
    "draw_task_and_mixture",
    "fit_dimensions",
    "framed",
    "log_posterior",
    "make_pool",
    "sample_mixture",
    "sort_labels",
    "to_frame",
    "turned",
    "visiting_order",
]
