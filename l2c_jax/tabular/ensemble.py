"""The members that answer for a table, and how all k clusters get rows."""

import jax
import jax.numpy as jnp
import numpy as np

from l2c_jax.recurrent.inference import AdaptedState, align_members
from l2c_jax.recurrent.learner import Learner
from l2c_jax.tabular.partition_features import Cloud
from l2c_jax.tabular.partition_measures import rand_index
from l2c_jax.tabular.reading import Sequences, read_view
from l2c_jax.types import Array


def read_ensemble(
    learner: Learner, cloud: Cloud, view: Array, count: Array, sequences: Sequences, kept: int
) -> AdaptedState:
    """Read the rows in one view for one number of clusters, and keep the typical members.

    Typical are those whose partitions agree most with the others', by the adjusted Rand index.

    Args:
      learner: with ``condition_on_num_clusters``.
      cloud: S rows.
      view: ``[]`` int32, index of the view.
      count: ``[]`` int32, the number of clusters.
      sequences: of M members.
      kept: how many members; static.

    Returns:
      The state of these members, aligned, for points in that view.
    """
    carries, log_probs = read_view(learner, cloud, view, count, sequences)
    hard = jax.nn.one_hot(log_probs.argmax(axis=-1), log_probs.shape[-1], dtype=jnp.float32)
    hard = hard * cloud.real.astype(jnp.float32)[None, :, None]
    agreement = rand_index(jnp.einsum("msi,nsj->mnij", hard, hard)).sum(axis=1)
    chosen = jnp.argsort(-agreement)[:kept]
    carries = jax.tree.map(lambda leaf: leaf[chosen], carries)
    permutations = align_members(jnp.exp(log_probs[chosen]), cloud.real)
    return AdaptedState(carries, permutations, count, None)


def offsets_to_use_all(logs: np.ndarray) -> np.ndarray:
    """What to add to log-probabilities so that every cluster is the likeliest of some point.

    A cluster that is the likeliest of no point gets the least offset that gives it one, as long
    as no other cluster is emptied.

    Args:
      logs: ``[N, k]`` logarithms of probabilities.

    Returns:
      ``[k]``, zeros where nothing is needed.

    Example:
      >>> logs = np.log([[0.6, 0.4], [0.9, 0.1], [0.7, 0.3]])
      >>> (logs + offsets_to_use_all(logs)[None, :]).argmax(axis=1).tolist()
      [1, 0, 0]
    """
    count = logs.shape[1]
    offsets = np.zeros(count)
    for _ in range(count**2):  # a cluster may take the only point of another, which takes it back
        moved = logs + offsets[None, :]
        labels = moved.argmax(axis=1)
        sizes = np.bincount(labels, minlength=count)
        empty = np.flatnonzero(sizes == 0)
        if not empty.size:
            break
        cluster = empty[0]
        lacks = moved.max(axis=1) - moved[:, cluster]
        lacks = np.where(sizes[labels] > 1, lacks, np.inf)
        if not np.isfinite(lacks.min()):
            break
        offsets[cluster] += lacks.min() + 1e-6 * (1 + abs(lacks.min()))
    return offsets
