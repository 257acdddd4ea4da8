"""What is given as X: rows of an array or of a data frame, checked as scikit-learn does."""

from collections.abc import Iterator
from dataclasses import replace
from numbers import Complex, Real
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils.validation import validate_data

from l2c_jax.preprocessing.column_options import ColumnOptions
from l2c_jax.preprocessing.encoder import Encoder, detection_rows, fit_encoder
from l2c_jax.preprocessing.frames import Frame, is_frame, read_frame, read_objects
from l2c_jax.preprocessing.roles import ColumnRole, detect_roles

ROWS = 65_536
"""Rows that are held in double precision at a time."""


class TableRows(NamedTuple):
    """A table in memory: a frame, or an array of numbers."""

    frame: Frame | None
    array: np.ndarray | None  # [N, D] float32 or float64

    @property
    def rows(self) -> int:
        """N."""
        return len(self.frame.columns[0]) if self.frame is not None else len(self._numbers)

    @property
    def names(self) -> list[str]:
        """D names."""
        if self.frame is not None:
            return self.frame.names
        return [f"column{index + 1}" for index in range(self._numbers.shape[1])]

    @property
    def _numbers(self) -> np.ndarray:
        assert self.array is not None
        return self.array

    def take(self, rows: Any) -> list[np.ndarray]:
        """D arrays, the cells of some rows."""
        if self.frame is not None:
            return [column[rows] for column in self.frame.columns]
        return list(np.asarray(self._numbers[rows], np.float64).T)

    def pieces(self) -> Iterator[list[np.ndarray]]:
        """The cells of all rows, some at a time."""
        for start in range(0, self.rows, ROWS):
            yield self.take(slice(start, start + ROWS))


def checked_rows(estimator: Any, X: Any, *, reset: bool) -> TableRows:  # noqa: N803
    """The rows of any table.

    Args:
      estimator: which remembers the columns of ``fit``.
      X: ``[N, D]``: an array, list, memmap, masked array, or data frame of pandas or polars.
      reset: whether this is ``fit``.

    Returns:
      The rows.

    Raises:
      TypeError: if a cell is of a wrong type.
      ValueError: if X is no table, has infinite numbers, or other columns than in ``fit``.
    """
    if is_frame(X):
        validate_data(estimator, X, skip_check_array=True, reset=reset)
        if 0 in X.shape:
            raise ValueError(f"a table of rows and columns is needed, got shape {X.shape}")
        return TableRows(read_frame(X), None)
    if isinstance(X, np.ma.MaskedArray):
        masked, X = np.ma.getmaskarray(X), X.data.astype(object)  # noqa: N806
        X[masked] = None
    finite = {"dtype": [np.float64, np.float32], "ensure_all_finite": "allow-nan"}
    try:
        return TableRows(None, validate_data(estimator, X, reset=reset, **finite))
    except (TypeError, ValueError):
        cells = np.asarray(X, dtype=object) if isinstance(X, (np.ndarray, list)) else None
        if cells is None or cells.ndim != 2 or 0 in cells.shape or _all_numbers(cells):
            raise
        frame = read_objects(cells)
    validate_data(estimator, cells, dtype=None, ensure_all_finite=False, reset=reset)
    return TableRows(frame, None)


def fit_columns(
    table: TableRows, columns: ColumnOptions | None
) -> tuple[tuple[ColumnRole, ...], Encoder]:
    """What the columns are, and the encoder of their cells.

    Args:
      table: N rows.
      columns: what is known about the columns; ``None``: every column of an array is used.

    Returns:
      D roles, and the encoder.

    Raises:
      ValueError: if no column can be used, or a cell is no number in a column of numbers.
    """
    sample = table.take(detection_rows(table.rows, len(table.names)))
    options = columns or ColumnOptions()
    if table.frame is None and columns is None:
        empty = [bool(np.isnan(column).all()) for column in sample]
        if all(empty):
            raise ValueError("every value of the table is missing (NaN)")
        roles = tuple(
            ColumnRole(name, "empty", False, "has no value")
            if gone
            else ColumnRole(name, "number", True, "")
            for name, gone in zip(table.names, empty, strict=True)
        )
    else:
        if table.frame is not None:
            options = replace(
                options,
                categorical=(*options.categorical, *table.frame.categorical),
                ordered=(*table.frame.ordered, *options.ordered),
            )
        roles = detect_roles(table.names, sample, options)
    return roles, fit_encoder(roles, sample)


def _all_numbers(cells: np.ndarray) -> bool:
    """Whether scikit-learn's complaint about an array is not about text or missing values."""
    return all(isinstance(cell, (Real, Complex)) for cell in cells.ravel())
