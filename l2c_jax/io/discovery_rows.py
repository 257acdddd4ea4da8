"""The rows that the page of a discovery shows, and what sets their clusters apart."""

import numpy as np

from l2c_jax.io.rows import NewRows
from l2c_jax.preprocessing.encoder import EncodedColumn, cell_values
from l2c_jax.report import Items, profile_sentences, shown_items
from l2c_jax.report.sentences import date, number
from l2c_jax.tabular.profile import cluster_profiles

SHOWN_COLUMNS, CELL = 8, 40


def row_items(rows: NewRows, probabilities: np.ndarray) -> Items:
    """The rows that a page shows, with the columns that differ most between clusters.

    Args:
      rows: of the new table.
      probabilities: ``[N, k]``.
    """
    columns = rows.columns.encoder.columns
    profiles = cluster_profiles(columns, rows.cells, probabilities, np.zeros(len(probabilities)))
    largest: dict[str, float] = {}
    for profile in profiles:
        for one in profile.differences:
            largest[one.column] = max(largest.get(one.column, 0.0), abs(one.difference))
    keys = sorted(columns, key=lambda column: -largest.get(column.name, 0.0))[:SHOWN_COLUMNS]
    wanted = [int(at) for pair in shown_items(probabilities) for part in pair for at in part]
    return Items(
        "row",
        [str(at + 1) for at in range(len(probabilities))],
        {},
        {at: [_text(column, rows.cells[column.index], at) for column in keys] for at in wanted},
        [column.name for column in keys],
        [(profile, profile_sentences(profile)) for profile in profiles],
    )


def _text(column: EncodedColumn, cells: np.ndarray, at: int) -> str:
    if not column.levels:
        value = float(cell_values(column, cells[at : at + 1])[0])
        return date(value) if column.kind == "date" else number(value, digits=6)
    cell = cells[at]
    text = "" if cell is None or cell != cell else str(cell)
    return text if len(text) <= CELL else f"{text[: CELL - 1]}…"
