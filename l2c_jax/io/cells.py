"""Cells of the database as arrays."""

import re
from typing import Any

import numpy as np


def cast_of(column: str, kind: str) -> str:
    """How a typed column is handed over, in SQL.

    Args:
      column: its name in the database.
      kind: its type there.

    Example:
      >>> cast_of("c0", "INTEGER"), cast_of("c1", "DATE"), cast_of("c2", "VARCHAR")
      ('c0::double', 'try_cast(c1 as timestamp)', 'c2::varchar')
    """
    if re.match(r"(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|FLOAT|DOUBLE|DECIMAL)", kind):
        return column if kind == "DOUBLE" else f"{column}::double"
    if kind == "BOOLEAN":
        return f"case {column} when true then 'true' when false then 'false' end"
    if kind == "DATE" or kind.startswith("TIMESTAMP"):
        return f"try_cast({column} as timestamp)"
    return f"{column}::varchar"


def cells_of(column: Any) -> np.ndarray:
    """Cells of one column: ``[n]`` float64, datetime64, or object with str and None.

    Args:
      column: ``[n]`` as DuckDB hands it over, masked where cells are missing.

    Example:
      >>> cells_of(np.ma.array([1, 2], mask=[False, True])).tolist()
      [1.0, nan]
    """
    mask = np.ma.getmaskarray(column) if isinstance(column, np.ma.MaskedArray) else None
    data = np.asarray(column)
    if data.dtype.kind in "biuf":
        data = data.astype(np.float64)
        return data if mask is None else np.where(mask, np.nan, data)
    if data.dtype.kind == "M":
        return data if mask is None else np.where(mask, np.datetime64("NaT"), data)
    cells = data.astype(object)
    if mask is not None:
        cells[mask] = None
    return cells
