"""A NumPy array in a file as a table."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from l2c_jax.io.dialect import generated_names
from l2c_jax.io.source import Source, TableError, TemporaryFolder


class ArrayTable:
    """An array ``[N, D]`` of numbers; see :class:`l2c_jax.io.reader.TableFile`.

    Args:
      source: a file ``.npy``.
      folder: its temporary folder, which is kept as long as this table.

    Raises:
      TableError: if it is no such array.
    """

    def __init__(self, source: Source, folder: TemporaryFolder) -> None:
        self._folder = folder
        self.name, self.notes, self.likely_decimal = source.name, source.notes, "."
        try:
            array: Any = np.load(source.path, mmap_mode="r")
        except (ValueError, EOFError, SyntaxError) as error:
            raise TableError(f"{source.name}: is no NumPy array ({error})") from error
        if getattr(array, "ndim", 0) != 2 or 0 in array.shape or array.dtype.kind not in "biuf":
            raise TableError(f"{source.name}: expected an array of numbers, rows by columns")
        self._array, self.rows = array, len(array)
        self.names = generated_names(array.shape[1])

    def columns(
        self, start: int, stop: int, only: Sequence[int] | None = None
    ) -> list[np.ndarray]:
        """Cells of consecutive rows, float64."""
        return list(np.asarray(self._array[start:stop], np.float64).T)

    def take(self, rows: np.ndarray) -> list[np.ndarray]:
        """Cells of the rows with these numbers, float64."""
        return list(np.asarray(self._array[rows], np.float64).T)

    def lines(self, start: int, stop: int, left_out: Sequence[str] = ()) -> list[str]:
        """The rows as lines of CSV, without the columns left out."""
        kept = [index for index, name in enumerate(self.names) if name not in left_out]
        part = np.asarray(self._array[start:stop])[:, kept]
        return [",".join(map(str, row)) for row in part]

    def place(self, row: int) -> str:
        """The number of a row, from 1."""
        return f"row {row + 1}"

    def checked(self, index: int) -> bool:
        """Nothing is known about the cells before they are read."""
        return False
