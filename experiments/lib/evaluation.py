"""Test tasks, the labels that a learner and the Bayes oracle give them, and their scores."""

from functools import partial

import jax
import numpy as np

from l2c_jax.metrics import METRICS, scores
from l2c_jax.recurrent.assign import assign_tasks
from l2c_jax.recurrent.learner import Learner
from l2c_jax.tasks.base import Task
from l2c_jax.tasks.gaussian import Mixture, TaskConfig, draw_task_and_mixture, log_posterior


def draw_tasks(config: TaskConfig, seed: int, count: int) -> tuple[Task, Mixture]:
    """A batch of tasks for evaluation, with the mixtures that they were drawn from.

    Args:
      config: the task distribution.
      seed: of the tasks; the same seed gives the same tasks.
      count: B.

    Returns:
      Tasks ``[B, N, D]`` in the generator's coordinates, and their mixtures.
    """
    keys = jax.random.split(jax.random.fold_in(jax.random.key(seed), 2_000_003), count)
    return jax.jit(jax.vmap(partial(draw_task_and_mixture, config=config)))(keys)


def oracle_labels(tasks: Task, mixtures: Mixture) -> np.ndarray:
    """``[B, N]`` labels of the Bayes oracle: argmax of the exact posterior p(k | x)."""
    return np.asarray(jax.jit(jax.vmap(log_posterior))(mixtures, tasks.points).argmax(axis=-1))


def learned_labels(
    learner: Learner,
    tasks: Task,
    *,
    seed: int,
    orders: int = 16,
    given_num_clusters: bool = True,
) -> np.ndarray:
    """Labels of a learner for a batch of tasks: argmax of its scores in the last epoch.

    Args:
      learner: the trained learner.
      tasks: B tasks ``[B, N, D]``.
      seed: of the orders in which points are read.
      orders: M, members of the ensemble, aligned and averaged.
      given_num_clusters: whether a learner that conditions on k is given each task's k.

    Returns:
      ``[B, N]`` int.
    """
    probabilities = assign_tasks(
        learner.params,
        jax.random.key(seed),
        tasks,
        model=learner.model,
        passes=learner.header.get("training", {}).get("passes", 2),
        orders=orders,
        told=given_num_clusters,
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
