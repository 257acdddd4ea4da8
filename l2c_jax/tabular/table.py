"""Checks of a table, and a sample of its rows."""

import numpy as np

from l2c_jax.preprocessing.principal import (
    column_order,
    fit_table_preprocessing,
    scale_columns,
)
from l2c_jax.tabular.model import TabularModel
from l2c_jax.types import ArrayLike

SORTED_ROWS = 100_000
"""Up to so many rows, a sample does not depend on the order of the rows."""


def checked_table(table: ArrayLike) -> np.ndarray:
    """A table as float64.

    Raises:
      ValueError: if it has not two dimensions, no row or no column, or NaN or infinity.
    """
    rows = np.asarray(table, np.float64)
    if rows.ndim != 2 or 0 in rows.shape:
        raise ValueError(f"a table of rows and columns is needed, got shape {rows.shape}")
    if not np.isfinite(rows).all():
        raise ValueError("the table must be finite; found NaN or infinity")
    return rows


def check_num_clusters(model: TabularModel, num_clusters: int | None, rows: int) -> int:
    """The largest number of clusters for a table of some rows.

    Raises:
      ValueError: if ``num_clusters`` is above it or below 1, or missing for weights that need it.
    """
    config = model.learner.config
    limit = min(config.num_clusters, rows)
    if num_clusters is not None and not 1 <= num_clusters <= limit:
        raise ValueError(
            f"num_clusters is {num_clusters}; it must be at least 1, at most {rows} (the "
            f"rows) and at most {config.num_clusters} (what the weights were trained for)"
        )
    if num_clusters is None and config.condition_on_num_clusters and model.judge is None:
        raise ValueError(f"these weights need the number of clusters, 1 to {config.num_clusters}")
    return limit


def sample_rows(
    rows: np.ndarray, most: int, rng: np.random.Generator, *, standardize: bool = True
) -> np.ndarray:
    """Some rows of a table; which ones does not depend on units, order of columns or of rows.

    Args:
      rows: ``[N, D]``.
      most: S.
      rng: for the choice.
      standardize: give every column the same variance before rows are compared.

    Returns:
      ``[min(N, S), D]``; of more than :data:`SORTED_ROWS` rows, those depend on the order.
    """
    if len(rows) <= most:
        return rows
    if len(rows) > SORTED_ROWS:
        rows = rows[rng.choice(len(rows), SORTED_ROWS, replace=False)]
    fitted = fit_table_preprocessing(rows, "columns", 1, standardize=standardize)
    scaled = scale_columns(fitted, rows)
    order = np.lexsort(scaled[:, column_order(scaled)].T)
    return rows[order[rng.permutation(len(rows))[:most]]]


def pad_points(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points padded with zeros to one of few sizes, so that tables share compiled programs.

    Args:
      points: ``[N, D]``.

    Returns:
      ``[P, D]`` float32, and the mask ``[P]``; P is the least of 16, 24, 32, 48, 64, ... that is
      at least N.

    Example:
      >>> [pad_points(np.ones((n, 1)))[0].shape[0] for n in (1, 17, 150)]
      [16, 24, 192]
    """
    size, power = len(points), 16
    while power < size:
        power *= 2
    padded = power * 3 // 4 if 16 < size <= power * 3 // 4 else power
    filled = np.zeros((padded, points.shape[1]), np.float32)
    filled[:size] = points
    return filled, np.arange(padded) < size
