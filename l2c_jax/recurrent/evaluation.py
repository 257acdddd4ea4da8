"""Batches of tasks with known labels: draw, label by a learner or the Bayes oracle, score."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from l2c_jax.metrics import METRICS, matched_error, scores
from l2c_jax.recurrent.config import InferenceConfig, TrainConfig
from l2c_jax.recurrent.inference import last_epoch
from l2c_jax.recurrent.learner import Learner
from l2c_jax.tasks.base import Task, TaskDistribution, is_pytree
from l2c_jax.tasks.gaussian import GaussianTasks, Mixture, log_posterior
from l2c_jax.types import Array, Key


def sample_tasks(distribution: TaskDistribution, keys: Key) -> Task:
    """A batch of tasks, one for each key, in one compiled call.

    Args:
      distribution: of the tasks.
      keys: ``[B]``, consumed.

    Returns:
      ``[B, N, D]``, ``[B, N]``, ``[B, N]``.
    """
    sample = _sample if is_pytree(distribution) else _sample_static
    return sample(distribution, keys)


def sample_with_oracle(
    distribution: TaskDistribution, seed: int, count: int
) -> tuple[Task, Mixture | None]:
    """A batch of tasks for evaluation, and what they were drawn from.

    Args:
      distribution: of the tasks.
      seed: the same seed gives the same tasks, other ones than any training's.
      count: B.

    Returns:
      Tasks ``[B, N, D]`` in the generator's coordinates, and their mixtures; ``None`` unless the
      distribution is a :class:`~l2c_jax.tasks.gaussian.GaussianTasks`.
    """
    keys = jax.random.split(jax.random.fold_in(jax.random.key(seed), 2_000_003), count)
    if isinstance(distribution, GaussianTasks):
        return _sample_with_mixture(keys, distribution)
    return sample_tasks(distribution, keys), None


def oracle_labels(tasks: Task, mixtures: Mixture) -> np.ndarray:
    """``[B, N]`` labels of largest exact posterior probability: the Bayes oracle's answer."""
    return np.asarray(_log_posterior(mixtures, tasks.points).argmax(axis=-1))


def score_tasks(tasks: Task, predicted: np.ndarray) -> dict[str, np.ndarray]:
    """Error, ARI and NMI of every task of a batch.

    Args:
      tasks: B tasks.
      predicted: ``[B, N]`` labels.

    Returns:
      ``[B]`` for each metric by name; masked points are left out.
    """
    labels, mask = np.asarray(tasks.labels), np.asarray(tasks.mask)
    rows = [scores(y[m], p[m]) for y, p, m in zip(labels, predicted, mask, strict=True)]
    return {name: np.array([row[name] for row in rows]) for name in METRICS}


def predict_tasks(
    learner: Learner,
    key: Key,
    tasks: Task,
    *,
    config: InferenceConfig = InferenceConfig(),  # noqa: B008  frozen
    num_clusters_given: bool = True,
) -> Array:
    """:func:`last_epoch` for a batch of tasks; their labels serve only to count the clusters.

    Args:
      learner: trained.
      key: consumed.
      tasks: B tasks, ``[B, N, D]``, ``[B, N]``, ``[B, N]``.
      config: epochs and orders.
      num_clusters_given: whether a learner with ``condition_on_num_clusters`` is given the number
        of clusters of each task.

    Returns:
      ``[B, N, K]``, rows sum to 1.
    """
    keys = jax.random.split(key, tasks.mask.shape[0])
    return _predict_tasks(learner.without_metadata(), keys, tasks, config, num_clusters_given)


def measured_error(
    learner: Learner, distribution: TaskDistribution, *, seed: int, count: int = 200
) -> dict[str, float]:
    """Mean error up to relabelling on fresh tasks, for one order per epoch.

    A learner that was never given the number of clusters in training is not given it here.

    Args:
      learner: with the metadata of its training.
      distribution: of the tasks.
      seed: of the tasks; they are drawn apart from every training run's.
      count: how many tasks.

    Returns:
      ``mean`` and ``stderr`` over tasks, and ``n``.
    """
    key_tasks, key_read = jax.random.split(jax.random.fold_in(jax.random.key(seed), 1_000_003))
    training = learner.metadata.training or TrainConfig()
    tasks = sample_tasks(distribution, jax.random.split(key_tasks, count))
    probabilities = predict_tasks(
        learner,
        key_read,
        tasks,
        config=InferenceConfig(epochs=training.epochs, orders=1),
        num_clusters_given=training.k_dropout < 1,
    )
    predicted = probabilities.argmax(axis=-1)
    errors = np.asarray(_errors(tasks, predicted, learner.config.num_clusters))
    stderr = float(errors.std(ddof=1) / np.sqrt(count)) if count > 1 else 0.0
    return {"mean": float(errors.mean()), "stderr": stderr, "n": count}


def _sample_batch(distribution: TaskDistribution, keys: Key) -> Task:
    return jax.vmap(distribution.sample)(keys)


_sample = jax.jit(_sample_batch)
_sample_static = jax.jit(_sample_batch, static_argnums=0)


@partial(jax.jit, static_argnums=1)
def _sample_with_mixture(keys: Key, distribution: GaussianTasks) -> tuple[Task, Mixture]:
    return jax.vmap(distribution.sample_with_mixture)(keys)


_log_posterior = jax.jit(jax.vmap(log_posterior))


@partial(jax.jit, static_argnums=(3, 4))
def _predict_tasks(
    learner: Learner, keys: Key, tasks: Task, config: InferenceConfig, given: bool
) -> Array:
    def one(inputs: tuple[Key, Task]) -> Array:
        key, task = inputs
        present = jnp.zeros(learner.config.num_clusters, bool).at[task.labels].max(task.mask)
        count = present.sum() if given else 0
        return last_epoch(learner, key, task.points, task.mask, count, config=config)

    return jax.lax.map(one, (keys, tasks), batch_size=max(1, 512 // config.orders))


@partial(jax.jit, static_argnums=2)
def _errors(tasks: Task, predicted: Array, num_clusters: int) -> Array:
    error = partial(matched_error, num_clusters=num_clusters)
    return jax.vmap(error)(tasks.labels, predicted, tasks.mask)
