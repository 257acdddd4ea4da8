"""Kleinberg's three axioms and their meta versions, as checks of one case."""

from collections.abc import Callable, Iterable
from typing import TypeAlias

import numpy as np

from experiments.meta_clustering.axioms.distances import (
    checked,
    is_consistent,
    realisations,
    scaled,
)
from l2c_jax.types import ArrayLike

Clusterer: TypeAlias = Callable[[np.ndarray], np.ndarray]
"""A: distances ``[N, N]`` to labels ``[N]``."""

MetaClusterer: TypeAlias = Callable[[np.ndarray], Clusterer]
"""M: distances ``[N, N]`` to the clusterer ``M[d]``. Training on labelled tasks, if any, is part
of the construction of M."""

Change: TypeAlias = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Distances ``[N, N]`` and a partition ``[N]`` to other distances ``[N, N]``, consistent with
it; as ``partial(consistent_change, seed=0)``."""


def unadapted(clusterer: Clusterer) -> MetaClusterer:
    """The meta-clusterer that maps every distance function to the same clusterer.

    Its meta axioms are Kleinberg's, so it cannot satisfy all of them.
    """
    return lambda _: clusterer


def applied(meta: MetaClusterer) -> Clusterer:
    """The clusterer :math:`d \\mapsto M[d](d)`.

    It is an ordinary clusterer, so it cannot satisfy all of Kleinberg's axioms.
    """
    return lambda distances: meta(distances)(distances)


def same_partition(labels: ArrayLike, other: ArrayLike) -> bool:
    """Whether two labelings are the same up to the names of the clusters.

    Args:
      labels: ``[N]``, any values that can be compared.
      other: ``[N]``, likewise.

    Raises:
      ValueError: if the two are not vectors of one, positive length.

    Example:
      >>> same_partition([0, 0, 1], [5, 5, 2]), same_partition([0, 0, 1], [0, 0, 0])
      (True, False)
    """
    labels, other = np.asarray(labels), np.asarray(other)
    if labels.ndim != 1 or labels.shape != other.shape or labels.size == 0:
        raise ValueError(
            f"labels must be two vectors of the same length of at least 1, "
            f"got shapes {labels.shape} and {other.shape}"
        )
    together = labels[:, None] == labels[None, :]
    return bool((together == (other[:, None] == other[None, :])).all())


def keeps_scale_invariance(clusterer: Clusterer, distances: ArrayLike, scale: float) -> bool:
    """Kleinberg's scale invariance in one case: :math:`A(\\alpha d) = A(d)`.

    Args:
      clusterer: A.
      distances: d, ``[N, N]``.
      scale: alpha, positive.

    Raises:
      ValueError: if the distances are none, or the scale is not positive.

    Example:
      >>> from experiments.meta_clustering.axioms.distances import realise
      >>> from experiments.meta_clustering.axioms.linkage import single_linkage
      >>> distances = realise([0, 0, 1])
      >>> keeps_scale_invariance(single_linkage(num_clusters=2), distances, 3.0)
      True
      >>> keeps_scale_invariance(single_linkage(distance=1.5), distances, 3.0)
      False
    """
    return keeps_meta_scale_invariance(unadapted(clusterer), distances, scale)


def keeps_richness(
    clusterer: Clusterer, labels: ArrayLike, witnesses: Iterable[np.ndarray] | None = None
) -> bool:
    """Kleinberg's richness for one partition: some :math:`d` has :math:`A(d) = C`.

    Args:
      clusterer: A.
      labels: C, ``[N]``.
      witnesses: distances ``[N, N]`` to try; ``None`` tries those of
        :func:`~experiments.meta_clustering.axioms.distances.realisations`. ``False`` means that
        none of them gives the partition, which proves nothing about others.

    Example:
      >>> from experiments.meta_clustering.axioms.linkage import single_linkage
      >>> keeps_richness(single_linkage(scale=0.4), [0, 1, 2, 0])
      True
      >>> keeps_richness(single_linkage(num_clusters=2), [0, 1, 2, 0])
      False
    """
    return keeps_meta_richness(unadapted(clusterer), labels, witnesses)


def keeps_consistency(clusterer: Clusterer, distances: ArrayLike, change: Change) -> bool:
    """Kleinberg's consistency in one case: :math:`A(d') = A(d)`.

    Args:
      clusterer: A.
      distances: d, ``[N, N]``.
      change: gives d', from d and the partition A(d).

    Raises:
      ValueError: if d or d' are no distances, or d' is not consistent with the partition.

    Example:
      >>> from experiments.meta_clustering.axioms.distances import realise
      >>> from experiments.meta_clustering.axioms.linkage import single_linkage
      >>> farther = lambda distances, labels: realise(labels, 1.0, 100.0)
      >>> keeps_consistency(single_linkage(num_clusters=2), realise([0, 0, 1]), farther)
      True
    """
    return keeps_meta_consistency(unadapted(clusterer), distances, change)


def keeps_meta_scale_invariance(meta: MetaClusterer, distances: ArrayLike, scale: float) -> bool:
    """Meta-scale-invariance in one case: :math:`M[\\alpha d](\\alpha d) = M[d](d)`.

    Args:
      meta: M.
      distances: d, ``[N, N]``.
      scale: alpha, positive.

    Raises:
      ValueError: if the distances are none, or the scale is not positive.
    """
    distances, cluster = checked(distances), applied(meta)
    return same_partition(cluster(distances), cluster(scaled(distances, scale)))


def keeps_meta_richness(
    meta: MetaClusterer, labels: ArrayLike, witnesses: Iterable[np.ndarray] | None = None
) -> bool:
    """Meta-richness for one partition: some :math:`d` has :math:`M[d](d) = C`.

    Args:
      meta: M.
      labels: C, ``[N]``.
      witnesses: as for :func:`keeps_richness`.
    """
    tried = realisations(labels) if witnesses is None else witnesses
    cluster = applied(meta)
    return any(same_partition(labels, cluster(checked(distances))) for distances in tried)


def keeps_meta_consistency(meta: MetaClusterer, distances: ArrayLike, change: Change) -> bool:
    """Meta-consistency in one case: :math:`M[d](d') = M[d](d)`.

    Args:
      meta: M.
      distances: d, ``[N, N]``.
      change: gives d', from d and the partition M[d](d).

    Raises:
      ValueError: if d or d' are no distances, or d' is not consistent with the partition.

    Example:
      >>> from experiments.meta_clustering.axioms.distances import realise
      >>> from experiments.meta_clustering.axioms import linkage
      >>> distances = realise([0, 0, 1])
      >>> one_farther = lambda distances, labels: distances + [[0, 0, 9], [0, 0, 0], [9, 0, 0]]
      >>> keeps_meta_consistency(linkage.meta_single_linkage(0.75), distances, one_farther)
      True
      >>> keeps_consistency(linkage.single_linkage(scale=0.75), distances, one_farther)
      False
    """
    distances = checked(distances)
    cluster = meta(distances)
    labels = cluster(distances)
    changed = checked(change(distances, labels))
    if not is_consistent(distances, changed, labels):
        raise ValueError(
            "the change is not consistent: no distance within a cluster may grow, "
            "and none between clusters may shrink"
        )
    return same_partition(labels, cluster(changed))
