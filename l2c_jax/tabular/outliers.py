r"""How far each row lies from the other rows of the table, without labels.

A sample of at most 512 rows is split into 8 groups. With :math:`d_i` the median over the groups of
the distance of row :math:`i` to the nearest row of the group, :math:`m_k` the median of these
distances in cluster :math:`k`, and :math:`r_k` the median distance of its rows to their median,
the outlier score is

.. math:: s_i = \frac{d_i}{\max(c\, m_{k(i)},\ 0.75\, r_{k(i)})}, \qquad
    c = \max(3, \exp(q_{75} + 3 (q_{75} - q_{25})))

where :math:`q` are quantiles of :math:`\log (d_i / m_{k(i)})` over the sample (Tukey's outer
fence). A score above 1 says that the row belongs nowhere. Columns have variance 1 within the
bounds of :func:`~l2c_jax.preprocessing.columns.fit_bounds`; a cell beyond its bounds counts with
its full distance. A cluster with fewer than 10 rows in the sample has the medians of all rows, so
that a far row does not become usual by being a cluster of its own. A median distance below 0.01
counts as 1, the deviation of a column: such a table consists of repeated rows.
"""

from typing import NamedTuple

import numpy as np

from l2c_jax.preprocessing.principal import (
    Preprocessing,
    fit_table_preprocessing,
    scale_columns,
)

DESCRIBED_ROWS = 1024
"""Rows among which medoids are chosen, at most."""
REFERENCES = 512
"""Rows to which distances are computed, at most."""
GROUPS = 8
"""Groups of them; a row itself is in one at most, which does not move the median."""
FEW = 10
"""A cluster with fewer sampled rows has no scale of its own."""
_CHUNK = 256
_EQUAL = 0.01
_FENCE, _RADIUS = 3.0, 0.75


class Surroundings(NamedTuple):
    """What the outlier score of a row is computed from."""

    scaling: Preprocessing  # of the columns, without bounds
    rows: np.ndarray  # [G, R, D'] float32, scaled rows of the sample, within their bounds
    typical: np.ndarray  # [k], the distance at which the score is 1


def fit_surroundings(
    points: np.ndarray,
    labels: np.ndarray,
    num_clusters: int,
    *,
    standardize: bool = True,
    unit: np.ndarray | None = None,
) -> Surroundings:
    """Fit on a sample of the rows.

    Args:
      points: ``[S, D']`` finite, as the learner is given them; at most 512 of them are used,
        whatever the order of the rows.
      labels: ``[S]`` int, their clusters.
      num_clusters: k.
      standardize: give every column the same variance first.
      unit: ``[D']`` bool, columns that keep their scale nevertheless: indicators.

    Returns:
      What :func:`outlier_scores` needs.

    Example:
      >>> rng = np.random.default_rng(0)
      >>> rows = np.concatenate([rng.normal(size=(99, 2)), [[1e6, 0]]])
      >>> around = fit_surroundings(rows, np.zeros(100, int), 1)
      >>> scores = outlier_scores(around, rows, np.zeros(100, int))
      >>> int(scores.argmax()), int((scores > 1).sum())
      (99, 1)
    """
    fitted = fit_table_preprocessing(points, "columns", points.shape[1], standardize=standardize)
    if unit is not None and fitted.columns is not None:
        magnitude, inverse = (np.asarray(a) for a in (fitted.magnitude, fitted.columns.inverse))
        own = np.where(unit, magnitude, inverse)
        fitted = fitted._replace(columns=fitted.columns._replace(inverse=own))
    scaled = scale_columns(fitted, points)
    kept = np.lexsort(scaled.T)  # the result does not depend on the order of the rows
    if len(kept) > REFERENCES:
        kept = kept[np.linspace(0, len(kept) - 1, REFERENCES).round().astype(int)]
    groups = min(GROUPS, len(kept))
    members = np.resize(kept, -(-len(kept) // groups) * groups).reshape(-1, groups).T
    unbounded, near = fitted._replace(bounds=None), scaled[members].astype(np.float32)
    around = Surroundings(unbounded, near, np.ones(num_clusters))
    scaled, labels = scaled[kept], labels[kept]
    distance = _distances(around, scaled)
    median, radius = (np.zeros(num_clusters) for _ in range(2))
    for cluster in range(num_clusters):
        mine = labels == cluster
        if mine.sum() < FEW:
            mine = np.ones(len(labels), bool)
        median[cluster] = np.median(distance[mine])
        rows = scaled[mine]
        apart = rows - np.median(rows, axis=0)[None, :]
        radius[cluster] = np.median(np.sqrt((apart**2).sum(axis=1)))
    median = np.where(median > _EQUAL, median, 1.0)
    cut = _FENCE
    if (distance > _EQUAL).mean() > 0.75:
        ratio = np.maximum(distance, 1e-9) / median[labels]
        low, high = np.quantile(np.log(ratio), [0.25, 0.75])
        cut = max(cut, float(np.exp(min(high + 3 * (high - low), 100.0))))
    return around._replace(typical=np.maximum(cut * median, _RADIUS * radius))


def outlier_scores(around: Surroundings, points: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Scores of some rows, each by itself.

    Args:
      around: from :func:`fit_surroundings`.
      points: ``[N, D']`` finite, as there.
      labels: ``[N]`` int, their clusters.

    Returns:
      ``[N]`` float64, at least 0; above 1: the row belongs nowhere.
    """
    parts = [
        _distances(around, scale_columns(around.scaling, points[start : start + _CHUNK]))
        for start in range(0, len(points), _CHUNK)
    ]
    return np.concatenate(parts) / around.typical[labels]


def medoids(
    around: Surroundings, points: np.ndarray, labels: np.ndarray, num_clusters: int
) -> list[np.ndarray]:
    """The rows of each cluster by their mean distance to the others of it, nearest first.

    Args:
      around: from :func:`fit_surroundings`.
      points: ``[S, D']``, a sample of a few thousand rows.
      labels: ``[S]`` int, their clusters.
      num_clusters: k.

    Returns:
      k arrays of row numbers; the first of each is the medoid. Empty for a cluster without rows.

    Example:
      >>> rows = np.array([[0.0], [1.0], [5.0], [9.0]])
      >>> around = fit_surroundings(rows, np.zeros(4, int), 1)
      >>> int(medoids(around, rows, np.zeros(4, int), 1)[0][0]) in (1, 2)
      True
    """
    scaled = scale_columns(around.scaling, points)
    found = []
    for cluster in range(num_clusters):
        rows = np.flatnonzero(labels == cluster)
        mine = scaled[rows] - (np.median(scaled[rows], axis=0) if rows.size else 0)
        norms = np.einsum("nd,nd->n", mine, mine)
        square = norms[:, None] + norms[None, :] - 2 * mine @ mine.T
        total = np.sqrt(np.maximum(square, 0)).sum(axis=1)
        found.append(rows[np.argsort(total, kind="stable")])
    return found


def _distances(around: Surroundings, scaled: np.ndarray) -> np.ndarray:
    """``[n]``, median over the groups of the distance to the nearest row of the group."""
    groups, size, width = around.rows.shape
    others, scaled = around.rows.reshape(-1, width), scaled.astype(np.float32)
    square = (others**2).sum(axis=1)[None, :] - 2 * scaled @ others.T
    least = square.reshape(-1, groups, size).min(axis=2) + (scaled**2).sum(axis=1)[:, None]
    return np.median(np.sqrt(np.maximum(least, 0)), axis=1).astype(np.float64)
