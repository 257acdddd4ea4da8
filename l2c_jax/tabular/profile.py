r"""What sets each cluster apart: numbers by standardized difference, levels by lift.

With means :math:`\bar x_k, \bar x_{-k}` and variances of a column in cluster :math:`k` and in all
other rows,

.. math:: d_k = (\bar x_k - \bar x_{-k}) / \sqrt{(s_k^2 + s_{-k}^2) / 2}, \qquad
    \mathrm{lift}_k(l) = \frac{P(l \mid k)}{P(l)}

A level, and a missing value, has the difference of its indicator. Missing cells take part in no
mean; rows that belong nowhere take part in nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from l2c_jax.preprocessing.encoder import EncodedColumn, cell_values

PROFILED_ROWS = 20_000
"""Of a larger table, a random sample of so many rows is profiled."""

Aspect: TypeAlias = Literal["number", "date", "level", "missing"]


@dataclass(frozen=True)
class ColumnDifference:
    """How one column, or one level of it, differs between a cluster and all other rows."""

    column: str
    """Its name."""
    aspect: Aspect
    """What is compared: means of numbers or dates, shares of a level or of missing values."""
    inside: float
    """Mean in the cluster (dates: days since 1970), or share of its rows."""
    outside: float
    """The same of all other rows; NaN if there are none."""
    difference: float
    """Standardized, above 0 if it is larger in the cluster; 0 if there are no other rows."""
    level: str | None = None
    """The level whose share is compared."""
    lift: float | None = None
    """Its share in the cluster over its share of all rows."""


@dataclass(frozen=True)
class ClusterProfile:
    """One cluster: its size, and what sets it apart, the largest difference first.

    Example:
      >>> from sklearn.datasets import load_iris
      >>> from l2c_jax import MetaClusterer
      >>> table = load_iris(as_frame=True).data
      >>> profile = MetaClusterer(2, random_state=0).fit(table).cluster_profile_[0]
      >>> profile.cluster, profile.size + 100 in (150, 200), len(profile.differences)
      (0, True, 4)
    """

    cluster: int
    """Its number."""
    size: int
    """Rows."""
    share: float
    """Of all rows."""
    confidence: float
    """Mean over its rows of their probability of this cluster."""
    outliers: int
    """Of its rows, those that belong nowhere (outlier score above 1)."""
    differences: tuple[ColumnDifference, ...]
    """D or more, of every column that is used and every level of it."""


class _Feature(NamedTuple):
    """A row of numbers to compare: a column, or an indicator."""

    column: str
    aspect: Aspect
    level: str | None
    values: np.ndarray  # [S] float64, NaN where nothing is known


def cluster_profiles(
    columns: Sequence[EncodedColumn],
    cells: Sequence[np.ndarray],
    probabilities: np.ndarray,
    scores: np.ndarray,
    sizes: np.ndarray | None = None,
) -> tuple[ClusterProfile, ...]:
    """Compare every cluster with the rest of the table.

    Args:
      columns: those that are used, from the encoder.
      cells: D arrays ``[S]``, cells of the table or of a sample of its rows.
      probabilities: ``[S, k]``.
      scores: ``[S]``, outlier scores.
      sizes: ``[k]``, rows of each cluster in the whole table; ``None``: those of the sample.

    Returns:
      k profiles.

    Example:
      >>> column = EncodedColumn("size", 0, "number", 0.0, 0.0)
      >>> cells, sure = [np.array([1.0, 2.0, 7.0, 8.0])], np.repeat(np.eye(2), 2, axis=0)
      >>> profiles = cluster_profiles([column], cells, sure, np.zeros(4))
      >>> [(p.size, p.differences[0].inside, p.differences[0].outside) for p in profiles]
      [(2, 1.5, 7.5), (2, 7.5, 1.5)]
    """
    labels, k = probabilities.argmax(axis=1), probabilities.shape[1]
    usual = scores <= 1
    sizes = np.bincount(labels, minlength=k) if sizes is None else sizes
    features = _features(columns, cells)
    values = np.stack([feature.values for feature in features])[:, usual]
    members = labels[usual, None] == np.arange(k)[None, :]  # [S', k]
    counted = np.array([feature.aspect in ("level", "missing") for feature in features])
    inside, outside, difference = _compare(values, members.astype(np.float64), counted)
    shares = _shares(values)
    profiles = []
    for cluster in range(k):
        mine = labels == cluster
        found = [
            ColumnDifference(
                feature.column,
                feature.aspect,
                float(inside[at, cluster]),
                float(outside[at, cluster]),
                float(difference[at, cluster]),
                feature.level,
                _lift(inside[at, cluster], shares[at]) if feature.aspect == "level" else None,
            )
            for at, feature in enumerate(features)
            if np.isfinite(inside[at, cluster])
        ]
        found.sort(key=lambda one: -abs(one.difference))
        profiles.append(
            ClusterProfile(
                cluster,
                int(sizes[cluster]),
                float(sizes[cluster] / max(sizes.sum(), 1)),
                float(probabilities[mine, cluster].mean()) if mine.any() else 0.0,
                int((mine & ~usual).sum()),
                tuple(found),
            )
        )
    return tuple(profiles)


def _features(columns: Sequence[EncodedColumn], cells: Sequence[np.ndarray]) -> list[_Feature]:
    found = []
    for column in columns:
        values = cell_values(column, cells[column.index])
        known = ~np.isnan(values)
        if column.levels:
            for place, level in enumerate(column.levels):
                here = np.where(known, values == place, np.nan)
                found.append(_Feature(column.name, "level", level, here))
        else:
            aspect: Aspect = "date" if column.kind == "date" else "number"
            found.append(_Feature(column.name, aspect, None, values))
        if column.has_indicator:
            found.append(_Feature(column.name, "missing", None, 1.0 - known))
    return found


def _compare(
    values: np.ndarray, members: np.ndarray, counted: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """``[F, k]`` each: means in the clusters, outside of them, and standardized differences.

    Indicators, where ``counted`` is True, are not centered, so that their shares are exact.
    """
    known = ~np.isnan(values)
    filled, real = np.where(known, values, 0.0), known.astype(np.float64)
    size = np.maximum(np.abs(filled).max(axis=1, initial=0, keepdims=True), 1e-300)
    scaled = filled / size  # so that no square overflows
    count = np.maximum(real.sum(axis=1, keepdims=True), 1)
    middle = np.where(counted[:, None], 0, scaled.sum(axis=1, keepdims=True) / count)
    apart = (scaled - middle) * real
    whole = (real, apart, apart**2)
    sums = [part @ members for part in whole]
    rest = [part.sum(axis=1, keepdims=True) - mine for part, mine in zip(whole, sums, strict=True)]
    (mean, variance), (other, other_variance) = _moments(*sums), _moments(*rest)
    spread = np.sqrt((variance + other_variance) / 2)
    overall = np.sqrt(_moments(*(part.sum(axis=1, keepdims=True) for part in whole))[1])
    spread = np.where(spread > 1e-7 * overall, spread, overall)  # also where none varies inside
    with np.errstate(invalid="ignore", divide="ignore"):
        difference = np.where(spread > 0, (mean - other) / spread, 0.0)
    inside, outside = ((part + middle) * size for part in (mean, other))
    return inside, outside, np.nan_to_num(difference, nan=0.0)


def _moments(
    count: np.ndarray, total: np.ndarray, square: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Means, NaN where nothing is counted, and variances."""
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(count > 0.5, total / count, np.nan)
        return mean, np.maximum(square / count - mean**2, 0)


def _shares(values: np.ndarray) -> np.ndarray:
    """``[F]``, means of all rows."""
    known = ~np.isnan(values)
    return np.where(known, values, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)


def _lift(inside: float, share: float) -> float:
    return float(inside / share) if share > 0 else 0.0
