"""Reading a person's table, piece by piece, and saying plainly what is wrong with it."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from l2c_jax.io.files import Piece, TableError, TableFile, open_table

_MISSING = {"", "na", "n/a", "nan", "null", "none", "?"}


class Table(NamedTuple):
    """A table as it was read, all of it."""

    names: list[str]  # one per column, of the file or made up
    columns: list[np.ndarray]  # [N] cells of each, text or numbers
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
        return self.columns[self.names.index(name)].astype(str)


class Scan(NamedTuple):
    """What one look at all pieces of a file tells."""

    rows: int
    numeric: list[int]  # which columns are numbers
    dropped: list[str]  # names of the columns that are not
    sample: np.ndarray  # [S, D] float64, numeric columns of random rows in the file's order


def scan(file: TableFile, ignore: str | None, sample: int, seed: int) -> Scan:
    """Look at a whole file once: which columns are numbers, and a random sample of the rows.

    Columns of numbers are used; columns that hold anything else are dropped.

    Args:
      file: from :func:`open_table`.
      ignore: a column not to read as numbers, such as labels.
      sample: S, rows kept at most.
      seed: of the sample.

    Returns:
      What was seen.

    Raises:
      TableError: if there is no numeric column, or one has a missing or infinite number.
    """
    if ignore is not None and ignore not in file.names:
        raise TableError(
            f"{file.path}: no column {ignore!r}; the columns are {', '.join(file.names)}"
        )
    width, rng, rows = len(file.names), np.random.default_rng(seed), 0
    is_number, has_number = np.ones(width, bool), np.zeros(width, bool)
    if ignore is not None:
        is_number[file.names.index(ignore)] = False
    bad: dict[int, str] = {}
    kept, places, lots = np.zeros((0, width)), np.zeros(0, np.int64), np.zeros(0)
    for piece in file.pieces():
        count = len(piece.lines)
        numbers = np.full((count, width), np.nan)
        for index in np.flatnonzero(is_number).tolist():
            column = numbers_of(piece.columns[index])
            if column is None:
                is_number[index] = False
                continue
            numbers[:, index] = column
            finite = np.isfinite(column)
            has_number[index] |= not np.isnan(column).all()
            if not finite.all() and index not in bad:
                row = int(np.flatnonzero(~finite)[0])
                bad[index] = (
                    f"line {piece.lines[row]}, column {file.names[index]!r}: "
                    f"{str(piece.columns[index][row])!r} is not a finite number; "
                    "fill or remove such rows"
                )
        lots = np.concatenate([lots, rng.random(count)])
        places = np.concatenate([places, rows + np.arange(count)])
        kept = np.concatenate([kept, numbers])
        if len(lots) > sample:
            best = np.sort(np.argpartition(lots, sample - 1)[:sample])
            lots, places, kept = lots[best], places[best], kept[best]
        rows += count
    if not rows:
        raise TableError(f"{file.path}: has a header but no rows")
    used = np.flatnonzero(is_number & has_number)
    if not used.size:
        raise TableError(f"{file.path}: no numeric column among {', '.join(file.names)}")
    for index in used.tolist():
        if index in bad:
            raise TableError(f"{file.path}: {bad[index]}")
    dropped = [
        name
        for index, name in enumerate(file.names)
        if index not in used and (ignore is None or name != ignore)
    ]
    return Scan(rows, used.tolist(), dropped, kept[:, used])


def numeric_pieces(file: TableFile, numeric: list[int]) -> Iterator[tuple[Piece, np.ndarray]]:
    """The pieces of a file with their numbers ``[n, D]``, after :func:`scan`."""
    for piece in file.pieces():
        columns = [numbers_of(piece.columns[index]) for index in numeric]
        yield piece, np.stack([column for column in columns if column is not None], axis=1)


def read_table(path: str | Path, ignore: str | None = None) -> Table:
    """Read a whole file; see :func:`open_table` for its formats.

    Args:
      path: the file.
      ignore: a column not to read as numbers, such as labels.

    Returns:
      The table.

    Raises:
      TableError: if the file is missing, in no known format, empty, ragged, without a numeric
        column, or has a missing or infinite number.
    """
    file = open_table(path)
    seen = scan(file, ignore, sample=1, seed=0)
    pieces, numbers = zip(*numeric_pieces(file, seen.numeric), strict=True)
    columns = [
        np.concatenate([piece.columns[index] for piece in pieces])
        for index in range(len(file.names))
    ]
    numeric = [file.names[index] for index in seen.numeric]
    return Table(file.names, columns, np.concatenate(numbers), numeric, seen.dropped)


def numbers_of(cells: np.ndarray) -> np.ndarray | None:
    """Cells as float64, NaN for missing ones; ``None`` if a cell is no number.

    Example:
      >>> numbers_of(np.array(["1", "?", "2e3"])).tolist()
      [1.0, nan, 2000.0]
      >>> numbers_of(np.array(["1", "red"])) is None
      True
    """
    if cells.dtype.kind in "biuf":
        return cells.astype(np.float64)
    try:
        return cells.astype(np.float64)
    except (TypeError, ValueError):
        found = [_number(cell) for cell in cells]
        return None if None in found else np.array(found, np.float64)


def standardised(points: np.ndarray) -> np.ndarray:
    """Every column with mean 0 and standard deviation 1; constant columns become 0."""
    deviation = points.std(axis=0)
    return (points - points.mean(axis=0)) / np.where(deviation > 0, deviation, 1)


def _number(cell: object) -> float | None:
    """The number in a cell, NaN for a missing one, None for anything else."""
    text = str(cell).strip()
    if text.lower() in _MISSING:
        return math.nan
    try:
        return float(text)
    except ValueError:
        return None
