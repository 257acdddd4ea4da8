"""What is fitted on labeled classes that a similarity was not learned from."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from l2c_jax.pairwise.config import ConstrainedConfig
from l2c_jax.pairwise.confusion import split_classes
from l2c_jax.pairwise.constrained import cluster_by_similarity
from l2c_jax.pairwise.merging import DEFAULT_THRESHOLD, MergePath, fit_threshold, merge_path_of
from l2c_jax.pairwise.similarity import Similarity
from l2c_jax.pairwise.spectrum import spectrum_of
from l2c_jax.training.loop import RunOptions
from l2c_jax.types import ArrayLike

SHARE = 0.2
"""Of the classes, held out where there are enough of them."""
MOST_POINTS = 2000
"""Held-out points that are clustered, at most."""


class HeldOut(NamedTuple):
    """Held-out classes, and how the clustering network divides them."""

    points: np.ndarray  # [n, ...]
    classes: np.ndarray  # [n] int, the true ones
    labels: np.ndarray  # [n] int, clusters of the network
    path: MergePath  # of these clusters


def held_out_share(num_classes: int) -> float:
    """The share of the classes to hold out: 0 if there are fewer than 4.

    Example:
      >>> held_out_share(3), held_out_share(4)
      (0.0, 0.2)
    """
    return SHARE if num_classes >= 4 else 0.0


def fit_merging(
    similarity: Similarity,
    points: ArrayLike,
    labels: ArrayLike,
    config: ConstrainedConfig | None = None,
    *,
    run: RunOptions = RunOptions(),  # noqa: B008  frozen
) -> tuple[Similarity, HeldOut | None, bool]:
    """Cluster the held-out classes and fit the thresholds that find their number.

    First that of the spectrum of G's answers, whose number of clusters the network is given; then
    that of merging the clusters of the network.

    Args:
      similarity: from :func:`l2c_jax.pairwise.learn_similarity`; its metadata say which classes
        were held out.
      points: ``[N, ...]``, all labeled points, as they were given there.
      labels: ``[N]``, as they were given there.
      config: of the clustering network; ``None``: the defaults.
      run: folder, resume, progress bar.

    Returns:
      The similarity with ``metadata.merging``, the held-out classes, and whether the training was
      finished. Without held-out classes the similarity as it is and ``None``.

    Raises:
      ValueError: if points and labels do not fit each other or the similarity.

    Example:
      >>> from l2c_jax.pairwise import MLP, SimilarityConfig, learn_similarity
      >>> quiet, labels = RunOptions(progress=False), np.arange(80) % 8
      >>> points = 3 * np.eye(8)[labels] + np.random.default_rng(0).normal(size=(80, 8)) / 9
      >>> learning = SimilarityConfig(iterations=2, classes=5, held_out=0.3)
      >>> g, _ = learn_similarity(points, labels, MLP(8, (4,)), learning, run=quiet)
      >>> fitting = ConstrainedConfig(num_clusters=6, epochs=1)
      >>> g, held_out, _ = fit_merging(g, points, labels, fitting, run=quiet)
      >>> g.metadata.merging["classes"], 0 <= g.metadata.merging["threshold"] <= 1
      (2, True)
    """
    training = similarity.metadata.training
    if training is None or not training.held_out:
        return similarity, None, True
    names = np.asarray(labels)
    out = np.flatnonzero(split_classes(names, training.held_out, training.seed))
    if len(out) > MOST_POINTS:
        chosen = np.random.default_rng(training.seed).choice(out, MOST_POINTS, replace=False)
        out = np.sort(chosen)
    mine = np.asarray(points)[out]
    classes = np.unique(names[out], return_inverse=True)[1]
    number = int(classes.max()) + 1
    spectrum = fit_threshold([spectrum_of(similarity, mine)], [number])
    given = replace(similarity.metadata, merging={"spectrum": spectrum})
    similarity = replace(similarity, metadata=given)
    config = with_number(config or ConstrainedConfig(), similarity, mine)
    found, finished = cluster_by_similarity(similarity, mine, config=config, run=run)
    if not finished:
        return similarity, None, False
    path = merge_path_of(similarity, mine, found.labels)
    threshold = fit_threshold([path], [number])
    merging = {
        **{"spectrum": spectrum, "threshold": threshold},
        **{"classes": number, "found": path.count(threshold)},
    }
    metadata = replace(similarity.metadata, merging=merging)
    held_out = HeldOut(mine, classes, found.labels, path)
    return replace(similarity, metadata=metadata), held_out, True


def with_number(
    config: ConstrainedConfig, similarity: object, points: ArrayLike
) -> ConstrainedConfig:
    """A configuration with the number of clusters that the spectrum of G's answers has.

    Args:
      config: its number of clusters is an upper bound.
      similarity: G; a learned one knows its threshold, if it was fitted.
      points: ``[N, ...]``, to cluster.

    Returns:
      The configuration; as it is without a threshold. At least 2 clusters, if it allows them.
    """
    merging = similarity.metadata.merging if isinstance(similarity, Similarity) else None
    if not isinstance(similarity, Similarity) or merging is None or "spectrum" not in merging:
        return config
    count = spectrum_of(similarity, points, seed=config.seed).count(merging["spectrum"])
    return replace(config, num_clusters=min(config.num_clusters, max(2, count)))


def threshold_of(similarity: object) -> float:
    """The threshold that was fitted with a similarity, or the default.

    Args:
      similarity: any.

    Returns:
      Of the mean similarity of two clusters; they are merged if it is as large.
    """
    merging = similarity.metadata.merging if isinstance(similarity, Similarity) else None
    return (
        DEFAULT_THRESHOLD
        if merging is None
        else float(merging.get("threshold", DEFAULT_THRESHOLD))
    )
