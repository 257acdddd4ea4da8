"""Single linkage: with Kleinberg's rules for when to stop, and Theorem 1's meta-clusterer."""

import numpy as np

from experiments.meta_clustering.axioms.checks import Clusterer, MetaClusterer
from experiments.meta_clustering.axioms.distances import checked


def single_linkage(
    *, num_clusters: int | None = None, distance: float | None = None, scale: float | None = None
) -> Clusterer:
    """Single linkage with one of Kleinberg's three rules for when to stop.

    The nearest two points of different clusters are joined, again and again: until
    ``num_clusters`` clusters are left; or while the two are nearer than ``distance``; or while
    they are nearer than ``scale`` times the largest distance. Each rule satisfies two of
    Kleinberg's axioms and violates the third (his theorem 2.2): ``num_clusters`` violates
    richness, ``distance`` scale invariance, ``scale`` consistency.

    Kleinberg writes "at most" where the paper, followed here, writes "below". Pairs of equal
    distance are joined in the order of their indices.

    Args:
      num_clusters: k, at least 1, at most N.
      distance: r, positive.
      scale: alpha, in (0, 1).

    Returns:
      The clusterer.

    Raises:
      ValueError: if not exactly one rule is given, or it is out of its range.

    Example:
      >>> distances = [[0.0, 1.0, 5.0], [1.0, 0.0, 4.0], [5.0, 4.0, 0.0]]
      >>> single_linkage(distance=2.0)(distances).tolist()
      [0, 0, 1]
    """
    if [num_clusters, distance, scale].count(None) != 2:
        raise ValueError("give one of num_clusters, distance and scale")
    if num_clusters is not None:
        if num_clusters < 1:
            raise ValueError(f"num_clusters must be at least 1, got {num_clusters}")
        return lambda distances: _joined_to_count(checked(distances), num_clusters)
    if distance is not None:
        if not distance > 0:
            raise ValueError(f"distance must be positive, got {distance}")
        return lambda distances: _joined_below(checked(distances), distance)
    assert scale is not None
    if not 0 < scale < 1:
        raise ValueError(f"scale must lie between 0 and 1, got {scale}")
    return lambda distances: _joined_below(checked(distances), scale * np.max(distances))


def meta_single_linkage(tau: float = 0.75) -> MetaClusterer:
    """The meta-clusterer of Theorem 1: single linkage below :math:`\\lambda = \\tau \\max d`.

    :math:`M[d] = A_\\lambda`, whose clusters are the connected components of the graph that has an
    edge wherever a distance is below :math:`\\lambda`. It satisfies the three meta axioms for N >
    2. For N = 2 it satisfies all but richness: the only distance is the largest, so it is never
    below :math:`\\lambda`, and the two points are never one cluster.

    The theorem holds as in the paper; two steps of the paper's proof of consistency do not. Two
    points of one cluster may be farther apart than :math:`\\lambda`, linked through others (the
    proof of richness builds such a cluster itself), and then the graph of :math:`d'` may have
    edges that the graph of :math:`d` has not. What is true, and enough: within clusters every edge
    stays, since :math:`d' \\le d < \\lambda` along it, and between clusters none appears, since
    :math:`d' \\ge d \\ge \\lambda` there; so the components are the same. In floating point, scale
    invariance also needs that no rounding moves a distance across :math:`\\lambda`; scaling by
    powers of two rounds nothing.

    The clusterer :math:`d \\mapsto M[d](d)` is single linkage with Kleinberg's rule ``scale``,
    which violates the ordinary axiom of consistency, as the largest distance may grow. The
    only difference is that :math:`\\lambda` follows from :math:`d` alone.

    Args:
      tau: between 1/2 and 1: if the largest distance is 2, points at distance 1 are joined.

    Returns:
      The meta-clusterer.

    Raises:
      ValueError: if ``tau`` does not lie between 1/2 and 1.

    Example:
      >>> distances = [[0.0, 1.0, 5.0], [1.0, 0.0, 4.0], [5.0, 4.0, 0.0]]
      >>> meta_single_linkage(0.75)(distances)(distances).tolist()
      [0, 0, 1]
    """
    if not 0.5 < tau < 1:
        raise ValueError(f"tau must lie between 1/2 and 1, got {tau}")

    def meta(distances: np.ndarray) -> Clusterer:
        threshold = tau * checked(distances).max()
        return lambda distances: _joined_below(checked(distances), threshold)

    return meta


def _joined_below(distances: np.ndarray, threshold: float) -> np.ndarray:
    """Connected components: each takes its least index, which spreads along the edges."""
    near = distances < threshold
    np.fill_diagonal(near, True)
    labels = np.arange(len(near))
    while True:
        lower = np.where(near, labels[None, :], len(near)).min(axis=1)
        lower = lower[lower]  # doubles how far indices have come
        if (lower == labels).all():
            return np.unique(labels, return_inverse=True)[1]
        labels = lower


def _joined_to_count(distances: np.ndarray, count: int) -> np.ndarray:
    """Kruskal's algorithm, stopped at a number of trees."""
    size = len(distances)
    if count > size:
        raise ValueError(f"num_clusters is {count}, but there are only {size} points")
    rows, columns = np.triu_indices(size, 1)
    labels = np.arange(size)
    left = size
    for pair in np.argsort(distances[rows, columns], kind="stable"):
        one, other = labels[rows[pair]], labels[columns[pair]]
        if left > count and one != other:
            labels[labels == other] = one
            left -= 1
    return np.unique(labels, return_inverse=True)[1]
