"""How well a partition matches the true one: error up to relabelling, ARI, NMI."""

import itertools
from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import numpy as np

from l2c_jax.types import Array, ArrayLike

_ENUMERATED = 4  # up to 4! = 24 relabellings, enumeration is faster than the Hungarian loop


def cheapest_relabelling(cost: Array) -> Array:
    """The permutation of least total cost, for one task; ``vmap`` over tasks.

    Solves :math:`\\min_\\pi \\sum_i C_{i, \\pi(i)}`. Up to four clusters all permutations are
    compared, which is faster inside jit; beyond four, optax's Hungarian algorithm runs. The
    permutation has no gradient.

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
    from optax.assignment import hungarian_algorithm

    with jax.numpy_dtype_promotion("standard"):  # optax mixes types
        rows, columns = hungarian_algorithm(cost)
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
    real = mask.astype(jnp.float32)
    true = jax.nn.one_hot(labels, num_clusters, dtype=jnp.float32) * real[:, None]
    table = true.T @ jax.nn.one_hot(predicted, num_clusters, dtype=jnp.float32)
    renamed = cheapest_relabelling(-table)
    right = jnp.take_along_axis(table, renamed[:, None], axis=1).sum()
    return 1 - right / jnp.maximum(real.sum(), 1)


def contingency(labels: ArrayLike, predicted: ArrayLike) -> np.ndarray:
    """Counts of points per true class (row) and predicted cluster (column).

    Args:
      labels: ``[N]``, any values that can be compared.
      predicted: ``[N]``, likewise.

    Returns:
      ``[classes, clusters]`` int64.

    Raises:
      ValueError: if the two are not vectors of one, positive length.

    Example:
      >>> contingency([0, 0, 1], ["a", "b", "b"]).tolist()
      [[1, 1], [0, 1]]
    """
    row, column = _codes(labels, predicted)
    table = np.zeros((row.max() + 1, column.max() + 1), np.int64)
    np.add.at(table, (row, column), 1)
    return table


def _codes(labels: ArrayLike, predicted: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Both partitions as integers ``[N]`` from 0, in the order of the sorted names."""
    labels, predicted = np.asarray(labels), np.asarray(predicted)
    if labels.ndim != 1 or labels.shape != predicted.shape or labels.size == 0:
        raise ValueError(
            f"labels and predicted must be vectors of the same length of at least 1, "
            f"got shapes {labels.shape} and {predicted.shape}"
        )
    return (
        np.unique(labels, return_inverse=True)[1],
        np.unique(predicted, return_inverse=True)[1],
    )


def error_rate(labels: ArrayLike, predicted: ArrayLike) -> float:
    """Share of points labelled wrongly under the best one-to-one relabelling (section 4.2).

    :math:`1 - \\max_\\pi \\sum_i T_{i, \\pi(i)} / N` with the contingency table T, by SciPy's
    linear sum assignment. Clusters beyond the number of classes match no class: all their points
    count as wrong. A noise label such as DBSCAN's -1 is one cluster.

    Args:
      labels: ``[N]``, the truth.
      predicted: ``[N]``.

    Returns:
      The 0-1 loss, in [0, 1].

    Raises:
      ValueError: if the two are not vectors of one, positive length.

    Example:
      >>> error_rate(["a", "a", "b"], [7, 7, 3])
      0.0
    """
    from scipy.optimize import linear_sum_assignment

    table = contingency(labels, predicted)
    return 1 - float(table[linear_sum_assignment(table, maximize=True)].sum() / table.sum())


def adjusted_rand_index(labels: ArrayLike, predicted: ArrayLike) -> float:
    """Adjusted Rand index, by scikit-learn: 1 for the same partition, on average 0 by chance.

    Args:
      labels: ``[N]``.
      predicted: ``[N]``.

    Returns:
      At most 1; may be negative.

    Raises:
      ValueError: if the two are not vectors of one, positive length.

    References:
      Hubert & Arabie, *Comparing partitions*, 1985.

    Example:
      >>> adjusted_rand_index([0, 0, 1, 1], [1, 1, 0, 0])
      1.0
    """
    from sklearn.metrics import adjusted_rand_score

    return float(adjusted_rand_score(*_codes(labels, predicted)))


def normalized_mutual_information(labels: ArrayLike, predicted: ArrayLike) -> float:
    """Mutual information over the arithmetic mean of the entropies, by scikit-learn.

    Args:
      labels: ``[N]``.
      predicted: ``[N]``.

    Returns:
      In [0, 1]; 1 if both are a single cluster.

    Raises:
      ValueError: if the two are not vectors of one, positive length.

    Example:
      >>> normalized_mutual_information([0, 0, 1, 1], [0, 1, 0, 1])
      0.0
    """
    from sklearn.metrics import normalized_mutual_info_score

    return float(normalized_mutual_info_score(*_codes(labels, predicted)))


METRICS: Mapping[str, Callable[[ArrayLike, ArrayLike], float]] = {
    "error": error_rate,
    "ARI": adjusted_rand_index,
    "NMI": normalized_mutual_information,
}
"""Every metric by its name: ``metric(labels, predicted)``."""


def scores(labels: ArrayLike, predicted: ArrayLike) -> dict[str, float]:
    """Error up to relabelling, ARI and NMI of one partition.

    Args:
      labels: ``[N]``, the truth.
      predicted: ``[N]``.

    Returns:
      The three by name, as in :data:`METRICS`.

    Raises:
      ValueError: if the two are not vectors of one, positive length.

    Example:
      >>> scores([0, 0, 1, 1], [1, 1, 0, 0])
      {'error': 0.0, 'ARI': 1.0, 'NMI': 1.0}
    """
    return {name: metric(labels, predicted) for name, metric in METRICS.items()}
