"""What a page is made of, gathered while the rows are labelled."""

import heapq
from typing import NamedTuple

import numpy as np

from l2c_jax.tabular.outliers import Surroundings, outlier_scores

LISTED = 12
"""Rows of a kind that a page lists, at most."""
BETWEEN = 0.5
"""A row is between two clusters if the second is at least so many times as probable as the
first."""


class RowMark(NamedTuple):
    """A row that a page lists."""

    weight: float  # by which rows are sorted, the largest first
    row: int  # from 0
    score: float  # outlier score
    clusters: tuple[int, ...]  # the most probable one, and the second if there is one
    probabilities: tuple[float, ...]  # of those


class Evidence:
    """Rows that belong nowhere, rows between two clusters, and sizes; over all rows.

    Args:
      around: what outlier scores are computed from.
      num_clusters: k.

    Example:
      >>> from l2c_jax.tabular.outliers import fit_surroundings
      >>> rows = np.append(np.arange(30.0), 1e6)[:, None]
      >>> seen = Evidence(fit_surroundings(rows, np.zeros(31, int), 1), 1)
      >>> seen.add(0, rows, np.ones((31, 1)))
      >>> seen.nowhere_count, seen.nowhere()[0].row, seen.sizes.tolist()
      (1, 30, [31])
    """

    def __init__(self, around: Surroundings, num_clusters: int) -> None:
        self.around = around
        self.sizes = np.zeros(num_clusters, np.int64)
        self.confidence = np.zeros(num_clusters)
        self.outliers = np.zeros(num_clusters, np.int64)
        self.nowhere_count = self.between_count = 0
        self._nowhere: list[RowMark] = []
        self._between: list[RowMark] = []

    def add(self, start: int, points: np.ndarray, probabilities: np.ndarray) -> None:
        """Look at further rows.

        Args:
          start: number of the first row.
          points: ``[n, D']``, as the learner is given them.
          probabilities: ``[n, k]``.
        """
        k = probabilities.shape[1]
        labels = probabilities.argmax(axis=1)
        scores = outlier_scores(self.around, points, labels)
        largest = probabilities.max(axis=1)
        self.sizes += np.bincount(labels, minlength=k)
        self.confidence += np.bincount(labels, weights=largest, minlength=k)
        far = scores > 1
        self.outliers += np.bincount(labels[far], minlength=k)
        self.nowhere_count += int(far.sum())
        order = np.argsort(-probabilities, axis=1, kind="stable")[:, :2]
        pair = np.take_along_axis(probabilities, order, axis=1)
        ratio = pair[:, 1] / pair[:, 0] if k > 1 else np.zeros(len(pair))
        between = (ratio >= BETWEEN) & ~far
        self.between_count += int(between.sum())
        for kept, weight, where in (
            (self._nowhere, scores, far),
            (self._between, ratio, between),
        ):
            rows = np.flatnonzero(where)
            for row in rows[np.argsort(-weight[rows], kind="stable")][:LISTED]:
                mark = RowMark(
                    float(weight[row]),
                    start + int(row),
                    float(scores[row]),
                    tuple(order[row].tolist()),
                    tuple(pair[row].tolist()),
                )
                heapq.heappush(kept, mark)
                if len(kept) > LISTED:
                    heapq.heappop(kept)

    def nowhere(self) -> list[RowMark]:
        """Rows that belong nowhere, the farthest first; at most 12."""
        return sorted(self._nowhere, reverse=True)

    def between(self) -> list[RowMark]:
        """Rows between two clusters, the most undecided first; at most 12."""
        return sorted(self._between, reverse=True)
