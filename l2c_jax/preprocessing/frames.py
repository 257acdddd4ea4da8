"""Data frames and arrays as columns, without importing pandas or polars."""

import numbers
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np

from l2c_jax.preprocessing.numbers import is_missing


class Frame(NamedTuple):
    """A table in memory."""

    names: list[str]  # D
    columns: list[np.ndarray]  # D arrays [N]: float64, datetime64, or object with str and None
    categorical: tuple[str, ...]  # numbers that are categories by their type
    ordered: tuple[tuple[str, tuple[str, ...]], ...]  # names and their levels in order


def is_frame(table: Any) -> bool:
    """Whether a table is a data frame of pandas or polars."""
    return hasattr(table, "columns") and hasattr(table, "dtypes") and hasattr(table, "shape")


def read_frame(table: Any) -> Frame:
    """The columns of a data frame; its index is not one of them.

    Args:
      table: of pandas or polars, ``[N, D]``.

    Returns:
      The columns.

    Example:
      >>> import pandas as pd
      >>> frame = read_frame(pd.DataFrame({"x": [1, 2], "ok": [True, None]}))
      >>> frame.names, [column.tolist() for column in frame.columns]
      (['x', 'ok'], [[1.0, 2.0], ['true', None]])
    """
    names = [str(name) for name in table.columns]
    columns, categorical, ordered = [], [], []
    for index, name in enumerate(names):
        series = table.iloc[:, index] if hasattr(table, "iloc") else table[:, index]
        cells, levels, in_order = _series(series)
        columns.append(cells)
        if in_order:
            ordered.append((name, levels))
        elif levels:
            categorical.append(name)
    return Frame(names, columns, tuple(categorical), tuple(ordered))


def read_objects(table: np.ndarray) -> Frame:
    """The columns of an array of Python objects or strings.

    Args:
      table: ``[N, D]`` of text, numbers, dates and missing values.

    Returns:
      The columns, named ``column1``, ``column2``, ...

    Raises:
      TypeError: if a cell is something else.
    """
    columns = [object_cells(table[:, index]) for index in range(table.shape[1])]
    return Frame([f"column{index + 1}" for index in range(len(columns))], columns, (), ())


def object_cells(cells: np.ndarray) -> np.ndarray:
    """Python objects as float64 if all are numbers, or else as str and None.

    Example:
      >>> object_cells(np.array([1, None, 2.5], object)).tolist()
      [1.0, nan, 2.5]
      >>> object_cells(np.array([1, "2,5"], object)).tolist()
      ['1', '2,5']
    """
    missing = is_missing(cells)
    known = [cells[row] for row in np.flatnonzero(~missing)]
    numeric = (numbers.Real, Decimal, np.number)
    for cell in known:
        if not isinstance(cell, (str, bytes, np.bool_, date, np.datetime64, *numeric)):
            raise TypeError(
                f"argument must be a table whose cells are a string or a number, "
                f"got {type(cell).__name__}"
            )
    boolean = (bool, np.bool_)
    if known and all(isinstance(c, numeric) and not isinstance(c, boolean) for c in known):
        values = np.full(len(cells), np.nan)
        values[~missing] = np.array(known, np.float64)
        return values
    text = np.full(len(cells), None, object)
    text[~missing] = [str(c).lower() if isinstance(c, boolean) else str(c) for c in known]
    return text


def _series(series: Any) -> tuple[np.ndarray, tuple[str, ...], bool]:
    """Cells, the levels of a categorical dtype that says more than its text, and their order."""
    kind = str(series.dtype).lower()
    if kind == "category":
        categories = series.cat.categories
        cells = object_cells(np.asarray(series.astype(object)))
        levels = tuple(_level(level) for level in categories)
        in_order = bool(series.cat.ordered)
        return cells, levels if in_order or cells.dtype != object else (), in_order
    if hasattr(series, "iloc"):
        return _pandas(series, kind), (), False
    return _polars(series, kind), (), False


def _level(level: Any) -> str:
    number = isinstance(level, numbers.Real) and not isinstance(level, bool)
    return f"{float(level):.15g}" if number else str(level).strip()


def _pandas(series: Any, kind: str) -> np.ndarray:
    if kind.startswith("datetime64"):
        if getattr(series.dt, "tz", None) is not None:
            series = series.dt.tz_convert(None)
        return np.asarray(series.to_numpy(), "datetime64[us]")
    if kind.startswith(("int", "uint", "float")):
        return np.asarray(series.to_numpy(dtype=np.float64, na_value=np.nan))
    if kind.startswith("timedelta"):
        return np.asarray(series.dt.total_seconds(), np.float64)
    return object_cells(np.asarray(series.astype(object)))


def _polars(series: Any, kind: str) -> np.ndarray:
    if kind.startswith(("date",)):
        return np.asarray(series.to_numpy(), "datetime64[us]")
    if kind.startswith(("int", "uint", "float")):
        return np.asarray(series.to_numpy(), np.float64)
    if kind.startswith(("categorical", "enum")):
        series = series.cast(str)
    cells = np.empty(len(series), object)
    cells[:] = series.to_list()
    return object_cells(cells)
