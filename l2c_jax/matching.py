"""The best relabelling of clusters, inside jit (Kuhn-Munkres through optax)."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import optax

from l2c_jax.types import Array

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
