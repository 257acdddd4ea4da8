"""Cells of text as numbers: decimal commas, thousands separators, percent and currency signs.

A column has one format. Which one is decided over all of its cells, never cell by cell.
"""

import re
from typing import Literal, NamedTuple, TypeAlias

import numpy as np

Decimal: TypeAlias = Literal[".", ","]

MISSING = frozenset(
    ["", "na", "n/a", "nan", "null", "none", "?", "nat", "<na>", "#n/a", "#na", "-", "--", "."]
)
"""Cells that stand for a missing value in a column of numbers, in lower case."""
MISSING_LEVELS = frozenset(
    ["", "NA", "N/A", "NaN", "nan", "NULL", "null", "None", "?", "NaT", "<NA>", "#N/A", "n/a"]
)
"""Cells that stand for a missing value in a column of words."""

_UNITS = r"[$€£¥₹]|USD|EUR|GBP|CHF|US\$"
_SPACES = " '\u2019\u00a0\u2009\u202f"
_PLAIN = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")

_GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}(?:\.\d{3})+")


def _pattern(decimal: str, thousands: str) -> re.Pattern[str]:
    group = (
        rf"[1-9]\d{{0,2}}(?P<sep>[{re.escape(thousands + _SPACES)}])\d{{3}}(?:(?P=sep)\d{{3}})*"
    )
    point = re.escape(decimal)
    number = rf"(?:{group}|\d+)(?:{point}\d*)?|{point}\d+"
    return re.compile(
        rf"(?P<minus>[-\u2212(])?\+?\s*(?P<before>{_UNITS})?\s*(?P<inner>[-\u2212])?\s*"
        rf"(?P<number>(?:{number})(?:[eE][+-]?\d+)?)\s*(?P<after>%|{_UNITS})?\s*(?P<close>\))?"
    )


_PATTERNS = {".": _pattern(".", ","), ",": _pattern(",", ".")}


class Parsed(NamedTuple):
    """A column as numbers."""

    values: np.ndarray  # [N] float64, NaN where a cell is missing or odd
    odd: np.ndarray  # [N] bool, True where a cell is neither a finite number nor missing
    decimal: Decimal  # the sign before the decimals
    other: np.ndarray | None  # [N] float64, as values, if the other sign reads every cell as well


def is_missing(cells: np.ndarray) -> np.ndarray:
    """``[N]`` bool, where a cell holds no value: NaN, NaT, None, ``pd.NA``, or a word for it.

    Args:
      cells: ``[N]`` of any type, also masked.

    Example:
      >>> is_missing(np.array(["a", "", None, float("nan"), "NA"], object)).tolist()
      [False, True, True, True, True]
    """
    masked = np.ma.getmaskarray(cells) if isinstance(cells, np.ma.MaskedArray) else None
    cells = np.asarray(cells)
    if cells.dtype.kind in "fc":
        found = np.isnan(cells)
    elif cells.dtype.kind in "Mm":
        found = np.isnat(cells)
    elif cells.dtype.kind in "OUST":
        found = np.array([_missing_cell(cell) for cell in cells], bool)
    else:
        found = np.zeros(len(cells), bool)
    return found if masked is None else found | masked


def _missing_cell(cell: object) -> bool:
    if isinstance(cell, str):
        return cell.strip() in MISSING_LEVELS
    return cell is None or type(cell).__name__ in ("NAType", "NaTType") or cell != cell


def parse_numbers(cells: np.ndarray, decimal: Decimal | None = None) -> Parsed:
    """Read a column of text as numbers.

    Args:
      cells: ``[N]`` object array of str and None.
      decimal: the sign before the decimals; ``None``: the one that leaves fewer odd cells.

    Returns:
      The numbers, and which cells are none.

    Example:
      >>> parse_numbers(np.array(["1.200,50 €", "-3,1 €", None], object)).values.tolist()
      [1200.5, -3.1, nan]
      >>> parse_numbers(np.array(["12%", "many"], object)).odd.tolist()
      [False, True]
    """
    stripped = [None if cell is None else str(cell).strip() for cell in cells]
    known = [text for text in stripped if text is not None and text.lower() not in MISSING]
    where = np.array([text is not None and text.lower() not in MISSING for text in stripped], bool)
    if decimal != "," and all(map(_PLAIN.fullmatch, known)):
        plain = np.array(known, dtype=np.float64) if known else np.zeros(0)
        parsed = Parsed(*_spread(plain, where), ".", None)
        dotted = [text for text in known if "." in text]
        if decimal is None and dotted and all(map(_GROUPED.fullmatch, dotted)):
            comma = _read(known, ",")
            if not np.isnan(comma).any():
                return parsed._replace(other=_spread(comma, where)[0])
        return parsed
    if decimal is not None:
        return Parsed(*_spread(_read(known, decimal), where), decimal, None)
    point, comma = _read(known, "."), _read(known, ",")
    odd = np.isnan(point).sum(), np.isnan(comma).sum()
    if odd[0] == odd[1] == 0 and not np.array_equal(point, comma):
        return Parsed(*_spread(point, where), ".", _spread(comma, where)[0])
    best, sign = (point, ".") if odd[0] <= odd[1] else (comma, ",")
    return Parsed(*_spread(best, where), sign, None)  # type: ignore[arg-type]


def _spread(values: np.ndarray, where: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Numbers at their rows, and which of the known cells are not finite."""
    spread, odd = np.full(len(where), np.nan), np.zeros(len(where), bool)
    finite = np.isfinite(values)
    spread[where] = np.where(finite, values, np.nan)
    odd[where] = ~finite
    return spread, odd


def _read(texts: list[str], decimal: str) -> np.ndarray:
    """``[n]``, NaN where a text is no number; all of them if their units differ."""
    pattern, values = _PATTERNS[decimal], np.full(len(texts), np.nan)
    units: dict[str, list[int]] = {}
    for row, text in enumerate(texts):
        found = pattern.fullmatch(text)
        if found is None or (found["minus"] == "(") != (found["close"] is not None):
            continue
        digits = found["number"]
        if found["sep"]:
            digits = digits.replace(found["sep"], "")
        value = float(digits.replace(",", "."))
        values[row] = -value if found["minus"] or found["inner"] else value
        units.setdefault(found["before"] or found["after"] or "", []).append(row)
    if len(units) > 1:  # the rarer unit is odd, unless it is a zero
        common = max(units, key=lambda unit: len(units[unit]))
        for unit, rows in units.items():
            if unit != common:
                rows = [row for row in rows if values[row] != 0]
                values[rows] = np.nan
    return values
