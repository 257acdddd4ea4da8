"""Levels of categorical columns: how they are spelt, and which have an order."""

import re
from collections.abc import Sequence

import numpy as np

from l2c_jax.preprocessing.numbers import is_missing

SCALES = (
    ("very low", "low", "medium", "high", "very high"),
    ("very low", "low", "middle", "high", "very high"),
    ("low", "moderate", "high"),
    ("small", "medium", "large"),
    ("xs", "s", "m", "l", "xl", "xxl"),
    ("never", "rarely", "sometimes", "often", "always"),
    ("very bad", "bad", "fair", "good", "very good", "excellent"),
    ("very poor", "poor", "fair", "good", "very good", "excellent"),
    ("strongly disagree", "disagree", "neutral", "agree", "strongly agree"),
    ("none", "mild", "moderate", "severe"),
    ("young", "middle-aged", "old"),
)
"""Levels with an order that everybody knows; a column may lack some of them."""


def ordered_levels(levels: Sequence[str]) -> tuple[str, ...] | None:
    """The levels in the order of a known scale, or ``None`` if they are of none.

    Example:
      >>> ordered_levels(["high", "low", "Very_low"])
      ('Very_low', 'low', 'high')
    """
    plain = {re.sub(r"[_\s-]+", " ", level.lower()): level for level in levels}
    for scale in SCALES:
        if len(plain) == len(levels) >= 3 and set(plain) <= {s.replace("-", " ") for s in scale}:
            order = [s.replace("-", " ") for s in scale]
            return tuple(plain[key] for key in sorted(plain, key=order.index))
    return None


def level_cells(column: np.ndarray) -> np.ndarray:
    """``[N]`` object, the level of each cell as text, None where missing.

    Numbers are spelt alike whether they came as numbers or as text; so are True and False.

    Example:
      >>> level_cells(np.array([1.0, 2.5, np.nan])).tolist()
      ['1', '2.5', None]
    """
    missing = is_missing(column)
    cells = np.full(len(column), None, object)
    if column.dtype.kind == "f":
        cells[~missing] = [f"{value:.15g}" for value in column[~missing]]
        return cells
    for row in np.flatnonzero(~missing):
        text = str(column[row]).strip()
        cells[row] = text.lower() if text.lower() in ("true", "false") else text
    return cells
