"""Files of tables, read in pieces: a file may be larger than the memory."""

import csv
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

ROWS = 65_536
"""Rows per piece."""


class TableError(ValueError):
    """A file that is no usable table; the message is one line and names the file."""


class Piece(NamedTuple):
    """Consecutive rows of a file."""

    columns: list[np.ndarray]  # [n] cells of each column, text or numbers
    lines: np.ndarray  # [n] int, line of each row in the file, from 1


class TableFile(NamedTuple):
    """A file whose beginning was read and is that of a table."""

    path: Path
    names: list[str]  # one per column, from the file or generated
    pieces: Callable[[], Iterator[Piece]]  # each call reads the file from its beginning


def open_table(path: str | Path) -> TableFile:
    """Determine the format of a file from its name and its beginning.

    ``.npy`` holds an array ``[N, D]``; ``.parquet`` needs pyarrow; any other file is text in
    UTF-8 with commas, semicolons or tabs. The first line of text is a header if none of its cells
    is a number.

    Args:
      path: the file.

    Returns:
      Names of the columns and an iterator over the rows, which raises a :class:`TableError` if
      the file turns out to be ragged or broken.

    Raises:
      TableError: if the file is missing, empty, or in none of these formats.

    Example:
      >>> import tempfile
      >>> file = Path(tempfile.mkdtemp()) / "table.csv"
      >>> _ = file.write_text("height,width\\n1,2\\n3,4\\n")
      >>> open_table(file).names
      ['height', 'width']
    """
    path = Path(path)
    if path.is_dir():
        raise TableError(f"{path}: is a folder, not a table")
    if not path.exists():
        raise TableError(f"{path}: no such file")
    readers = {".npy": _open_array, ".parquet": _open_parquet}
    try:
        return readers.get(path.suffix.lower(), _open_text)(path)
    except OSError as error:
        raise TableError(f"{path}: cannot be read ({error.strerror or error})") from error


def _generated_names(width: int) -> list[str]:
    return [f"column{index + 1}" for index in range(width)]


def _open_array(path: Path) -> TableFile:
    try:
        array: Any = np.load(path, mmap_mode="r")
    except (ValueError, EOFError) as error:
        raise TableError(f"{path}: is no NumPy array ({error})") from error
    if getattr(array, "ndim", 0) != 2 or 0 in array.shape or array.dtype.kind not in "biuf":
        raise TableError(f"{path}: expected an array of numbers, rows by columns")

    def pieces() -> Iterator[Piece]:
        for start in range(0, len(array), ROWS):
            part = np.asarray(array[start : start + ROWS])
            yield Piece(list(part.T), 1 + start + np.arange(len(part)))

    return TableFile(path, _generated_names(array.shape[1]), pieces)


def _open_parquet(path: Path) -> TableFile:
    import pyarrow as arrow
    from pyarrow import parquet

    try:
        names = parquet.ParquetFile(path).schema_arrow.names
    except arrow.ArrowInvalid as error:
        raise TableError(f"{path}: is no Parquet file ({error})") from error

    def pieces() -> Iterator[Piece]:
        start = 0
        for batch in parquet.ParquetFile(path).iter_batches(batch_size=ROWS):
            columns = [column.to_numpy(zero_copy_only=False) for column in batch.columns]
            yield Piece(columns, 1 + start + np.arange(len(batch)))
            start += len(batch)

    return TableFile(path, names, pieces)


def _open_text(path: Path) -> TableFile:
    with path.open(encoding="utf-8-sig", newline="") as text:
        first = next(_full_lines(path, text), None)
    if first is None:
        raise TableError(f"{path}: is empty")
    delimiter = max(",;\t", key=first.count)

    def rows() -> Iterator[tuple[int, list[str]]]:
        with path.open(encoding="utf-8-sig", newline="") as text:
            reader = csv.reader(_lines(path, text), delimiter=delimiter, strict=True)
            try:
                for row in reader:
                    cells = [cell.strip() for cell in row]
                    if cells and cells != [""]:
                        yield reader.line_num, cells
            except csv.Error as error:
                raise TableError(f"{path}: is not a CSV table ({error})") from error

    top = next(rows())[1]
    header = not any(_is_number(cell) for cell in top)

    def pieces() -> Iterator[Piece]:
        body = rows()
        if header:
            next(body)
        while part := list(islice(body, ROWS)):
            for line, cells in part:
                if len(cells) != len(top):
                    raise TableError(
                        f"{path}: line {line} has {len(cells)} cells, "
                        f"the first line has {len(top)}"
                    )
            columns = zip(*(cells for _, cells in part), strict=True)
            lines = np.array([line for line, _ in part])
            yield Piece([np.array(column) for column in columns], lines)

    return TableFile(path, top if header else _generated_names(len(top)), pieces)


def _lines(path: Path, text: Any) -> Iterator[str]:
    try:
        for line in text:
            if "\0" in line:
                raise TableError(f"{path}: holds binary data, so is not a CSV table")
            yield line
    except UnicodeDecodeError as error:
        raise TableError(f"{path}: is not text in UTF-8, so not a CSV table") from error


def _full_lines(path: Path, text: Any) -> Iterator[str]:
    return (line for line in _lines(path, text) if line.strip())


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return cell.lower() in {"nan", "inf"}
    return True
