"""From a table of any columns to the learner's canonical frame, in double precision on the host.

The frame does not depend on where a column lies, on its unit, or on the order of the columns.
"""

from typing import NamedTuple

import numpy as np

from l2c_jax.preprocessing.principal import LIMIT, Frame

GRID = 2.0**-20
"""Standardised values are rounded to this, so that a shifted or rescaled column comes out the
same in spite of its rounding."""
FLAT = 1e-6
"""An axis with less than this share of the total scale holds nothing but rounding, as where one
column repeats another, and is left out."""


class TableFrame(NamedTuple):
    """A map from rows of a table to points of the learner: :func:`enter_frame`."""

    largest: np.ndarray  # [D], largest absolute value of each column, or 1
    mean: np.ndarray  # [D], after division by it
    inverse: np.ndarray  # [D], inverse standard deviation after that; 0 for constant columns
    limit: np.ndarray  # [D], where the columns are cut off after that
    middle: np.ndarray  # [D], their means once more
    scale: np.ndarray  # [D], and what they are multiplied with
    axes: np.ndarray  # [D, dimensions], principal axes over the total scale


def table_frame(
    table: np.ndarray, dimensions: int, frame: Frame = "canonical", *, standardise: bool = True
) -> TableFrame:
    """The frame of a table: every column gets variance 1, then the principal axes of them all.

    The same steps as :func:`l2c_jax.preprocessing.principal.canonical_map` after standardising. Columns are
    first put into an order of their own (by their third and fourth moments), so that it does not
    matter in which they came.

    Args:
      table: ``[N, D]`` float64, finite.
      dimensions: axes that the learner reads.
      frame: ``"winsorised"`` cuts the columns' tails off; ``"raw"`` keeps the columns where they
        are, and as many as there are dimensions.
      standardise: ``False`` leaves the columns in proportion to each other.

    Returns:
      The frame.

    Example:
      >>> import numpy as np
      >>> table = np.random.default_rng(0).normal(size=(50, 3))
      >>> moved = 7 + 100 * table[:, ::-1]
      >>> here = enter_frame(table_frame(table, 2), table)
      >>> there = enter_frame(table_frame(moved, 2), moved)
      >>> bool(np.abs(here - there).max() < 1e-6)
      True
    """
    largest = np.abs(table).max(axis=0)
    if not standardise:
        largest = np.full_like(largest, largest.max())
    largest = np.where(largest > 0, largest, 1.0)
    small = table / largest
    mean = small.mean(axis=0)
    deviation = small.std(axis=0)
    varies = deviation > 1e-13  # beyond the rounding of the mean
    common = deviation if standardise else np.sqrt((deviation**2).mean(keepdims=True))
    inverse = np.where(varies, 1 / np.where(varies, common, 1), 0)
    if frame == "raw":
        unit = np.where(standardise, inverse, largest)
        same = _whole(largest, mean * standardise, unit)
        return same._replace(axes=np.eye(len(mean), dimensions))
    moved = _whole(largest, mean, inverse)
    points = _standardised(moved, table)
    if frame == "winsorised":
        moved = moved._replace(limit=LIMIT * points.std(axis=0))
        points = _standardised(moved, table)
        deviation = np.where(varies, points.std(axis=0), 1)
        scale = 1 / deviation if standardise else np.ones_like(deviation)
        moved = moved._replace(middle=points.mean(axis=0), scale=scale)
        points = _standardised(moved, table)
    moments = np.round(np.stack([(points**p).mean(axis=0) for p in (4, 3)]), 6)
    order = np.lexsort(moments)
    ordered = points[:, order]
    axes = np.zeros((len(mean), dimensions))
    found = _principal_axes(ordered, min(dimensions, len(mean)))
    axes[order, : found.shape[1]] = found
    return moved._replace(axes=axes)


def enter_frame(frame: TableFrame, table: np.ndarray) -> np.ndarray:
    """Rows of a table in its frame, each by itself.

    Args:
      frame: from :func:`table_frame`, of this table or another of the same columns.
      table: ``[N, D]``.

    Returns:
      ``[N, dimensions]`` float32. No units.
    """
    # one row at a time as far as rounding goes: the sum over columns has a fixed order
    points = np.einsum("nd,dk->nk", _standardised(frame, table), frame.axes)
    limit = np.finfo(np.float32).max / 1e6
    return np.clip(points, -limit, limit).astype(np.float32)


def _whole(largest: np.ndarray, mean: np.ndarray, inverse: np.ndarray) -> TableFrame:
    """A frame without axes that cuts nothing off."""
    one = np.ones(len(mean))
    return TableFrame(largest, mean, inverse, 1e9 * one, 0 * one, one, np.eye(len(mean)))


def _standardised(frame: TableFrame, table: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        points = (table / frame.largest - frame.mean) * frame.inverse
    rounded = np.round(np.clip(points, -1e9, 1e9) / GRID) * GRID
    return (np.clip(rounded, -frame.limit, frame.limit) - frame.middle) * frame.scale


def _principal_axes(points: np.ndarray, dimensions: int) -> np.ndarray:
    """``[D, dimensions]``, each along positive skewness, over the total scale of the points.

    Axes along which the points do not differ are zeros.
    """
    rows, columns = points.shape
    if columns <= rows:
        vectors = np.linalg.eigh(points.T @ points)[1]
    else:  # the same axes from the smaller matrix of scalar products
        values, left = np.linalg.eigh(points @ points.T)
        vectors = points.T @ left / np.sqrt(np.where(values > 1e-12, values, np.inf))
    axes = vectors[:, ::-1][:, :dimensions]
    projected = points @ axes
    axes = axes * np.where((projected**3).sum(axis=0) < 0, -1, 1)
    spread = np.sqrt((projected**2).sum(axis=0) / rows)
    total = np.sqrt((spread**2).sum())
    return axes * (spread > FLAT * total) / (total if total > 0 else 1)
