"""Which members of an ensemble answer, and how all k clusters get rows."""

import jax
import jax.numpy as jnp
import numpy as np

from l2c_jax.recurrent.inference import AdaptedState, align_members
from l2c_jax.tabular.judge import Verdict
from l2c_jax.tabular.reading import Candidates
from l2c_jax.types import Array


def best_members(
    found: Candidates, verdict: Verdict, real: Array, which: Array, count: Array, kept: int
) -> AdaptedState:
    """The members of one view and number of clusters that the judge prefers, aligned.

    Args:
      found: candidates of a table.
      verdict: on them.
      real: ``[S]`` bool.
      which: ``[2]`` int32, index of the view and of the number of clusters.
      count: ``[]`` int32, the number of clusters.
      kept: how many members; static.

    Returns:
      The state of these members, for points in that view.
    """

    def at(leaf: Array) -> Array:
        return leaf[which[0], which[1]]

    chosen = jnp.argsort(-at(verdict.quality))[:kept]
    carries = jax.tree.map(lambda leaf: at(leaf)[chosen], found.carries)
    permutations = align_members(jnp.exp(at(found.log_probs)[chosen]), real)
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
