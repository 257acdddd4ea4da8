r"""How many clusters there are: clusters that G itself calls similar are merged.

A clustering network has K outputs, an upper bound, and often divides a class. Its clusters are
merged in pairs, at each step the two with the largest mean similarity

.. math:: \bar G(A, B) = \frac{1}{2 |A| |B|} \sum_{i \in A, j \in B} G(x_i, x_j) + G(x_j, x_i)

(average linkage of the clusters), as long as it is at least a threshold. The threshold is fitted
on labeled classes that G was not learned from: there the right number of clusters is known.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np

from l2c_jax.pairwise.predict import PairFunction, predict_similarity
from l2c_jax.pairwise.similarity import Similarity
from l2c_jax.types import ArrayLike

DEFAULT_THRESHOLD = 0.5
"""Where no labeled classes could be held out: two clusters whose pairs are similar as often as
not."""
MOST_POINTS = 4000
"""Points whose pairs are looked at, at most."""


class Candidates(Protocol):
    """Numbers of clusters, one of which a threshold chooses."""

    @property
    def levels(self) -> np.ndarray:
        """Thresholds at which the number changes."""

    def count(self, threshold: float) -> int:
        """The number of clusters at a threshold."""


class MergePath(NamedTuple):
    """All numbers of clusters from c to 1, each with the mean similarity of the next merge."""

    clusters: np.ndarray  # [c] int, the labels, ascending
    merges: np.ndarray  # [c - 1, 2] int, places in ``clusters``; the second joins the first
    levels: np.ndarray  # [c - 1] float64, mean similarity of the two clusters of each merge

    @property
    def candidates(self) -> tuple[tuple[int, float], ...]:
        """Every number of clusters, and the similarity up to which it is the answer."""
        count = len(self.clusters)
        ends = np.minimum.accumulate(np.concatenate([[1.0], self.levels]))
        return tuple((count - merged, float(end)) for merged, end in enumerate(ends))

    def count(self, threshold: float) -> int:
        """The number of clusters after all merges of at least this similarity."""
        return len(self.clusters) - self._merged(threshold)

    def groups(self, threshold: float) -> np.ndarray:
        """``[c]`` int, the cluster into which each of ``clusters`` is merged, from 0."""
        into = np.arange(len(self.clusters))
        for first, second in self.merges[: self._merged(threshold)]:
            into[into == second] = first
        return np.unique(into, return_inverse=True)[1]

    def _merged(self, threshold: float) -> int:
        low = np.flatnonzero(self.levels < threshold)
        return int(low[0]) if low.size else len(self.levels)


def merge_path(labels: ArrayLike, similarity: ArrayLike) -> MergePath:
    """Merge the two most similar clusters again and again.

    Args:
      labels: ``[N]`` int, clusters.
      similarity: ``[N, N]``, G of all pairs; need not be symmetric.

    Returns:
      The merges, from all clusters to one.

    Raises:
      ValueError: if the shapes do not fit each other, or there is no point.

    Example:
      >>> means = [[1.0, 0.8, 0.1], [0.8, 1.0, 0.3], [0.1, 0.3, 1.0]]
      >>> similarity = np.kron(means, np.ones((2, 2)))
      >>> path = merge_path([0, 0, 1, 1, 2, 2], similarity)
      >>> path.levels.round(2).tolist(), path.count(0.5), path.groups(0.5).tolist()
      ([0.8, 0.2], 2, [0, 0, 1])
    """
    given, matrix = np.asarray(labels), np.asarray(similarity)
    if given.ndim != 1 or not given.size or matrix.shape != (given.size, given.size):
        raise ValueError(
            "labels must be [N] and similarity [N, N], N at least 1; "
            f"got shapes {given.shape} and {matrix.shape}"
        )
    clusters, places = np.unique(given, return_inverse=True)
    member = np.zeros((given.size, clusters.size))
    member[np.arange(given.size), places] = 1
    total = member.T @ matrix @ member
    total, sizes = (total + total.T) / 2, member.sum(axis=0)
    merges, levels = [], []
    alive = np.ones(clusters.size, bool)
    for _ in range(clusters.size - 1):
        mean = total / (sizes[:, None] * sizes[None, :])
        mean[~alive] = mean[:, ~alive] = -np.inf
        np.fill_diagonal(mean, -np.inf)
        first, second = np.unravel_index(int(mean.argmax()), mean.shape)
        merges.append((first, second))
        levels.append(mean[first, second])
        total[first] += total[second]
        total[:, first] += total[:, second]
        sizes[first] += sizes[second]
        alive[second] = False
    return MergePath(clusters, np.array(merges, int).reshape(-1, 2), np.array(levels, np.float64))


def fit_threshold(paths: Sequence[Candidates], numbers: Sequence[int]) -> float:
    """The threshold with the right numbers of clusters on data whose classes are known.

    Args:
      paths: of one or several data sets; or their :class:`~l2c_jax.pairwise.spectrum.Spectrum`.
      numbers: the number of classes of each.

    Returns:
      In [0, 1]: the threshold of the smallest mean absolute error of the number of clusters; of
      an interval of such thresholds its middle, of several the widest.

    Raises:
      ValueError: if there is no path, or not one number for each.

    Example:
      >>> path = merge_path([0, 1, 2], [[1, 0.8, 0], [0.8, 1, 0.2], [0, 0.2, 1]])
      >>> round(fit_threshold([path], [2]), 2), round(fit_threshold([path], [3]), 2)
      (0.45, 0.9)
    """
    if not paths or len(paths) != len(numbers):
        raise ValueError(
            f"as many numbers as paths are needed, at least 1; got {len(numbers)} and {len(paths)}"
        )
    ends = np.unique(np.concatenate([[0.0, 1.0], *(path.levels for path in paths)]).clip(0, 1))
    middles = (ends[1:] + ends[:-1]) / 2
    errors = np.array(
        [
            sum(abs(path.count(t) - k) for path, k in zip(paths, numbers, strict=True))
            for t in middles
        ]
    )
    best = errors == errors.min()
    starts = np.flatnonzero(best & ~np.concatenate([[False], best[:-1]]))
    stops = np.flatnonzero(best & ~np.concatenate([best[1:], [False]])) + 1
    widest = int((ends[stops] - ends[starts]).argmax())
    return float((ends[starts[widest]] + ends[stops[widest]]) / 2)


def merge_path_of(
    similarity: Similarity | PairFunction | ArrayLike,
    points: ArrayLike,
    labels: np.ndarray,
    *,
    adapt: bool = True,
    most: int = MOST_POINTS,
    seed: int = 0,
) -> MergePath:
    """The merges of the clusters of some points, by any G.

    Args:
      similarity: G: a learned one, a function of two batches, or its answers ``[N, N]``.
      points: ``[N, ...]``.
      labels: ``[N]`` int, clusters.
      adapt: batch norm of a learned G by the statistics of these points.
      most: of more points, a random sample of this size is looked at; it has at least one point
        of each cluster.
      seed: of the sample.

    Returns:
      The merges.

    Raises:
      ValueError: if shapes do not fit each other.

    Example:
      >>> near = lambda a, b: np.exp(-((a[:, None] - b[None]) ** 2).sum(axis=-1))
      >>> points = np.array([[0.0], [0.1], [5.0]])
      >>> merge_path_of(near, points, np.array([0, 1, 2])).count(0.5)
      2
    """
    chosen = _sample(labels, most, seed)
    few = np.asarray(points)[chosen]
    if isinstance(similarity, Similarity):
        answers = predict_similarity(similarity, few, adapt=adapt)
    elif callable(similarity):
        answers = predict_similarity(similarity, few)
    else:
        answers = np.asarray(similarity)[chosen[:, None], chosen[None, :]]
    return merge_path(labels[chosen], answers)


def _sample(labels: np.ndarray, most: int, seed: int) -> np.ndarray:
    """Points in ascending order, at least one of each cluster."""
    if len(labels) <= most:
        return np.arange(len(labels))
    order = np.random.default_rng(seed).permutation(len(labels))
    first = order[np.unique(labels[order], return_index=True)[1]]
    return np.unique(np.concatenate([first, order[:most]]))
