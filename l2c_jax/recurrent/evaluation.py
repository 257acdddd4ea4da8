"""Batches of tasks with known labels: draw, label by the Bayes oracle, score."""

from functools import partial

import jax
import numpy as np

from l2c_jax.metrics import METRICS, scores
from l2c_jax.recurrent.fitting import sample_tasks
from l2c_jax.tasks.base import Task, TaskDistribution
from l2c_jax.tasks.gaussian import GaussianTasks, Mixture, log_posterior
from l2c_jax.types import Key


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


@partial(jax.jit, static_argnums=1)
def _sample_with_mixture(keys: Key, distribution: GaussianTasks) -> tuple[Task, Mixture]:
    return jax.vmap(distribution.sample_with_mixture)(keys)


_log_posterior = jax.jit(jax.vmap(log_posterior))
