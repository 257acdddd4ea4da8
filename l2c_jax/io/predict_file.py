"""A further file of rows, labelled with a fitted model."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from l2c_jax.io.dialect import ReadOptions
from l2c_jax.io.label_file import (
    FittedFile,
    LabelRequest,
    LabelSummary,
    score_lines,
    size_line,
)
from l2c_jax.io.reader import SNIFFED, open_table
from l2c_jax.io.source import TableError
from l2c_jax.io.tables import Prepared, check_cells, with_places
from l2c_jax.preprocessing.column_options import CellError, ColumnChoiceError, ColumnOptions
from l2c_jax.preprocessing.encoder import detection_rows
from l2c_jax.preprocessing.matching import detect_decimals, match_columns, unit_notes
from l2c_jax.preprocessing.numbers import Decimal
from l2c_jax.tabular.clusterer import TabularConfig
from l2c_jax.tabular.fitted_model import FittedModel


class MatchedFile(NamedTuple):
    """A file whose columns are those of a model."""

    file: FittedFile  # for l2c_jax.io.label_file.write_labels
    notes: tuple[str, ...]  # about its columns, a line each


def match_file(
    model: FittedModel,
    path: Path | str,
    read: ReadOptions = SNIFFED,
    *,
    decimal: Decimal | None = None,
    label_column: str | None = None,
) -> MatchedFile:
    """Find the columns of a model in a file, by name, and check their cells.

    Args:
      model: fitted.
      path: of the file.
      read: what is known about its layout.
      decimal: the sign before the decimals, if it is known.
      label_column: with true labels.

    Returns:
      The file, for :func:`l2c_jax.io.label_file.write_labels`.

    Raises:
      TableError: if it is no usable table, lacks columns, or has cells that are no numbers in a
        column of numbers.
    """
    table = open_table(path, read)
    rows = detection_rows(table.rows, len(table.names))
    sample = table.take(rows)
    try:
        matched = match_columns(
            model.encoder, model.roles, table.names, by_position=model.by_position
        )
        encoder = detect_decimals(matched.encoder, sample, decimal, table.likely_decimal)
        notes = (*table.notes, *matched.notes, *unit_notes(encoder, sample))
    except CellError as error:
        raise with_places(table, error, [int(rows[row]) for row in error.rows]) from error
    except ColumnChoiceError as error:
        raise TableError(f"{table.name}: {error}") from error
    prepared = Prepared(table, matched.roles, encoder)
    if len(rows) < table.rows:
        check_cells(prepared)
    request = LabelRequest(
        path,
        num_clusters=model.num_clusters,
        columns=ColumnOptions(label_column=label_column),
        read=read,
        config=TabularConfig(standardize=model.standardize),
    )
    nothing = np.zeros((0, len(encoder.unit)))
    return MatchedFile(FittedFile(request, prepared, model.fitted, nothing, model.used), notes)


def prediction_lines(matched: MatchedFile, summary: LabelSummary) -> Iterator[str]:
    """What a person should know about the columns, and the sizes of the clusters, a line each.

    Args:
      matched: from :func:`match_file`.
      summary: from :func:`l2c_jax.io.label_file.write_labels`.

    Yields:
      Lines without line ends.
    """
    yield from matched.notes
    for name, count in summary.unseen.items():
        yield f"{count} cells of column {name!r} have a level that the model does not know"
    yield size_line(matched.file, summary)
    if matched.file.request.columns.label_column is not None:
        yield from score_lines(matched.file, summary)
