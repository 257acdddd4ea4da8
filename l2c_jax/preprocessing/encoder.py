r"""Columns of a table as one matrix of numbers: a map that is fitted once and kept for new rows.

A categorical column with levels :math:`l = 1 \ldots L` of shares :math:`p_l` becomes the
indicators

.. math::
    x_l = [\mathrm{cell} = l] / \sqrt{p_l (L - 1)},

whose variances sum to 1, one unit a column as for a standardized column of numbers. They must
keep their relative scale: :attr:`Encoder.unit` says which columns must not be standardized again.
Numbers have the mean and the standard deviation of the values clipped to
:func:`~l2c_jax.preprocessing.columns.fit_bounds`, which a wild cell does not move.
An indicator of missing values is 0 or 1, of variance :math:`m (1 - m)` for a share :math:`m`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from l2c_jax.preprocessing.column_options import CellError
from l2c_jax.preprocessing.columns import apply_bounds, fit_bounds, magnitude
from l2c_jax.preprocessing.dates import parse_dates
from l2c_jax.preprocessing.levels import level_cells
from l2c_jax.preprocessing.numbers import Decimal, is_missing, parse_numbers
from l2c_jax.preprocessing.roles import ColumnRole, Kind

MANY_MISSING = 0.05
"""A column with a larger share of missing values gets an indicator of them."""
FARTHEST = 1e100
"""Scaled values end here, so that no square of them overflows."""


@dataclass(frozen=True)
class EncodedColumn:
    """How one column of the table becomes columns of the matrix."""

    name: str
    index: int
    """Of the column in the table."""
    kind: Kind
    fill: float | str
    """Stands for a missing value: the median, or the most frequent level."""
    missing: float
    """Share of missing values in the sample."""
    decimal: Decimal = "."
    levels: tuple[str, ...] = ()
    weights: tuple[float, ...] = ()
    """Of the indicators of the levels."""

    @property
    def has_indicator(self) -> bool:
        """Whether an indicator of missing values is added."""
        return self.missing > MANY_MISSING

    @property
    def features(self) -> tuple[str, ...]:
        """Names of its columns in the matrix."""
        own = [f"{self.name}={level}" for level in self.levels] if self.weights else [self.name]
        return (*own, *([f"{self.name} missing"] if self.has_indicator else []))

    @property
    def unit(self) -> tuple[bool, ...]:
        """Which of them keep their scale: indicators, also that of missing values."""
        own = [True] * len(self.levels) if self.weights else [False]
        return (*own, *([True] if self.has_indicator else []))


class Encoder(NamedTuple):
    """A fitted map from the columns of a table to a matrix."""

    columns: tuple[EncodedColumn, ...]  # those that are used
    unit: np.ndarray  # [D'] bool, True for indicators, which must keep their scale
    shift: np.ndarray  # [D'], means of the sample within its bounds; 0 for indicators
    scale: np.ndarray  # [D'], standard deviations of the same; 1 for indicators and constants

    @property
    def features(self) -> tuple[str, ...]:
        """``[D']`` names of the columns of the matrix."""
        return tuple(name for column in self.columns for name in column.features)

    def scaled(self, matrix: np.ndarray) -> np.ndarray:
        """``[N, D']``, the numbers standardized and the indicators as they are.

        No value is beyond :data:`FARTHEST`.
        """
        with np.errstate(over="ignore"):  # halves: the difference of two numbers may overflow
            halves = (matrix / 2 - self.shift[None, :] / 2) / self.scale[None, :]
        return 2 * np.clip(halves, -FARTHEST / 2, FARTHEST / 2)


class Encoded(NamedTuple):
    """Rows as numbers, and what had to be said about them."""

    matrix: np.ndarray  # [N, D'] float64, finite
    unseen: dict[str, int]  # cells of each column with a level that the sample does not have


def sample_rows(rows: int, size: int, seed: int) -> np.ndarray:
    """A uniform random sample of rows without replacement, in ascending order.

    Args:
      rows: N.
      size: S, or all rows if there are no more.
      seed: of the sample.

    Returns:
      ``[min(N, S)]`` int64.

    Example:
      >>> sample_rows(3, 5, seed=0).tolist()
      [0, 1, 2]
    """
    if rows <= size:
        return np.arange(rows)
    return np.sort(np.random.default_rng(seed).choice(rows, size, replace=False))


def detection_rows(rows: int, width: int) -> np.ndarray:
    """The rows on which roles are detected and encoders fitted: all, or a random 20,000.

    Args:
      rows: N.
      width: D; of a wide table fewer rows are looked at.

    Returns:
      Row numbers, ascending; the same for every format of a table.
    """
    return sample_rows(rows, max(2048, min(20_000, 8_000_000 // max(width, 1))), seed=0)


def fit_encoder(roles: Sequence[ColumnRole], columns: Sequence[np.ndarray]) -> Encoder:
    """Fit medians, levels and scales on the sample on which the roles were detected.

    Args:
      roles: D roles, from :func:`l2c_jax.preprocessing.roles.detect_roles`.
      columns: D arrays ``[N]``, as there.

    Returns:
      The encoder.

    Raises:
      CellError: if a column of numbers has cells that are none.

    Example:
      >>> from l2c_jax.preprocessing.roles import detect_roles
      >>> columns = [np.array([1.0, np.nan, 7.0]), np.array(list("aab"), object)]
      >>> encoder = fit_encoder(detect_roles(["size", "kind"], columns), columns)
      >>> encoder.features, encode(encoder, columns).matrix.tolist()
      (('size', 'size missing', 'kind'), [[1.0, 0.0, 0.0], [4.0, 1.0, 0.0], [7.0, 0.0, 1.0]])
    """
    fitted = tuple(
        _fit_column(role, index, columns[index]) for index, role in enumerate(roles) if role.used
    )
    unit = [flag for column in fitted for flag in column.unit]
    width = len(unit)
    encoder = Encoder(fitted, np.array(unit, bool), np.zeros(width), np.ones(width))
    shift, deviation = _moments(encode(encoder, columns).matrix)
    return encoder._replace(
        shift=np.where(encoder.unit, 0, shift),
        scale=np.where(encoder.unit | (deviation == 0), 1, deviation),
    )


def encode(encoder: Encoder, columns: Sequence[np.ndarray]) -> Encoded:
    """Rows as numbers, each by itself.

    Args:
      encoder: from :func:`fit_encoder`.
      columns: D arrays ``[N]`` in the order of the table that was fitted.

    Returns:
      The matrix ``[N, D']``, finite. A level that the sample does not have is all zeros.

    Raises:
      CellError: if a column of numbers has cells that are neither numbers nor missing.
    """
    parts, unseen = [], {}
    for column in encoder.columns:
        values, unknown = _encode_column(column, columns[column.index])
        parts.append(values)
        if unknown:
            unseen[column.name] = unknown
    return Encoded(np.concatenate(parts, axis=1), unseen)


def cell_values(column: EncodedColumn, cells: np.ndarray) -> np.ndarray:
    """The cells of one column as numbers, before missing ones are filled.

    Args:
      column: of an encoder.
      cells: ``[N]``, of that column.

    Returns:
      ``[N]`` float64: numbers, days since 1970 of dates, or indices of ``column.levels``; NaN
      where a cell is missing or has a level that the sample does not have.

    Raises:
      CellError: if a column of numbers has cells that are none.

    Example:
      >>> column = EncodedColumn("color", 0, "categorical", "red", 0.0, levels=("blue", "red"))
      >>> cell_values(column, np.array(["red", None, "green", "blue"], object)).tolist()
      [1.0, nan, nan, 0.0]
    """
    if not column.levels:
        return _numbers(column.name, column.kind, column.decimal, cells)
    place = {level: float(number) for number, level in enumerate(column.levels)}
    return np.array([place.get(cell, np.nan) for cell in level_cells(cells)], np.float64)


def _moments(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means and standard deviations ``[D']`` within the bounds; 0 for constant columns."""
    with np.errstate(over="ignore"):
        bounded = apply_bounds(fit_bounds(matrix), matrix)
    power = np.ldexp(1.0, np.frexp(magnitude(bounded))[1] - 1)  # exact, and no square overflows
    points = bounded / power[None, :]
    deviation = points.std(axis=0)
    varies = deviation > 1e-13 * np.abs(points).max(axis=0)
    return points.mean(axis=0) * power, np.where(varies, deviation, 0) * power


def _median(values: np.ndarray) -> float:
    """Also where the sum of the two middle values overflows."""
    ordered = np.sort(values)
    low, high = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    return float(low if low == high else low / 2 + high / 2)


def _fit_column(role: ColumnRole, index: int, cells: np.ndarray) -> EncodedColumn:
    if not role.levels:
        values = _numbers(role.name, role.kind, role.decimal, cells)
        gone = np.isnan(values)
        fill = _median(values[~gone]) if not gone.all() else 0.0
        return EncodedColumn(role.name, index, role.kind, fill, gone.mean(), role.decimal)
    found = level_cells(cells)
    missing = np.array([cell is None for cell in found])
    filled = [cell for cell in found if cell is not None]
    counts = np.array([filled.count(level) for level in role.levels])
    fill_level = role.levels[int(counts.argmax())]
    shares = counts + missing.sum() * (np.arange(len(counts)) == counts.argmax())
    shares = shares / max(shares.sum(), 1)
    weights: tuple[float, ...] = ()
    if role.kind == "categorical":
        spread = np.sqrt(np.maximum(shares, 1 / len(found)) * max(len(shares) - 1, 1))
        weights = tuple((1 / spread).tolist())
    return EncodedColumn(
        *(role.name, index, role.kind, fill_level, float(missing.mean()), role.decimal),
        role.levels,
        weights,
    )


def _encode_column(column: EncodedColumn, cells: np.ndarray) -> tuple[np.ndarray, int]:
    """``[N, features]``, and how many cells have an unseen level."""
    unseen = 0
    if not column.levels:
        values = _numbers(column.name, column.kind, column.decimal, cells)
        missing = np.isnan(values)
        block = np.where(missing, column.fill, values)[:, None]
    else:
        found = level_cells(cells)
        missing = np.array([cell is None for cell in found], bool)
        place = {level: number for number, level in enumerate(column.levels)}
        fill = str(column.fill)
        at = [place.get(fill if cell is None else cell, -1) for cell in found]
        places = np.array(at, np.int64)
        unseen = int((places < 0).sum())
        if column.weights:
            table = np.vstack([np.diag(column.weights), np.zeros(len(place))])
            block = table[places]
        else:  # an unseen level lies at the level that fills
            middle = place[fill]
            block = np.where(places < 0, middle, places).astype(np.float64)[:, None]
    if column.has_indicator:
        block = np.concatenate([block, missing[:, None]], axis=1)
    return block.astype(np.float64), unseen


def _numbers(name: str, kind: Kind, decimal: Decimal, cells: np.ndarray) -> np.ndarray:
    """``[N]`` float64, NaN where missing."""
    if kind == "date":
        days = parse_dates(cells)
        if days is None:
            raise CellError(name, [0], [cells[0]], 1)
        return days
    if cells.dtype == object:
        parsed = parse_numbers(cells, decimal)
        values, odd = parsed.values, parsed.odd
    elif cells.dtype.kind == "M":
        return np.where(is_missing(cells), np.nan, cells.astype("datetime64[us]").astype(float))
    else:
        values, odd = cells, np.isinf(cells)
    if odd.any():
        rows = np.flatnonzero(odd)
        raise CellError(name, rows[:3].tolist(), cells[rows[:3]].tolist(), rows.size)
    return values
