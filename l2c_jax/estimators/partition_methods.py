"""Other ways to divide new rows than a clustering network, and which of them to trust."""

import warnings
from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from sklearn.cluster import KMeans, SpectralClustering

from l2c_jax.metrics import scores
from l2c_jax.pairwise import Similarity, predict_similarity
from l2c_jax.pairwise.discovery import References
from l2c_jax.pairwise.held_out import HeldOut

Method: TypeAlias = Literal["network", "spectral", "k-means"]
MOST_ROWS = 2000
"""Rows whose pairs a spectral clustering looks at, at most."""
MOST_REFERENCES = 512
"""Rows that stand for clusters, at most."""


class Choice(NamedTuple):
    """Which method divided held-out known classes best."""

    method: Method
    agreement: Mapping[str, float]  # adjusted Rand index with the known classes, by method


def k_means(similarity: Similarity, points: np.ndarray, k: int, seed: int) -> References:
    """k-means of the points; G is not used.

    Args:
      similarity: G.
      points: ``[N, D]``.
      k: number of clusters, at most N.
      seed: of the starts.

    Returns:
      The means; the scale of distances is that of a point from its mean, for each column.
    """
    found = KMeans(k, n_init=10, random_state=seed).fit(points)
    scale = float(np.sqrt(max(found.inertia_, 1e-12) / points.size))
    return References(
        found.cluster_centers_.astype(np.float32), np.arange(k, dtype=np.int32), scale
    )


def spectral(similarity: Similarity, points: np.ndarray, k: int, seed: int) -> References:
    """Spectral clustering of the graph whose weights are G's answers.

    Args:
      similarity: G; its running averages are used.
      points: ``[N, D]``.
      k: number of clusters, at most N.
      seed: of the sample of rows, and of the k-means on the eigenvectors.

    Returns:
      Rows of the clusters, at most 512 and one of each at least, to be compared with by G.
    """
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.permutation(len(points))[:MOST_ROWS])
    answers = predict_similarity(similarity, points[rows]).astype(np.float64)
    answers = (answers + answers.T) / 2 + 1e-9  # connected
    model = SpectralClustering(k, affinity="precomputed", random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        labels = np.unique(model.fit_predict(answers), return_inverse=True)[1]
    first = np.unique(labels, return_index=True)[1]
    rest = np.setdiff1d(np.arange(len(rows)), first)
    more = rng.permutation(rest)[: max(0, MOST_REFERENCES - len(first))]
    kept = np.sort(np.concatenate([first, more]))
    return References(points[rows[kept]].astype(np.float32), labels[kept].astype(np.int32), 0.0)


METHODS: Mapping[str, Callable[[Similarity, np.ndarray, int, int], References]] = {
    "spectral": spectral,
    "k-means": k_means,
}
"""``method(similarity, points, k, seed)`` to what stands for the clusters."""


def choose_method(similarity: Similarity, held_out: HeldOut | None, seed: int = 0) -> Choice:
    """The method that agrees best with held-out known classes, of which G has seen none.

    Every method is given the true number of these classes; the clusters of the network are merged
    to it. Of equally good methods the first of network, spectral, k-means is chosen.

    Args:
      similarity: G.
      held_out: the classes; ``None``: the network is chosen.
      seed: of the methods.

    Returns:
      The method, and the adjusted Rand index of each with the known classes.
    """
    from l2c_jax.pairwise.discovery import reference_probabilities

    if held_out is None:
        return Choice("network", {})
    k, path = int(held_out.classes.max()) + 1, held_out.path
    counts = [(abs(number - k), end) for number, end in path.candidates]
    groups = path.groups(min(counts)[1])
    partitions = {"network": groups[np.searchsorted(path.clusters, held_out.labels)]}
    points = held_out.points.reshape(len(held_out.points), -1)
    for name, method in METHODS.items():
        references = method(similarity, points, k, seed)
        partitions[name] = reference_probabilities(similarity, references, points).argmax(axis=1)
    agreement = {
        name: round(scores(held_out.classes, labels)["ARI"], 4)
        for name, labels in partitions.items()
    }
    names: tuple[Method, ...] = ("network", "spectral", "k-means")
    return Choice(max(names, key=lambda name: agreement[name]), agreement)
