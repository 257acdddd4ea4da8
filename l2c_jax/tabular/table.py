"""Checks of a table, and a sample of its rows."""

import numpy as np

from l2c_jax.preprocessing.diffusion import nearest
from l2c_jax.preprocessing.principal import (
    column_order,
    fit_table_preprocessing,
    scale_columns,
)
from l2c_jax.tabular.model import TabularModel
from l2c_jax.types import ArrayLike

SORTED_ROWS = 100_000
"""Up to so many rows, a sample does not depend on the order of the rows."""
_POOL, _NEAR, _MISSED, _TINY = 1024, 4, 4.0, 1e-6
"""Of :func:`sample_rows`: rows among which dense regions are searched; how many of their rows a
sample should hold; how many times the median ratio of distances counts as missed; the unit of
distances between equal rows."""


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

    An eighth of the sample is for dense regions of which it would hold less than 4 rows: rows
    whose 4th neighbor in a random sample is much farther away than their 3rd neighbor among
    1,024 rows. Without such regions, all is random.

    Args:
      rows: ``[N, D]``.
      most: S.
      rng: for the choice.
      standardize: give every column the same variance before rows are compared.

    Returns:
      ``[min(N, S)]`` indices; of more than :data:`SORTED_ROWS` rows, those depend on the order.
    """
    if len(rows) <= most:
        return np.arange(len(rows))
    every = np.arange(len(rows))
    if len(rows) > SORTED_ROWS:
        every = rng.choice(len(rows), SORTED_ROWS, replace=False)
    fitted = fit_table_preprocessing(rows[every], "columns", 1, standardize=standardize)
    scaled = scale_columns(fitted, rows[every])
    scaled = scaled[:, column_order(scaled)]
    order = np.lexsort(scaled.T)
    chosen = order[rng.permutation(len(order))]  # the first are a random sample
    pool = chosen[: max(most, _POOL)]
    return every[pool[_with_rare_regions(scaled[pool], most)]]


def _with_rare_regions(points: np.ndarray, most: int) -> np.ndarray:
    """``[S]``, which of the points in random order are in the sample."""
    first = most - most // 8
    if len(points) <= most or most <= _NEAR:
        return np.arange(min(len(points), most))
    rest = points[first:]
    in_sample = np.sqrt(nearest(rest, points[:first], _NEAR)[1][:, -1])
    in_pool = np.sqrt(nearest(rest, points, _NEAR)[1][:, -1])  # the row itself is one of them
    ratio = (in_sample + _TINY) / (in_pool + _TINY)
    missed = np.flatnonzero(ratio > _MISSED * np.median(ratio))
    missed = missed[np.argsort(-ratio[missed], kind="stable")][: most - first]
    others = np.setdiff1d(np.arange(len(rest)), missed)[: most - first - len(missed)]
    return np.concatenate([np.arange(first), first + missed, first + others])


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
