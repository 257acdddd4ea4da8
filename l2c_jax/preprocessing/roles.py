"""What each column of a table is, and whether it is evidence for clusters.

Detection is a pure function of a sample of the rows. A column of numbers with a few cells that
are none is never dropped: :class:`~l2c_jax.preprocessing.column_options.CellError` names them.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np

from l2c_jax.preprocessing.column_options import (
    CellError,
    ColumnChoiceError,
    ColumnOptions,
    check_names,
)
from l2c_jax.preprocessing.dates import parse_dates
from l2c_jax.preprocessing.levels import level_cells, ordered_levels
from l2c_jax.preprocessing.numbers import Decimal, Parsed, is_missing, parse_numbers

Kind: TypeAlias = Literal[
    "number",
    "yes/no",
    "ordered",
    "categorical",
    "date",
    "text",
    "identifier",
    "row number",
    "constant",
    "empty",
    "earlier answer",
    "label",
]

DETECTED = ColumnOptions()
LEVELS = 20
"""A categorical column has at most so many levels, unless it is asked for by name."""
_ID = re.compile(
    r"(?i:id|ids|idx|index|key|uid|uuid|guid|row|rows|rownames|row[ _.]?(?:id|nr|no|num|number)"
    r"|nr|no\.?|#|unnamed: ?0|level_0|__index_level_\d+__)|.*(?i:[_ .-]id)|.*[a-z]I[Dd]"
)
_ANSWER = re.compile(r"probability_\d+")


@dataclass(frozen=True)
class ColumnRole:
    """One column: what it was read as, whether it is used, and why."""

    name: str
    kind: Kind
    used: bool
    why: str
    decimal: Decimal = "."
    """Of a column of numbers that is text in the file."""
    levels: tuple[str, ...] = ()
    """Of a categorical column, sorted; of an ordered one, in order."""


def detect_roles(
    names: Sequence[str],
    columns: Sequence[np.ndarray],
    options: ColumnOptions = DETECTED,
    *,
    likely_decimal: Decimal | None = ".",
) -> tuple[ColumnRole, ...]:
    """Decide for each column what it is.

    Args:
      names: D names.
      columns: D arrays ``[N]``: float64 (NaN: missing), datetime64, or object with str and None.
      options: what a person said.
      likely_decimal: where every cell of a column reads as a number with either sign, such as
        ``1,234``, and no other column tells; ``None``: refuse such a column.

    Returns:
      A role for each column.

    Raises:
      CellError: if a column of numbers has a few cells that are none.
      ColumnChoiceError: if an option names no column, or no column is usable.

    Example:
      >>> columns = [np.array([1.5, 2.0, 7.0]), np.array(["red", "red", "blue"], object)]
      >>> [(role.name, role.kind, role.used) for role in detect_roles(["size", "color"], columns)]
      [('size', 'number', True), ('color', 'yes/no', True)]
    """
    check_names(names, options)
    parsed = [
        parse_numbers(column, options.decimal) if column.dtype == object else None
        for column in columns
    ]
    decimal = options.decimal or file_decimal(parsed) or likely_decimal
    answers = earlier_answers(names)
    roles = [
        _chosen(name, column, found, options)
        or (answers.get(name))
        or _detect(name, index, column, found, decimal)
        for index, (name, column, found) in enumerate(zip(names, columns, parsed, strict=True))
    ]
    if options.columns:
        roles = [
            role
            if role.name in options.columns or not role.used
            else replace(role, used=False, why="not among the columns chosen")
            for role in roles
        ]
    return _with_something_used(roles, options)


def file_decimal(parsed: Sequence[Parsed | None]) -> Decimal | None:
    """The sign that the columns show which can be read in one way only."""
    signs = Counter[Decimal](
        found.decimal
        for found in parsed
        if found is not None
        and found.other is None
        and not found.odd.any()
        and (np.nan_to_num(found.values) % 1 != 0).any()
    )
    return signs.most_common(1)[0][0] if len(signs) == 1 else None


def earlier_answers(names: Sequence[str]) -> dict[str, ColumnRole]:
    """The columns that ``l2c cluster`` adds, if they are here from an earlier run."""
    probabilities = [name for name in names if _ANSWER.fullmatch(name)]
    if "cluster" not in names or not probabilities:
        return {}
    why = "written by an earlier run"
    return {
        name: ColumnRole(name, "earlier answer", False, why)
        for name in ("cluster", *probabilities)
    }


def _chosen(
    name: str, column: np.ndarray, parsed: Parsed | None, options: ColumnOptions
) -> ColumnRole | None:
    """The role that a person gave, if any."""
    if name == options.label_column:
        return ColumnRole(name, "label", False, "true labels: compared, not read")
    if name in options.id_columns:
        return ColumnRole(name, "identifier", False, "chosen as an identifier")
    if name in options.drop:
        return ColumnRole(name, "text" if parsed else "number", False, "left out as asked")
    if name in options.categorical:
        return _categorical(name, level_cells(column), "chosen as categorical", limit=1000)
    if name in options.dates:
        return _date(name, column, asked=True)
    order = dict(options.ordered).get(name)
    if order is not None and len(set(level_cells(column)) & set(order)) > 1:
        return ColumnRole(name, "ordered", True, " < ".join(order)[:80], levels=order)
    return _asked_for(name, column, parsed) if name in options.columns else None


def _asked_for(name: str, column: np.ndarray, parsed: Parsed | None) -> ColumnRole | None:
    """A column named in ``columns`` is used even where it looks like an identifier or a date."""
    if parsed is None and column.dtype.kind != "M":
        return ColumnRole(name, "number", True, "chosen")
    if parsed is not None and not parsed.odd.any() and parsed.other is None:
        known = not np.isnan(parsed.values).all()
        return ColumnRole(name, "number", True, "chosen", parsed.decimal) if known else None
    dates = parse_dates(column)
    return _date(name, column, asked=True) if dates is not None else None


def _detect(
    name: str, index: int, column: np.ndarray, parsed: Parsed | None, decimal: Decimal | None
) -> ColumnRole:
    if is_missing(column).all():
        return ColumnRole(name, "empty", False, "has no value")
    if column.dtype.kind == "M":
        return _date(name, column, asked=False)
    if parsed is None:
        _check_finite(name, column)
        return _number(name, index, column, "")
    return _text(name, index, column, parsed, decimal)


def _check_finite(name: str, column: np.ndarray) -> None:
    rows = np.flatnonzero(np.isinf(column))
    if rows.size:
        raise CellError(name, rows[:3].tolist(), column[rows[:3]].tolist(), rows.size)


def _number(
    name: str, index: int, values: np.ndarray, note: str, decimal: Decimal = "."
) -> ColumnRole:
    """A column whose cells are all numbers."""
    known = values[~np.isnan(values)]
    if not len(known):
        return ColumnRole(name, "empty", False, "has no value")
    if (known == known[0]).all():
        missing = len(known) < len(values)
        return ColumnRole(
            name, "constant", False, f"always {known[0]:g}{' or missing' if missing else ''}"
        )
    whole = len(known) == len(values) and (known % 1 == 0).all()
    distinct = whole and np.unique(known).size == len(known)
    starts = len(known) >= 3 and whole and known[0] in (0, 1)
    counted = starts and (known == known[0] + np.arange(len(known))).all()
    first = index == 0 and len(known) >= 10
    if counted and (first or not name.strip() or _ID.fullmatch(name)):
        return ColumnRole(name, "row number", False, f"counts the rows from {known[0]:g}")
    if distinct and not name.strip():
        return ColumnRole(
            name, "row number", False, "whole numbers without a heading, all distinct"
        )
    if whole and _ID.fullmatch(name) and (distinct or np.unique(known).size > LEVELS):
        return ColumnRole(name, "identifier", False, "the name and whole numbers say so")
    return ColumnRole(name, "number", True, note, decimal)


def _text(
    name: str, index: int, column: np.ndarray, parsed: Parsed, decimal: Decimal | None
) -> ColumnRole:
    """A column of text: numbers in some spelling, or words."""
    filled = ~np.isnan(parsed.values)
    odd, count = int(parsed.odd.sum()), int(filled.sum())
    if not odd:
        if parsed.other is None or parsed.decimal == decimal:
            note = "" if parsed.decimal == "." else "decimal commas"
            return _number(name, index, parsed.values, note, parsed.decimal)
        if decimal is not None:
            return _number(name, index, parsed.other, f"decimal sign {decimal}", decimal)
        with np.errstate(over="ignore"):
            thousands = 1000 * parsed.values
        if np.allclose(parsed.other, thousands, equal_nan=True):
            return _number(name, index, parsed.values, "either decimal sign", parsed.decimal)
        row = int(np.flatnonzero(filled & (parsed.other != parsed.values))[0])
        values = parsed.values[row], parsed.other[row]
        raise ColumnChoiceError(
            f"column {name!r}: {column[row]!r} is {values[0]:g} or {values[1]:g}; say which with "
            "the decimal sign '.' or ','"
        )
    words = Counter(str(c).strip() for c in column[parsed.odd])
    levels = len(words) + np.unique(parsed.values[filled]).size
    repeated = min(words.values()) >= max(2, 0.02 * len(column))
    few = odd <= count and odd <= max(2, 0.2 * (count + odd))
    if few and not (levels <= LEVELS and repeated):
        rows = np.flatnonzero(parsed.odd)
        raise CellError(name, rows[:3].tolist(), column[rows[:3]].tolist(), odd)
    date = _date(name, column, asked=False) if parse_dates(column) is not None else None
    return date or _categorical(name, level_cells(column), "")


def _date(name: str, column: np.ndarray, *, asked: bool) -> ColumnRole:
    if not asked:
        return ColumnRole(name, "date", False, "dates are used only if asked for")
    if parse_dates(column) is None:
        raise ColumnChoiceError(f"column {name!r}: its cells are not dates of one clear format")
    return ColumnRole(name, "date", True, "days, as asked")


def _categorical(name: str, cells: np.ndarray, why: str, limit: int = LEVELS) -> ColumnRole:
    """A column of words: ordered, yes/no, categorical, an identifier or free text."""
    known = [cell for cell in cells if cell is not None]
    levels = sorted(set(known))
    if not levels:
        return ColumnRole(name, "empty", False, "has no value")
    if len(levels) == 1:
        return ColumnRole(name, "constant", False, f"always {levels[0][:30]!r}")
    if len(levels) == len(known) and len(levels) > 2 and not why:
        return ColumnRole(name, "identifier", False, "every row has another text")
    if len(levels) > limit:
        return ColumnRole(name, "text", False, f"{len(levels)} different texts")
    if len(levels) == 2:
        return ColumnRole(name, "yes/no", True, why or " or ".join(levels), levels=tuple(levels))
    scale = ordered_levels(levels)
    if scale is not None and not why:
        return ColumnRole(name, "ordered", True, " < ".join(scale), levels=scale)
    return ColumnRole(
        name, "categorical", True, why or f"{len(levels)} levels", levels=tuple(levels)
    )


def _with_something_used(
    roles: list[ColumnRole], options: ColumnOptions
) -> tuple[ColumnRole, ...]:
    """Where nothing varies or only a row number is left, use that; refuse if there is nothing."""
    if any(role.used for role in roles):
        return tuple(roles)
    for kind in ("row number", "constant"):
        there = [r for r in roles if r.kind == kind and r.name not in options.drop]
        if there and (kind == "row number" or not any(r.kind == "text" for r in roles)):
            return tuple(
                replace(role, used=True, why=f"{role.why}; there is no other column")
                if role in there
                else role
                for role in roles
            )
    said = ", ".join(f"{role.name!r} ({role.kind})" for role in roles[:10])
    raise ColumnChoiceError(f"no usable column among {said}; choose with columns or categorical")
