"""What a judge learns from: readings of labelled tasks, every candidate scored by the labels."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from l2c_jax.recurrent.learner import Learner
from l2c_jax.tabular.partition_features import Cloud, Features, partition_features, rand_index
from l2c_jax.tabular.reading import (
    Sequences,
    make_cloud,
    make_sequences,
    read_candidates,
)
from l2c_jax.tabular.table import sample_rows
from l2c_jax.tabular.views import fit_views
from l2c_jax.tasks.base import TaskDistribution
from l2c_jax.types import Array, Key


@dataclass(frozen=True)
class JudgeConfig:
    """How the judge is trained."""

    tasks: int = 4_096
    """T, labelled tasks; an eighth is held out and measured."""
    rows: int = 512
    """S, rows of a task that are read; of a larger one a random sample."""
    members: int = 2
    """M, members for each view and number of clusters."""
    epochs: int = 2
    """E, passes of a member."""
    length: int = 256
    """R, rows read in a pass."""
    hidden: int = 32
    """H, hidden units."""
    networks: int = 3
    """J, networks whose answers are averaged."""
    iterations: int = 500
    """Steps of Adam; few, since there are more features than a few thousand tasks determine."""
    batch: int = 64
    """Tasks of a step."""
    learning_rate: float = 2e-3
    """Adam's step size; it decreases to 0 along a cosine."""
    weight_decay: float = 1.0
    """Decay of the weights."""
    true_count_weight: float = 5.0
    """Weight of the candidates with the true number of clusters in the loss of the quality."""
    seed: int = 0
    """Of orders, batches and initial weights."""


class Examples(NamedTuple):
    """T labelled tasks, as the judge sees them; NumPy arrays."""

    features: Features  # [T, ...] each
    scores: np.ndarray  # [T, V, K, M], adjusted Rand index with the labels
    counts: np.ndarray  # [T] int32, true number of clusters
    limits: np.ndarray  # [T] int32, largest number of clusters that is allowed


def read_examples(
    learner: Learner,
    tables: Iterable[tuple[np.ndarray, np.ndarray]],
    config: JudgeConfig,
) -> Iterator[Examples]:
    """Read labelled tables.

    Args:
      learner: with ``condition_on_num_clusters``.
      tables: rows ``[N, D]`` float64 and labels ``[N]``.
      config: sizes of the reading.

    Yields:
      One table after another, ``T = 1``.
    """
    learner = learner.without_metadata()
    shape, rng = learner.config, np.random.default_rng(config.seed)
    counts = np.arange(1, shape.num_clusters + 1, dtype=np.int32)
    for points, labels in tables:
        chosen = sample_rows(points, config.rows, rng)
        rows, truth = points[chosen], np.unique(labels[chosen], return_inverse=True)[1]
        fitted = fit_views(rows, shape.preprocessing, shape.dimensions)
        cloud, order = make_cloud(rows, *fitted, config.rows, rng)
        sequences = make_sequences(len(rows), config.members, config.epochs, config.length, rng)
        padded = np.zeros(config.rows, np.int32)
        padded[: len(rows)] = truth[order]
        features, scores = _read(learner, cloud, counts, sequences, padded)
        found = jax.tree.map(lambda leaf: np.asarray(leaf, np.float32)[None], features)
        numbers = np.array([[truth.max() + 1], [min(len(rows), counts[-1])]], np.int32)
        yield Examples(found, np.asarray(scores)[None], *numbers)


_MOST_CLASSES = 32


@jax.jit
def _read(
    learner: Learner, cloud: Cloud, counts: Array, sequences: Sequences, labels: Array
) -> tuple[Features, Array]:
    log_probs = read_candidates(learner, cloud, counts, sequences)
    features = partition_features(cloud, log_probs, counts)
    truth = jnp.where(
        cloud.real[:, None], jax.nn.one_hot(labels, _MOST_CLASSES, dtype=jnp.float32), 0
    )
    hard = jax.nn.one_hot(log_probs.argmax(axis=-1), log_probs.shape[-1], dtype=jnp.float32)
    return features, rand_index(jnp.einsum("vkmsi,sj->vkmij", hard, truth))


def drawn_tables(
    key: Key, distribution: TaskDistribution, number: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Tasks of a distribution as tables.

    Args:
      key: consumed.
      distribution: of the tasks.
      number: T.

    Yields:
      The real rows without constant columns, float64, and labels.
    """
    sample = jax.jit(distribution.sample)
    for step in range(number):
        task = jax.tree.map(np.asarray, sample(jax.random.fold_in(key, step)))
        rows, labels = task.points[task.mask].astype(np.float64), task.labels[task.mask]
        varies = rows.std(axis=0) > 0
        yield rows[:, varies] if varies.any() else rows[:, :1], labels


def join_examples(parts: Iterable[Examples]) -> Examples:
    """Examples after one another."""
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)
