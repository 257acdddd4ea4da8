"""Tables from files of any format, whose rows can be taken again and again."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from l2c_jax.io.arrays import ArrayTable
from l2c_jax.io.database import DatabaseTable
from l2c_jax.io.dialect import ReadOptions
from l2c_jax.io.source import TableError, TemporaryFolder, open_source

SNIFFED = ReadOptions()
ROWS = 65_536
"""Rows that are in memory at a time, at most."""
CELLS = 4_000_000
"""Cells that are in memory at a time."""


class TableFile(Protocol):
    """A table whose rows can be taken again and again."""

    name: str  # as the person gave it
    names: list[str]  # D
    rows: int  # N
    notes: tuple[str, ...]  # what was done to the file, a line each
    likely_decimal: Any  # "." or ",", or None where nothing tells

    def columns(
        self, start: int, stop: int, only: Sequence[int] | None = None
    ) -> list[np.ndarray]:
        """Cells of consecutive rows: float64, datetime64, or object with str and None.

        D arrays, of which those that are not among ``only`` are empty.
        """

    def take(self, rows: np.ndarray) -> list[np.ndarray]:
        """Cells of the rows with these numbers, which ascend."""

    def lines(self, start: int, stop: int, left_out: Sequence[str] = ()) -> list[str]:
        """The rows as lines of CSV, without the columns left out."""

    def place(self, row: int) -> str:
        """Where a row is in the file, for messages."""

    def checked(self, index: int) -> bool:
        """Whether all cells of a column are known to be finite numbers or missing."""


def open_table(path: str | Path, options: ReadOptions = SNIFFED) -> TableFile:
    """Open a table of any format.

    CSV and its relatives, JSON lines, Parquet, NumPy arrays; also compressed by gzip, bzip2, xz
    or zip, and from pipes.

    Args:
      path: the file, or ``-`` for standard input.
      options: what is known about it.

    Returns:
      The table. Its temporary folder is removed with it.

    Raises:
      TableError: if it is no table; the message names the line where there is one.

    Example:
      >>> import tempfile
      >>> folder = Path(tempfile.mkdtemp())
      >>> _ = (folder / "table.csv").write_text("height;name\\n1,5;oak\\n3;elm\\n")
      >>> table = open_table(folder / "table.csv")
      >>> table.names, table.rows, [column.tolist() for column in table.columns(0, 2)]
      (['height', 'name'], 2, [['1,5', '3'], ['oak', 'elm']])
    """
    folder = TemporaryFolder()
    source = open_source(path, folder.path, options.encoding)
    if source.kind == "npy":
        if options.query is not None:
            raise TableError(f"{source.name}: a query needs a table with names, not an array")
        return ArrayTable(source, folder)
    return DatabaseTable(source, folder, options)


def batches(rows: int, width: int) -> Iterator[tuple[int, int]]:
    """``(start, stop)`` of at most :data:`ROWS` rows each, fewer of a wide table.

    Example:
      >>> list(batches(3, 2))
      [(0, 3)]
    """
    size = max(256, min(ROWS, CELLS // max(width, 1)))
    for start in range(0, rows, size):
        yield start, min(rows, start + size)
