"""From any clusterer's answers to scores, and from scores to records."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import jax
import numpy as np

from l2c_jax.metrics import adjusted_rand_index, error_rate, normalized_mutual_information
from l2c_jax.recurrent.assign import assign_tasks
from l2c_jax.recurrent.learner import Learner
from l2c_jax.tasks.base import Task
from l2c_jax.tasks.gaussian import Mixture, TaskConfig, draw_task_and_mixture, log_posterior
from l2c_jax.types import ArrayLike

METRICS = {
    "error": error_rate,
    "ARI": adjusted_rand_index,
    "NMI": normalized_mutual_information,
}
"""Every score by its name: ``metric(labels, predicted)``."""


def scores(labels: ArrayLike, predicted: ArrayLike) -> dict[str, float]:
    """Error up to relabelling, ARI and NMI of one partition.

    Args:
      labels: ``[N]``, the truth.
      predicted: ``[N]``.

    Returns:
      The three by name.

    Example:
      >>> scores([0, 0, 1, 1], [1, 1, 0, 0])
      {'error': 0.0, 'ARI': 1.0, 'NMI': 1.0}
    """
    return {name: metric(labels, predicted) for name, metric in METRICS.items()}


def draw_tasks(config: TaskConfig, seed: int, count: int) -> tuple[Task, Mixture]:
    """A batch of tasks for evaluation, with what they were drawn from.

    Args:
      config: which tasks.
      seed: of the tasks; the same seed gives the same tasks.
      count: B.

    Returns:
      Tasks ``[B, N, D]`` in the generator's coordinates, and their mixtures.
    """
    keys = jax.random.split(jax.random.fold_in(jax.random.key(seed), 2_000_003), count)
    return jax.jit(jax.vmap(partial(draw_task_and_mixture, config=config)))(keys)


def oracle_labels(tasks: Task, mixtures: Mixture) -> np.ndarray:
    """``[B, N]`` labels of largest exact posterior probability: the Bayes oracle's answer."""
    return np.asarray(jax.jit(jax.vmap(log_posterior))(mixtures, tasks.points).argmax(axis=-1))


def learned_labels(
    learner: Learner,
    tasks: Task,
    *,
    seed: int,
    orders: int = 16,
    passes: int | None = None,
    told: bool = True,
) -> np.ndarray:
    """``[B, N]`` labels that a learner gives a batch of tasks; see ``assign_tasks``."""
    probabilities = assign_tasks(
        learner.params,
        jax.random.key(seed),
        tasks,
        model=learner.model,
        passes=passes or learner.header.get("training", {}).get("passes", 2),
        orders=orders,
        told=told,
    )
    return np.asarray(probabilities.argmax(axis=-1))


def scores_of_tasks(tasks: Task, predicted: np.ndarray) -> dict[str, np.ndarray]:
    """Scores of every task of a batch.

    Args:
      tasks: B tasks.
      predicted: ``[B, N]`` labels.

    Returns:
      ``[B]`` for each metric by name; masked points are left out.
    """
    labels, mask = np.asarray(tasks.labels), np.asarray(tasks.mask)
    rows = [scores(y[m], p[m]) for y, p, m in zip(labels, predicted, mask, strict=True)]
    return {name: np.array([row[name] for row in rows]) for name in METRICS}


def summary(values: ArrayLike | Sequence[float]) -> dict[str, Any]:
    """Mean, standard error of the mean, and number of values.

    Example:
      >>> summary([1.0, 3.0])
      {'mean': 2.0, 'stderr': 1.0, 'n': 2}
    """
    found = np.asarray(values, np.float64)
    stderr = float(found.std(ddof=1) / np.sqrt(found.size)) if found.size > 1 else None
    return {"mean": float(found.mean()), "stderr": stderr, "n": int(found.size)}


def record(
    experiment: str,
    dataset: str,
    method: str,
    metric: str,
    values: ArrayLike | Sequence[float],
    *,
    seed: int,
    paper: float | None = None,
    extra: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """One line of a results file.

    Args:
      experiment: which module measured it.
      dataset: what was clustered.
      method: what clustered it, a name of the field; variants in brackets.
      metric: a name of :data:`METRICS`, or another with its unit.
      values: one number a task, run or split.
      seed: that the values follow from.
      paper: the number that the paper prints, if it does.
      extra: parameters and whatever else a reader needs.

    Returns:
      A dictionary for JSON.
    """
    return {
        "experiment": experiment,
        "dataset": dataset,
        "method": method,
        "metric": metric,
        **summary(values),
        "paper": paper,
        "seed": seed,
        **(extra or {}),
    }
