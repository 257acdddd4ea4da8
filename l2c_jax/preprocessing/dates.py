"""Cells as dates: one format a column, or none."""

from datetime import datetime
from typing import Any

import numpy as np

from l2c_jax.preprocessing.numbers import is_missing

_FORMATS = ("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%Y/%m/%d", "%d.%m.%y")
_TIMES = ("", " %H:%M", " %H:%M:%S")


def parse_dates(cells: np.ndarray) -> np.ndarray | None:
    """Days since 1970 where every cell is a date of one format.

    Args:
      cells: ``[N]`` datetime64, or object with str and None. ISO dates, or day, month and year
        with dots or strokes; an order of day and month that the cells leave open is none.

    Returns:
      ``[N]`` float64, NaN where missing; ``None`` if the cells are no such dates.

    Example:
      >>> parse_dates(np.array(["1970-01-03", None], object)).tolist()
      [2.0, nan]
      >>> parse_dates(np.array(["02/03/2020"], object)) is None
      True
    """
    missing = is_missing(cells)
    days = np.full(len(cells), np.nan)
    if cells.dtype.kind == "M":
        known = cells[~missing].astype("datetime64[us]").astype(np.int64)
        days[~missing] = known / 86_400e6
        return days
    if cells.dtype != object or missing.all():
        return None
    texts = [str(cell).strip() for cell in cells[~missing]]
    if not all(6 <= len(text) <= 35 and text[0].isdigit() for text in texts):
        return None
    readings = [found for way in _ways() if (found := _days(texts, way))]
    if not readings or any(other != readings[0] for other in readings[1:]):
        return None
    days[~missing] = readings[0]
    return days


def _ways() -> list[Any]:
    formats = [day + time for day in _FORMATS for time in _TIMES]
    return [None, *formats]


def _days(texts: list[str], way: str | None) -> list[float] | None:
    """Every text as days, or ``None``; without a format: ISO 8601."""
    epoch, found = datetime(1970, 1, 1), []
    for text in texts:
        if way is None and (len(text) < 10 or text[4] != "-"):
            return None
        try:
            at = datetime.fromisoformat(text) if way is None else datetime.strptime(text, way)
        except ValueError:
            return None
        found.append((at.replace(tzinfo=None) - epoch).total_seconds() / 86_400)
    return found
