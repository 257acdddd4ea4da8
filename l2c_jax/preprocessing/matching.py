"""The columns of a further table, for an encoder that was fitted on another one."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from l2c_jax.preprocessing.column_options import ColumnChoiceError
from l2c_jax.preprocessing.encoder import Encoder, cell_values
from l2c_jax.preprocessing.numbers import Decimal, parse_numbers
from l2c_jax.preprocessing.roles import ColumnRole, earlier_answers, file_decimal

FAR = 8.0
"""A column with most of its values so many standard deviations from the mean of the fitted table
is reported: its unit may be another one."""


class Matched(NamedTuple):
    """An encoder for the columns of a further table."""

    encoder: Encoder  # whose columns have their places in that table
    roles: tuple[ColumnRole, ...]  # of the columns of that table
    notes: tuple[str, ...]  # what a person should know, a line each


def match_columns(
    encoder: Encoder,
    roles: Sequence[ColumnRole],
    names: Sequence[str],
    *,
    by_position: bool = False,
) -> Matched:
    """Find the columns that an encoder needs, by name.

    Args:
      encoder: fitted on a table with the columns of ``roles``.
      roles: D, of that table.
      names: of the columns of the further table, in any order; others may be among them.
      by_position: whether the columns of the fitted table have no names; then those of a table
        with as many columns are taken in order, but for an earlier answer.

    Returns:
      The encoder with the places of the columns there.

    Raises:
      ColumnChoiceError: if columns that are used are missing; the message has their names.

    Example:
      >>> from l2c_jax.preprocessing import detect_roles, encode, fit_encoder
      >>> cells = [np.array([1.0, 2.0, 4.0]), np.array([5.0, 5.5, 9.0])]
      >>> roles = detect_roles(["a", "b"], cells)
      >>> matched = match_columns(fit_encoder(roles, cells), roles, ["b", "c", "a"])
      >>> encode(matched.encoder, [np.array([7.0]), np.array([0.0]), np.array([3.0])]).matrix
      array([[3., 7.]])
      >>> matched.notes
      ("the model does not know the column 'c', which is ignored",)
    """
    old = earlier_answers(names)
    here = [index for index, name in enumerate(names) if name not in old]
    notes: list[str] = []
    needed = {roles[column.index].name for column in encoder.columns}
    if by_position and not needed <= set(names):
        if len(here) != len(roles):
            raise ColumnChoiceError(
                f"has {len(here)} columns; the model was fitted on {len(roles)} without names"
            )
        places: dict[int, int] = dict(enumerate(here))
        notes.append("the model has no names of columns: they are taken in order")
    else:
        places = _by_name([role.name for role in roles], names)
        lost = [column.name for column in encoder.columns if column.index not in places]
        if lost:
            raise ColumnChoiceError(
                f"lacks {_listed('column', lost)}, which the model needs; it has "
                f"{', '.join(map(repr, names[:20]))}"
            )
        more = [names[index] for index in here if index not in set(places.values())]
        if more:
            verb = "is" if len(more) == 1 else "are"
            notes.append(f"the model does not know the {_listed('column', more)}, which {verb} "
                         "ignored")  # fmt: skip
    columns = tuple(replace(c, index=places[c.index]) for c in encoder.columns)
    known = {place: roles[index] for index, place in places.items()}
    found = tuple(
        old.get(name)
        or replace(known.get(index, ColumnRole(name, "text", False, "not known")), name=name)
        for index, name in enumerate(names)
    )
    return Matched(encoder._replace(columns=columns), found, tuple(notes))


def detect_decimals(
    encoder: Encoder,
    cells: Sequence[np.ndarray],
    decimal: Decimal | None = None,
    likely: Decimal | None = ".",
) -> Encoder:
    """The encoder for the decimal signs of a further table.

    Args:
      encoder: from :func:`match_columns`.
      cells: D arrays ``[S]``, a sample of the further table.
      decimal: the sign, if it is known.
      likely: the sign where the cells of no column tell; ``None``: refuse such a column.

    Returns:
      The encoder, whose columns of numbers have the signs of these cells.

    Raises:
      ColumnChoiceError: if a column of numbers holds dates, or can be read in two ways.
    """
    text = [column for column in encoder.columns
            if not column.levels and column.kind != "date"
            and cells[column.index].dtype == object]  # fmt: skip
    for column in encoder.columns:
        if not column.levels and column.kind != "date" and cells[column.index].dtype.kind == "M":
            raise ColumnChoiceError(f"column {column.name!r} holds dates, the model has numbers")
    parsed = {column.index: parse_numbers(cells[column.index], decimal) for column in text}
    sign = decimal or file_decimal(list(parsed.values())) or likely
    columns = []
    for column in encoder.columns:
        found = parsed.get(column.index)
        if found is None:
            columns.append(column)
        elif found.other is None or found.decimal == sign:
            columns.append(replace(column, decimal=found.decimal))
        elif sign is not None:
            columns.append(replace(column, decimal=sign))
        else:
            raise ColumnChoiceError(
                f"column {column.name!r} can be read with either decimal sign; say which with "
                "the decimal sign '.' or ','"
            )
    return encoder._replace(columns=tuple(columns))


def unit_notes(encoder: Encoder, cells: Sequence[np.ndarray]) -> list[str]:
    """What to ask about columns whose values are far from those of the fitted table.

    Args:
      encoder: from :func:`match_columns`.
      cells: D arrays ``[S]``, a sample of the further table.

    Returns:
      A line for each such column.
    """
    notes, start = [], 0
    for column in encoder.columns:
        shift, scale = encoder.shift[start], encoder.scale[start]
        start += len(column.features)
        if column.levels:
            continue
        values = cell_values(column, cells[column.index])
        values = values[~np.isnan(values)]
        far = np.abs(values / scale - shift / scale) > FAR
        if values.size and far.mean() > 0.5:
            notes.append(
                f"{far.mean():.0%} of column {column.name!r} are more than {FAR:g} standard "
                f"deviations from its mean in the fitted table, {shift:.4g}: is the unit the same?"
            )
    return notes


def _by_name(wanted: Sequence[str], names: Sequence[str]) -> dict[int, int]:
    """Places of the columns; of columns with one name, the first is the first."""
    places = defaultdict(list)
    for index, name in enumerate(names):
        places[name].append(index)
    return {index: places[name].pop(0) for index, name in enumerate(wanted) if places.get(name)}


def _listed(noun: str, names: Sequence[str]) -> str:
    shown = ", ".join(map(repr, names[:10]))
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return f"{noun}{'s' if len(names) > 1 else ''} {shown}{more}"
