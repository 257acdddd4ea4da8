r"""Columns as ranks: the share of the rows whose value is less, ties counted half.

.. math:: F(x) = \frac1N \sum_n \left([x_n < x] + \tfrac12 [x_n = x]\right)

A long tail, one wild value and any increasing map of a column change nothing.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from l2c_jax.types import Array


class Ranks(NamedTuple):
    """The rows from which ranks are counted; a pytree."""

    columns: np.ndarray  # [N, D], every column sorted


def fit_ranks(rows: np.ndarray) -> Ranks:
    """Sort every column.

    Args:
      rows: ``[N, D]``.

    Returns:
      For :func:`apply_ranks`.

    Example:
      >>> import numpy as np
      >>> ranks = fit_ranks(np.array([[1.0], [2.0], [1e9]]))
      >>> apply_ranks(ranks, np.array([[1.0], [3.0], [1e9], [2e9]])).round(2).ravel().tolist()
      [0.17, 0.67, 0.83, 1.0]
    """
    return Ranks(np.sort(rows, axis=0))


def apply_ranks(ranks: Ranks, rows: np.ndarray) -> np.ndarray:
    """Ranks of rows, each by itself.

    Args:
      ranks: fitted on N rows.
      rows: ``[n, D]``.

    Returns:
      ``[n, D]`` float64 in [0, 1].
    """
    found = np.empty(rows.shape)
    for column, known in enumerate(ranks.columns.T):
        below = np.searchsorted(known, rows[:, column], "left")
        found[:, column] = below + np.searchsorted(known, rows[:, column], "right")
    return found / (2 * len(ranks.columns))


def masked_ranks(points: Array, mask: Array) -> Array:
    """Ranks of the points of one task among the real ones; for ``jit`` and ``vmap``.

    Args:
      points: ``[N, D]``.
      mask: ``[N]`` bool.

    Returns:
      ``[N, D]`` in [0, 1], zeros where masked.
    """
    real = mask.astype(points.dtype)

    def of_column(column: Array) -> Array:
        sign = jnp.sign(column[:, None] - column[None, :])
        return (0.5 + 0.5 * sign) @ real / jnp.maximum(real.sum(), 1)

    return jax.vmap(of_column, 1, 1)(points) * real[:, None]
