"""How well a partition matches the true one: error up to relabelling, ARI, NMI."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import optax
from scipy.optimize import linear_sum_assignment

from l2c_jax.types import Array, ArrayLike

_ENUMERATED = 4  # up to 4! = 24 relabellings, looking at all of them beats the Hungarian loop


def cheapest_relabelling(cost: Array) -> Array:
    """The permutation of least total cost, one task at a time; ``vmap`` over tasks.

    Solves :math:`\\min_\\pi \\sum_i C_{i, \\pi(i)}`. Up to four clusters every permutation is
    looked at, which is faster inside jit; beyond that optax's Hungarian algorithm runs. No
    gradient flows through the choice.

    Args:
      cost: ``[K, K]`` finite costs of renaming cluster ``i`` (row) to ``j`` (column).

    Returns:
      ``[K]`` int32, the new name of each cluster.

    Raises:
      ValueError: if ``cost`` is not a square matrix.

    References:
      H. W. Kuhn, *The Hungarian method for the assignment problem*, 1955; section 4.2 of
      Jiang & Verma 2019 names it for the evaluation.

    Example:
      >>> import jax.numpy as jnp
      >>> cheapest_relabelling(jnp.array([[5.0, 1.0], [2.0, 7.0]])).tolist()
      [1, 0]
    """
    if cost.ndim != 2 or cost.shape[0] != cost.shape[1]:
        raise ValueError(f"cost must be a square matrix [K, K], got shape {cost.shape}")
    size = cost.shape[0]
    cost = jax.lax.stop_gradient(cost)
    if size <= _ENUMERATED:
        choices = np.array(list(itertools.permutations(range(size))), np.int32)
        totals = cost[np.arange(size)[None, :], choices].sum(axis=1)
        return jnp.asarray(choices)[jnp.argmin(totals)]
    rows, columns = optax.assignment.hungarian_algorithm(cost)
    return jnp.zeros(size, jnp.int32).at[rows].set(columns.astype(jnp.int32))


def matched_error(labels: Array, predicted: Array, mask: Array, num_clusters: int) -> Array:
    """Share of points labelled wrongly under the best relabelling, inside jit, one task.

    Args:
      labels: ``[N]`` int in ``0..K-1``, the truth.
      predicted: ``[N]`` int in ``0..K-1``.
      mask: ``[N]`` bool.
      num_clusters: K, static.

    Returns:
      ``[]`` in [0, 1].

    Example:
      >>> import jax.numpy as jnp
      >>> labels, predicted = jnp.array([0, 0, 1, 1]), jnp.array([1, 1, 0, 1])
      >>> float(matched_error(labels, predicted, jnp.ones(4, bool), 2))
      0.25
    """
    true = jax.nn.one_hot(labels, num_clusters) * mask[:, None]
    table = true.T @ jax.nn.one_hot(predicted, num_clusters)
    renamed = cheapest_relabelling(-table)
    right = jnp.take_along_axis(table, renamed[:, None], axis=1).sum()
    return 1 - right / jnp.maximum(mask.sum(), 1)


def contingency(labels: ArrayLike, predicted: ArrayLike) -> np.ndarray:
    """Counts of points per true class (row) and found cluster (column).

    Args:
      labels: ``[N]``, any values that can be compared.
      predicted: ``[N]``, likewise.

    Returns:
      ``[classes, clusters]`` int64.

    Raises:
      ValueError: if the two are not vectors of one, positive length.
    """
    labels, predicted = np.asarray(labels), np.asarray(predicted)
    if labels.ndim != 1 or labels.shape != predicted.shape or labels.size == 0:
        raise ValueError(
            f"labels and predicted must be vectors of the same length of at least 1, "
            f"got shapes {labels.shape} and {predicted.shape}"
        )
    rows, row = np.unique(labels, return_inverse=True)
    columns, column = np.unique(predicted, return_inverse=True)
    table = np.zeros((rows.size, columns.size), np.int64)
    np.add.at(table, (row, column), 1)
    return table


def error_rate(labels: ArrayLike, predicted: ArrayLike) -> float:
    """Share of points labelled wrongly under the best one-to-one relabelling (section 4.2).

    Kuhn-Munkres on the contingency table, by SciPy. Clusters beyond the number of classes match
    nothing, so all their points count as wrong; a noise label such as DBSCAN's -1 is one cluster.

    Args:
      labels: ``[N]``, the truth.
      predicted: ``[N]``.

    Returns:
      The 0-1 loss, in [0, 1].

    Example:
      >>> error_rate(["a", "a", "b"], [7, 7, 3])
      0.0
    """
    table = contingency(labels, predicted)
    return 1 - float(table[linear_sum_assignment(table, maximize=True)].sum() / table.sum())


def adjusted_rand_index(labels: ArrayLike, predicted: ArrayLike) -> float:
    """Adjusted Rand index: 1 for the same partition, 0 on average for a random one.

    Args:
      labels: ``[N]``.
      predicted: ``[N]``.

    Returns:
      At most 1; may be negative.

    References:
      Hubert & Arabie, *Comparing partitions*, 1985.

    Example:
      >>> adjusted_rand_index([0, 0, 1, 1], [1, 1, 0, 0])
      1.0
    """
    table = contingency(labels, predicted).astype(np.float64)

    def pairs(counts: np.ndarray) -> float:
        return float((counts * (counts - 1)).sum() / 2)

    together, rows, columns = pairs(table), pairs(table.sum(1)), pairs(table.sum(0))
    total = pairs(table.sum(keepdims=True))
    if total == 0:
        return 1.0
    expected, largest = rows * columns / total, (rows + columns) / 2
    if largest == expected:  # both are one cluster, or both all singletons
        return 1.0
    return (together - expected) / (largest - expected)


def normalized_mutual_information(labels: ArrayLike, predicted: ArrayLike) -> float:
    """Mutual information over the arithmetic mean of the entropies.

    Args:
      labels: ``[N]``.
      predicted: ``[N]``.

    Returns:
      In [0, 1]; 1 if both are a single cluster.

    Example:
      >>> normalized_mutual_information([0, 0, 1, 1], [0, 1, 0, 1])
      0.0
    """
    joint = contingency(labels, predicted) / len(np.asarray(labels))

    def entropy(shares: np.ndarray) -> float:
        shares = shares[shares > 0]
        return float(-(shares * np.log(shares)).sum())

    rows, columns = entropy(joint.sum(1)), entropy(joint.sum(0))
    if rows + columns == 0:
        return 1.0
    information = rows + columns - entropy(joint.ravel())
    return float(np.clip(2 * information / (rows + columns), 0.0, 1.0))
