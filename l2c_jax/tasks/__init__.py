"""Where labelled clustering problems come from."""

from l2c_jax.tasks.synthetic import (
    Mixture,
    TaskConfig,
    draw_mixture,
    draw_task,
    draw_task_and_mixture,
    log_posterior,
    sample_mixture,
)
from l2c_jax.tasks.task import (
    Frame,
    Task,
    canonical,
    fit_dimensions,
    framed,
    sort_labels,
    to_frame,
    visiting_order,
)

__all__ = [
    "Frame",
    "Mixture",
    "Task",
    "TaskConfig",
    "canonical",
    "draw_mixture",
    "draw_task",
    "draw_task_and_mixture",
    "fit_dimensions",
    "framed",
    "log_posterior",
    "sample_mixture",
    "sort_labels",
    "to_frame",
    "visiting_order",
]
