"""A file, what its columns are, and its rows as numbers."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from l2c_jax.io.dialect import ReadOptions
from l2c_jax.io.reader import SNIFFED, TableFile, batches, open_table
from l2c_jax.io.source import TableError
from l2c_jax.preprocessing.column_options import CellError, ColumnChoiceError, ColumnOptions
from l2c_jax.preprocessing.encoder import (
    Encoder,
    detection_rows,
    encode,
    fit_encoder,
)
from l2c_jax.preprocessing.levels import level_cells
from l2c_jax.preprocessing.roles import DETECTED, ColumnRole, detect_roles

SHOWN = 40
"""Columns that the table of roles lists, at most."""


class Prepared(NamedTuple):
    """A file whose columns are known."""

    file: TableFile
    roles: tuple[ColumnRole, ...]  # D
    encoder: Encoder


class Table(NamedTuple):
    """A whole table in memory."""

    prepared: Prepared
    numbers: np.ndarray  # [N, D'] float64, the encoded columns

    def labels(self, name: str) -> np.ndarray:
        """``[N]`` object, the cells of one column as text, None where missing.

        Raises:
          TableError: if there is no such column.
        """
        return labels_of(self.prepared.file, name, 0, self.prepared.file.rows)


def prepare(file: TableFile, options: ColumnOptions = DETECTED) -> Prepared:
    """Detect what the columns of a file are, and check the cells of those that are used.

    Args:
      file: from :func:`l2c_jax.io.reader.open_table`.
      options: what is known about the columns.

    Returns:
      The file with its roles and the encoder of its rows.

    Raises:
      TableError: if no column can be used, an option names a column that is not there, or a
        column of numbers has cells that are none; the message has their lines.
    """
    rows = detection_rows(file.rows, len(file.names))
    sample = file.take(rows)
    try:
        decimal = file.likely_decimal
        roles = detect_roles(file.names, sample, options, likely_decimal=decimal)
        encoder = fit_encoder(roles, sample)
    except CellError as error:
        raise with_places(file, error, [int(rows[row]) for row in error.rows]) from error
    except ColumnChoiceError as error:
        raise TableError(f"{file.name}: {error}") from error
    prepared = Prepared(file, roles, encoder)
    if len(rows) < file.rows:
        check_cells(prepared)
    return prepared


def encoded_batches(prepared: Prepared) -> Iterator[tuple[int, int, np.ndarray, dict[str, int]]]:
    """All rows as numbers.

    Args:
      prepared: from :func:`prepare`.

    Yields:
      Start and stop, the matrix ``[stop - start, D']``, and the cells of unseen levels.

    Raises:
      TableError: if a column of numbers has cells that are none.
    """
    file, encoder = prepared.file, prepared.encoder
    only = [column.index for column in encoder.columns]
    for start, stop in batches(file.rows, max(len(encoder.unit), len(file.names))):
        try:
            encoded = encode(encoder, file.columns(start, stop, only))
        except CellError as error:
            raise with_places(file, error, [start + row for row in error.rows]) from error
        yield start, stop, encoded.matrix, encoded.unseen


def read_table(
    path: str | Path,
    options: ColumnOptions = DETECTED,
    read: ReadOptions = SNIFFED,
) -> Table:
    """Read a whole file.

    Args:
      path: the file.
      options: what is known about its columns.
      read: what is known about its layout.

    Returns:
      The table.

    Raises:
      TableError: if it is no usable table.

    Example:
      >>> import tempfile
      >>> path = Path(tempfile.mkdtemp()) / "table.csv"
      >>> _ = path.write_text("height,name\\n1,oak\\n3,elm\\n4,ash\\n")
      >>> table = read_table(path)
      >>> table.numbers.tolist(), [(role.kind, role.used) for role in table.prepared.roles]
      ([[1.0], [3.0], [4.0]], [('number', True), ('identifier', False)])
    """
    prepared = prepare(open_table(path, read), options)
    parts = [matrix for _, _, matrix, _ in encoded_batches(prepared)]
    return Table(prepared, np.concatenate(parts))


def labels_of(file: TableFile, name: str, start: int, stop: int) -> np.ndarray:
    """``[stop - start]`` object, cells of a column as text, None where missing.

    Raises:
      TableError: if there is no such column.
    """
    if name not in file.names:
        raise TableError(
            f"{file.name}: no column {name!r}; the columns are {', '.join(file.names)}"
        )
    index = file.names.index(name)
    return level_cells(file.columns(start, stop, [index])[index])


def role_lines(prepared: Prepared) -> Iterator[str]:
    """The table "column, read as, used?, why", after what was done to the file.

    Args:
      prepared: from :func:`prepare`.

    Yields:
      Lines without line ends.
    """
    yield from prepared.file.notes
    encoded = {column.name: column for column in prepared.encoder.columns}
    cells = [("column", "read as", "used?", "why")]
    for role in prepared.roles[:SHOWN]:
        why, column = [role.why] if role.why else [], encoded.get(role.name)
        if column is not None and column.missing:
            fill = column.fill if isinstance(column.fill, str) else f"median {column.fill:.6g}"
            indicator = ", with an indicator" if column.has_indicator else ""
            why.append(f"{max(column.missing, 0.0001):.2%} missing, filled by {fill}{indicator}")
        name = role.name if len(role.name) <= 30 else f"{role.name[:29]}…"
        used = "yes" if role.used else "no"
        cells.append((name or "(no name)", role.kind, used, "; ".join(why)))
    widths = [max(len(row[i]) for row in cells) for i in range(3)]
    for row in cells:
        left = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False))
        yield " ".join(f"{left}  {row[3]}".splitlines()).rstrip()
    if len(prepared.roles) > SHOWN:
        rest = prepared.roles[SHOWN:]
        yield f"and {len(rest)} more columns, {sum(r.used for r in rest)} of them used"


def with_places(file: TableFile, error: CellError, rows: list[int]) -> TableError:
    """The error of a file, with the lines of its cells."""
    return TableError(f"{file.name}: {error.text([file.place(row) for row in rows])}")


def check_cells(prepared: Prepared) -> None:
    """Look at all rows, so that a file is refused before any output.

    Raises:
      TableError: if a column of numbers has cells that are none.
    """
    file, encoder = prepared.file, prepared.encoder
    columns = tuple(c for c in encoder.columns if not c.levels and not file.checked(c.index))
    if columns:
        less = encoder._replace(columns=columns, unit=np.zeros(len(columns), bool))
        for _ in encoded_batches(prepared._replace(encoder=less)):
            pass
