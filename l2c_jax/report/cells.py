"""Cells of the table as the page shows them, and why a row is far from the others."""

from collections.abc import Sequence

import numpy as np

from l2c_jax.preprocessing.encoder import cell_values
from l2c_jax.preprocessing.principal import scale_columns
from l2c_jax.report.sentences import date, number, percent
from l2c_jax.tabular.fitted_model import FittedModel
from l2c_jax.tabular.outliers import Surroundings
from l2c_jax.tabular.profile import ClusterProfile

KEY_COLUMNS, REASONS = 6, 3
CELL = 40
"""Characters of a cell that are shown."""


def key_columns(model: FittedModel, profiles: Sequence[ClusterProfile]) -> list[int]:
    """Places of an identifier, if there is one, and of the columns that differ most.

    Args:
      model: fitted.
      profiles: of the clusters that are compared.
    """
    largest: dict[str, float] = {}
    for profile in profiles:
        for one in profile.differences:
            largest[one.column] = max(largest.get(one.column, 0.0), abs(one.difference))
    ranked = sorted(model.encoder.columns, key=lambda c: -largest.get(c.name, 0.0))[:KEY_COLUMNS]
    names = [i for i, role in enumerate(model.roles) if role.kind == "identifier"][:1]
    return [*names, *(column.index for column in ranked)]


def far_columns(
    model: FittedModel,
    around: Surroundings,
    sample: tuple[list[np.ndarray], np.ndarray],
    cells: list[np.ndarray],
    place: int,
) -> list[str]:
    """The columns in which a row lies farthest from the middle of the table, in words.

    Args:
      model: fitted.
      around: what outlier scores are computed from.
      sample: of the table: its cells, D arrays ``[S]``, and its points ``[S, D']``.
      cells: D arrays ``[n]`` of some rows.
      place: of the row among them.
    """
    usual, points = sample
    middle = np.median(scale_columns(around.scaling, points), axis=0)
    row = model.points([column[place : place + 1] for column in cells])
    apart = scale_columns(around.scaling, row)[0] - middle
    largest = np.abs(apart).max()
    owners = [c for c in model.encoder.columns for _ in c.features]
    said: dict[str, str] = {}
    for feature in np.argsort(-np.abs(apart), kind="stable")[:6]:
        column = owners[feature]
        if (
            abs(apart[feature]) < max(2, 0.1 * largest)
            or column.name in said
            or len(said) == REASONS
        ):
            continue
        cell = cell_text(model, cells, column.index, place) or "missing"
        values = cell_values(column, usual[column.index])
        if column.levels:
            at = cell_values(column, cells[column.index][place : place + 1])[0]
            compared = f"{percent(float((values == at).mean()))} of all rows"
        else:
            show = date if column.kind == "date" else number
            low, high = np.nanquantile(values, [0.05, 0.95])
            compared = f"nine of ten rows: {show(float(low))} to {show(float(high))}"
        said[column.name] = f"{column.name} is {cell} ({compared})"
    return list(said.values())


def cell_text(model: FittedModel, cells: Sequence[np.ndarray], index: int, place: int) -> str:
    """A cell as text, not too long.

    Args:
      model: fitted.
      cells: D arrays ``[n]`` of some rows.
      index: of the column.
      place: of the row.
    """
    column = next((c for c in model.encoder.columns if c.index == index), None)
    if column is not None and not column.levels:
        value = float(cell_values(column, cells[index][place : place + 1])[0])
        return date(value) if column.kind == "date" else number(value, digits=6)
    cell = cells[index][place]
    if cell is None or cell != cell:
        return ""
    text = number(cell, digits=6) if isinstance(cell, float) else str(cell)
    return text if len(text) <= CELL else f"{text[: CELL - 1]}…"
