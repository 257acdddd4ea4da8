"""Test tasks, and the labels that a learner gives them."""

from functools import partial

import jax
import numpy as np

from l2c_jax.preprocessing import apply_preprocessing, fit_table_preprocessing
from l2c_jax.recurrent.config import InferenceConfig
from l2c_jax.recurrent.evaluation import predict_tasks, sample_with_oracle
from l2c_jax.recurrent.inference import last_epoch
from l2c_jax.recurrent.learner import Learner
from l2c_jax.tabular.clusterer import pad_points
from l2c_jax.tasks.base import Task
from l2c_jax.tasks.gaussian import GaussianTasks, Mixture


def draw_tasks(config: GaussianTasks, seed: int, count: int) -> tuple[Task, Mixture]:
    """A batch of tasks for evaluation, with the mixtures that they were drawn from.

    Args:
      config: the task distribution.
      seed: of the tasks; the same seed gives the same tasks.
      count: B.

    Returns:
      Tasks ``[B, N, D]`` in the generator's coordinates, and their mixtures.
    """
    tasks, mixtures = sample_with_oracle(config, seed, count)
    assert mixtures is not None
    return tasks, mixtures


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
    training = learner.metadata.training
    epochs = training.epochs if training is not None else 2
    probabilities = predict_tasks(
        learner,
        jax.random.key(seed),
        tasks,
        config=InferenceConfig(epochs=epochs, orders=orders),
        num_clusters_given=given_num_clusters,
    )
    return np.asarray(probabilities.argmax(axis=-1))


def labels_of_points(
    learner: Learner, points: np.ndarray, k: int, *, seed: int, orders: int = 16
) -> np.ndarray:
    """Labels of a learner for one data set by the scores of the last epoch, as in the paper.

    The points are preprocessed in float64, their columns as they are.

    Args:
      learner: the trained learner.
      points: ``[N, D]``.
      k: the number of clusters; a learner that does not condition on k keeps the k clusters of
        largest total probability.
      seed: of the orders.
      orders: M.

    Returns:
      ``[N]`` int.
    """
    config = learner.config
    fitted = fit_table_preprocessing(
        points, config.preprocessing, config.dimensions, standardize=False
    )
    padded, mask = pad_points(apply_preprocessing(fitted, points, config.dimensions))
    reading = InferenceConfig(orders=orders)
    plain, key = learner.without_metadata(), jax.random.key(seed)
    found = np.asarray(_last_epoch(plain, key, padded, mask, np.int32(k), config=reading))
    found = found[: len(points)]
    if not config.condition_on_num_clusters:
        largest = np.argsort(-found.sum(axis=0), kind="stable")[:k]
        found = found[:, np.sort(largest)]
    return found[:, :k].argmax(axis=1)


_last_epoch = jax.jit(partial(last_epoch, preprocessed=True), static_argnames="config")
