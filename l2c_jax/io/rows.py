"""Two tables with the same columns: rows with labels, and rows that are new."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from l2c_jax.io.dialect import ReadOptions, generated_names
from l2c_jax.io.reader import SNIFFED, open_table
from l2c_jax.io.source import TableError
from l2c_jax.io.tables import encoded_batches, labels_of, prepare, with_places
from l2c_jax.pairwise.discovery import Columns
from l2c_jax.preprocessing.column_options import CellError, ColumnChoiceError, ColumnOptions
from l2c_jax.preprocessing.encoder import detection_rows, encode
from l2c_jax.preprocessing.matching import detect_decimals, match_columns, unit_notes
from l2c_jax.preprocessing.numbers import Decimal


class LabeledRows(NamedTuple):
    """A table with a column of classes."""

    columns: Columns
    points: np.ndarray  # [M, D'] float64, numbers standardized beside indicators
    labels: np.ndarray  # [M] text


class NewRows(NamedTuple):
    """A table whose columns were found by name."""

    names: list[str]  # D
    cells: list[np.ndarray]  # D arrays [N]
    columns: Columns  # of the labeled table, with the places of its columns in this one
    points: np.ndarray  # [N, D'] float64, on the scale of the labeled rows
    notes: tuple[str, ...]  # about its columns, a line each


def read_labeled_rows(
    path: str | Path, options: ColumnOptions, read: ReadOptions = SNIFFED
) -> LabeledRows:
    """Read a table and fit how its columns become numbers.

    Args:
      path: of the file.
      options: what is known about its columns; the label column among it.
      read: what is known about its layout.

    Returns:
      The rows that have a label.

    Raises:
      TableError: if it is no usable table, or has no such label column.
    """
    prepared = prepare(open_table(path, read), options)
    file, encoder = prepared.file, prepared.encoder
    labels = labels_of(file, str(options.label_column), 0, file.rows)
    matrix = np.concatenate([part for _, _, part, _ in encoded_batches(prepared)])
    there = np.array([label is not None for label in labels], bool)
    by_position = file.names == generated_names(len(file.names))
    columns = Columns(encoder, prepared.roles, by_position)
    return LabeledRows(columns, encoder.scaled(matrix)[there], labels[there].astype(str))


def read_new_rows(
    path: str | Path,
    columns: Columns,
    read: ReadOptions = SNIFFED,
    *,
    decimal: Decimal | None = None,
) -> NewRows:
    """Read a further table; nothing is fitted to it.

    Args:
      path: of the file.
      columns: of the labeled table.
      read: what is known about its layout.
      decimal: the sign before the decimals, if it is known.

    Returns:
      All of its rows.

    Raises:
      TableError: if it is no usable table, lacks columns, or has cells that are no numbers in a
        column of numbers.
    """
    table = open_table(path, read)
    if not table.rows:
        raise TableError(f"{table.name}: has no rows")
    cells = table.columns(0, table.rows)
    few = detection_rows(table.rows, len(table.names))
    sample = [column[few] for column in cells]
    try:
        matched = match_columns(
            columns.encoder, columns.roles, table.names, by_position=columns.by_position
        )
        encoder = detect_decimals(matched.encoder, sample, decimal, table.likely_decimal)
        encoded = encode(encoder, cells)
    except CellError as error:
        raise with_places(table, error, list(error.rows)) from error
    except ColumnChoiceError as error:
        raise TableError(f"{table.name}: {error}") from error
    unseen = [
        f"{count} cells of column {name!r} have a level that the labeled table does not have"
        for name, count in encoded.unseen.items()
    ]
    notes = (*table.notes, *matched.notes, *unit_notes(encoder, sample), *unseen)
    here = Columns(encoder, matched.roles, columns.by_position)
    return NewRows(table.names, cells, here, encoder.scaled(encoded.matrix), notes)
