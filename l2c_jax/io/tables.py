"""Tables of numbers from files, with messages that name the line and the column at fault."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from l2c_jax.io.files import Piece, TableError, TableFile, open_table

_MISSING = {"", "na", "n/a", "nan", "null", "none", "?"}


class Table(NamedTuple):
    """A whole table as it was read."""

    names: list[str]  # one per column, from the file or generated
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
    """Columns and a sample of a file, from one pass over its pieces."""

    rows: int
    numeric: list[int]  # indices of the columns of numbers
    dropped: list[str]  # names of the other columns
    sample: np.ndarray  # [S, D] float64, numeric columns of random rows in the file's order


class _Sample:
    """A uniform random sample of rows: those of the smallest of independent random priorities."""

    def __init__(self, size: int, width: int, seed: int) -> None:
        self._size, self._rng = size, np.random.default_rng(seed)
        self._priorities = np.zeros(0)
        self.rows = np.zeros((0, width))

    def extend(self, rows: np.ndarray) -> None:
        priorities = np.concatenate([self._priorities, self._rng.random(len(rows))])
        rows = np.concatenate([self.rows, rows])
        if len(priorities) > self._size:
            best = np.sort(np.argpartition(priorities, self._size - 1)[: self._size])
            priorities, rows = priorities[best], rows[best]
        self._priorities, self.rows = priorities, rows


def scan(file: TableFile, ignore: str | None, sample: int, seed: int) -> Scan:
    """Read a whole file once: which columns hold numbers, and a random sample of the rows.

    Columns with a cell that is neither a number nor missing are dropped.

    Args:
      file: from :func:`open_table`.
      ignore: a column not to read as numbers, such as labels.
      sample: S, rows kept at most.
      seed: of the sample.

    Returns:
      Number of rows, columns, sample.

    Raises:
      TableError: if there is no row or no numeric column, or a numeric column has a missing or
        infinite number.
    """
    _check_column(file, ignore)
    width, rows = len(file.names), 0
    kept = _Sample(sample, width, seed)
    is_number, has_number = np.ones(width, bool), np.zeros(width, bool)
    if ignore is not None:
        is_number[file.names.index(ignore)] = False
    bad: dict[int, str] = {}
    for piece in file.pieces():
        numbers = np.full((len(piece.lines), width), np.nan)
        for index in np.flatnonzero(is_number).tolist():
            column = numbers_of(piece.columns[index])
            if column is None:
                is_number[index] = False
                continue
            numbers[:, index] = column
            has_number[index] |= not np.isnan(column).all()
            if index not in bad and not np.isfinite(column).all():
                bad[index] = _complaint(file, piece, index, column)
        kept.extend(numbers)
        rows += len(piece.lines)
    if not rows:
        raise TableError(f"{file.path}: has a header but no rows")
    used = np.flatnonzero(is_number & has_number)
    if not used.size:
        raise TableError(f"{file.path}: no numeric column among {', '.join(file.names)}")
    for index in used.tolist():
        if index in bad:
            raise TableError(f"{file.path}: {bad[index]}")
    dropped = [
        name for index, name in enumerate(file.names) if index not in used and name != ignore
    ]
    return Scan(rows, used.tolist(), dropped, kept.rows[:, used])


def _check_column(file: TableFile, name: str | None) -> None:
    if name is not None and name not in file.names:
        raise TableError(
            f"{file.path}: no column {name!r}; the columns are {', '.join(file.names)}"
        )


def _complaint(file: TableFile, piece: Piece, index: int, column: np.ndarray) -> str:
    """A message on the first cell of a column that is not finite."""
    row = int(np.flatnonzero(~np.isfinite(column))[0])
    return (
        f"line {piece.lines[row]}, column {file.names[index]!r}: "
        f"{str(piece.columns[index][row])!r} is not a finite number; "
        "fill or remove such rows"
    )


def numeric_pieces(file: TableFile, numeric: list[int]) -> Iterator[tuple[Piece, np.ndarray]]:
    """The pieces of a file with their numbers, after :func:`scan`.

    Args:
      file: from :func:`open_table`.
      numeric: indices of D columns, from :func:`scan`.

    Yields:
      Each piece with its numbers, ``[n, D]`` float64.

    Raises:
      TableError: if the file turns out to be ragged or broken.
    """
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

    Example:
      >>> import tempfile
      >>> path = Path(tempfile.mkdtemp()) / "table.csv"
      >>> _ = path.write_text("height,name\\n1,oak\\n3,elm\\n")
      >>> table = read_table(path)
      >>> table.numeric, table.numbers.tolist(), table.dropped
      (['height'], [[1.0], [3.0]], ['name'])
    """
    file = open_table(path)
    found = scan(file, ignore, sample=1, seed=0)
    pieces, numbers = zip(*numeric_pieces(file, found.numeric), strict=True)
    columns = [
        np.concatenate([piece.columns[index] for piece in pieces])
        for index in range(len(file.names))
    ]
    numeric = [file.names[index] for index in found.numeric]
    return Table(file.names, columns, np.concatenate(numbers), numeric, found.dropped)


def numbers_of(cells: np.ndarray) -> np.ndarray | None:
    """Cells as numbers.

    Args:
      cells: ``[N]`` text or numbers.

    Returns:
      ``[N]`` float64, NaN where a cell is missing; ``None`` if a cell is neither.

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


def _number(cell: object) -> float | None:
    """The number in a cell, NaN for a missing one, None for anything else."""
    text = str(cell).strip()
    if text.lower() in _MISSING:
        return math.nan
    try:
        return float(text)
    except ValueError:
        return None
