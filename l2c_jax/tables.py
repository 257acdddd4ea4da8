"""Reading a person's table, and saying plainly what is wrong with it."""

import csv
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np

_MISSING = {"", "na", "n/a", "nan", "null", "none", "?"}


class TableError(ValueError):
    """A file that is no usable table; the message is one line for the person who gave it."""


class Table(NamedTuple):
    """A table as it was read."""

    names: list[str]  # one per column, of the file or made up
    rows: list[list[str]]  # cells as text, every row of the same length
    numbers: np.ndarray  # [N, D] float64, the numeric columns
    numeric: list[str]  # D names of the numeric columns
    dropped: list[str]  # names of the columns that are not numbers

    def column(self, name: str) -> np.ndarray:
        """``[N]`` strings, the cells of one column.

        Raises:
          TableError: if there is no such column.
        """
        if name not in self.names:
            raise TableError(f"no column {name!r}; the columns are {', '.join(self.names)}")
        index = self.names.index(name)
        return np.array([row[index] for row in self.rows])


def read_table(path: str | Path, ignore: str | None = None) -> Table:
    """Read a CSV file: comma, semicolon or tab; with or without a header line.

    The first line is a header if no cell of it is a number. Columns of numbers are used; columns
    that hold anything else are dropped, and named in the result.

    Args:
      path: the file, UTF-8.
      ignore: a column not to read as numbers, such as labels.

    Returns:
      The table.

    Raises:
      TableError: if the file is missing, no text, empty, ragged, without a numeric column, or has
        a missing or infinite number.
    """
    path = Path(path)
    names, rows, first = _split(path)
    if ignore is not None and ignore not in names:
        raise TableError(f"{path}: no column {ignore!r}; the columns are {', '.join(names)}")
    columns, numeric, dropped = [], [], []
    for name, cells in zip(names, zip(*rows, strict=True), strict=True):
        if name == ignore:
            continue
        values = [_number(cell) for cell in cells]
        if None in values or all(value is not None and math.isnan(value) for value in values):
            dropped.append(name)
            continue
        column = np.array(values, np.float64)
        bad = np.flatnonzero(~np.isfinite(column))
        if bad.size:
            raise TableError(
                f"{path}: line {first + int(bad[0])}, column {name!r}: "
                f"{cells[bad[0]]!r} is not a finite number; fill or remove such rows"
            )
        columns.append(column)
        numeric.append(name)
    if not columns:
        raise TableError(f"{path}: no numeric column among {', '.join(names)}")
    return Table(names, rows, np.stack(columns, axis=1), numeric, dropped)


def standardised(points: np.ndarray) -> np.ndarray:
    """Every column with mean 0 and standard deviation 1; constant columns become 0."""
    deviation = points.std(axis=0)
    return (points - points.mean(axis=0)) / np.where(deviation > 0, deviation, 1)


def _split(path: Path) -> tuple[list[str], list[list[str]], int]:
    """Column names, rows of cells, and the line number of the first row."""
    if path.is_dir():
        raise TableError(f"{path}: is a folder, not a table")
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError as error:
        raise TableError(f"{path}: no such file") from error
    except OSError as error:
        raise TableError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise TableError(f"{path}: is not text in UTF-8, so not a CSV table") from error
    if "\0" in text:
        raise TableError(f"{path}: holds binary data, so is not a CSV table")
    lines = [(n, line) for n, line in enumerate(text.splitlines(), 1) if line.strip()]
    if not lines:
        raise TableError(f"{path}: is empty")
    delimiter = max(",;\t", key=lines[0][1].count)
    try:
        cells = [
            (n, [cell.strip() for cell in row])
            for (n, _), row in zip(
                lines,
                csv.reader([line for _, line in lines], delimiter=delimiter, strict=True),
                strict=True,
            )
        ]
    except (csv.Error, ValueError) as error:
        raise TableError(f"{path}: is not a CSV table ({error})") from error
    width = len(cells[0][1])
    for number, row in cells:
        if len(row) != width:
            raise TableError(
                f"{path}: line {number} has {len(row)} cells, the first line has {width}"
            )
    header = [_number(cell) is None for cell in cells[0][1]]
    if all(header):
        names, cells = cells[0][1], cells[1:]
    else:
        names = [f"column{index + 1}" for index in range(width)]
    if not cells:
        raise TableError(f"{path}: has a header but no rows")
    return names, [row for _, row in cells], cells[0][0]


def _number(cell: str) -> float | None:
    """The number in a cell, NaN for a missing one, None for anything else."""
    if cell.lower() in _MISSING:
        return math.nan
    try:
        return float(cell)
    except ValueError:
        return None
