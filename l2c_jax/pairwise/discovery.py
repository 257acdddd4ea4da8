"""What a discovery found: a partition of new points, and what labels further ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from l2c_jax.pairwise.backbones import Backbone
from l2c_jax.pairwise.constrained import ConstrainedClustering, assign_clusters
from l2c_jax.pairwise.layers import Variables
from l2c_jax.pairwise.merging import MergePath, merge_path_of
from l2c_jax.pairwise.points import checked_points
from l2c_jax.pairwise.predict import predict_similarity
from l2c_jax.pairwise.similarity import Similarity
from l2c_jax.preprocessing.encoder import Encoder
from l2c_jax.preprocessing.roles import ColumnRole
from l2c_jax.types import ArrayLike

_LEAST = 1e-12  # added to probabilities, so that no row is zero in all clusters that are kept


class Columns(NamedTuple):
    """How the rows of a table become points."""

    encoder: Encoder
    roles: tuple[ColumnRole, ...]  # of the labeled table
    by_position: bool = False  # whether the columns have no names


class References(NamedTuple):
    """Points that stand for clusters, instead of a clustering network."""

    points: np.ndarray  # [R, D] float32
    clusters: np.ndarray  # [R] int32, each of 0..k-1 at least once
    scale: float  # of distances; 0: clusters are compared by their mean G instead


@dataclass(frozen=True)
class Discovery:
    """New classes: G, what assigns points to them, and how they were found."""

    similarity: Similarity
    """G."""
    variables: Variables
    """Of the clustering network."""
    backbone: Backbone
    """Of the clustering network."""
    groups: tuple[int, ...]
    """``[K]``, the cluster of each output of the network; -1: of an output that is not used."""
    references: References | None = None
    """If there are, they assign the points and the network does not."""
    columns: Columns | None = None
    """Of a table; ``None``: points are images."""
    how: Mapping[str, Any] = field(default_factory=dict)
    """How it was computed. JSON."""

    @property
    def num_clusters(self) -> int:
        """k, clusters in use."""
        if self.references is not None:
            return int(self.references.clusters.max()) + 1
        return max(self.groups) + 1

    def probabilities(self, points: ArrayLike) -> np.ndarray:
        """Probabilities of the clusters for each point by itself.

        Args:
          points: ``[N, ...]``, as G takes them.

        Returns:
          ``[N, k]`` float64; rows sum to 1.

        Raises:
          ValueError: if points have another shape or are not finite.
        """
        if self.references is not None:
            return reference_probabilities(self.similarity, self.references, points)
        return grouped(assign_clusters(self.variables, self.backbone, points), self.groups)


def grouped(probabilities: np.ndarray, groups: Sequence[int] | np.ndarray) -> np.ndarray:
    """Probabilities of merged clusters.

    Args:
      probabilities: ``[N, K]``.
      groups: ``[K]`` int, the merged cluster of each; -1 leaves one out.

    Returns:
      ``[N, k]`` float64; rows sum to 1.

    Example:
      >>> grouped(np.array([[0.25, 0.5, 0.25]]), [0, -1, 1]).round(3).tolist()
      [[0.5, 0.5]]
    """
    into = np.asarray(groups)
    member = (into[:, None] == np.arange(into.max() + 1)[None, :]).astype(np.float64)
    kept = probabilities.astype(np.float64) @ member + _LEAST
    return kept / kept.sum(axis=1, keepdims=True)


def merged_groups(
    found: ConstrainedClustering, path: MergePath, threshold: float
) -> tuple[int, ...]:
    """The groups of a network's outputs, the largest merged cluster first.

    Args:
      found: the clustering.
      path: the merges of its labels.
      threshold: of their similarity.

    Returns:
      ``[K]``, for :class:`Discovery`; every group is the most probable one of some point.
    """
    groups = np.full(found.probabilities.shape[1], -1)
    groups[path.clusters] = path.groups(threshold)
    while True:  # a group that is nowhere the most probable one goes away
        labels = grouped(found.probabilities, groups).argmax(axis=1)
        sizes = np.bincount(labels, minlength=groups.max() + 1)
        order = np.argsort(-sizes, kind="stable")
        place = np.full(len(sizes), -1)
        place[order[: (sizes > 0).sum()]] = np.arange((sizes > 0).sum())
        groups = np.where(groups < 0, -1, place[groups])
        if (sizes > 0).all():
            return tuple(groups.tolist())


def reference_probabilities(
    similarity: Similarity, references: References, points: ArrayLike
) -> np.ndarray:
    r"""Probabilities of clusters that have references instead of a network.

    By distance: :math:`p(k | x) \propto \max_r \exp(-|x - r|^2 / 2 s^2)` over the references of
    cluster k, with the scale s. By similarity: :math:`p(k | x)` proportional to the mean of
    G(x, r).

    Args:
      similarity: G; its running averages are used, so that a point is answered by itself.
      references: of the clusters.
      points: ``[N, D]``.

    Returns:
      ``[N, k]`` float64; rows sum to 1.

    Raises:
      ValueError: if points have another shape or are not finite.
    """
    numbers = np.arange(references.clusters.max() + 1)
    member = references.clusters[:, None] == numbers[None, :]
    if references.scale:
        near = checked_points(points, similarity.backbone).astype(np.float64)
        apart = near[:, None, :] - references.points[None, :, :].astype(np.float64)
        log = -(apart**2).sum(axis=-1) / (2 * references.scale**2)  # [N, R]
        best = np.where(member[None, :, :], log[:, :, None], -np.inf).max(axis=1)
        found = np.exp(best - best.max(axis=1, keepdims=True))
    else:
        answers = predict_similarity(similarity, points, references.points).astype(np.float64)
        found = answers @ (member / member.sum(axis=0, keepdims=True)) + _LEAST
    return found / found.sum(axis=1, keepdims=True)


def discovery_of(
    similarity: Similarity,
    points: ArrayLike,
    found: ConstrainedClustering,
    threshold: float | None,
    *,
    columns: Columns | None = None,
    seed: int = 0,
) -> tuple[Discovery, MergePath]:
    """Merge the clusters of a network as far as G calls them similar.

    Args:
      similarity: G.
      points: ``[N, ...]``, those that were clustered.
      found: their clustering.
      threshold: of the mean similarity of two clusters; ``None``: nothing is merged.
      columns: of a table.
      seed: of the sample of points that is looked at.

    Returns:
      The discovery, and the candidates for the number of clusters.
    """
    path = merge_path_of(similarity, points, found.labels, seed=seed)
    groups = merged_groups(found, path, np.inf if threshold is None else threshold)
    network = (found.variables, found.backbone, groups)
    return Discovery(similarity, *network, columns=columns), path
