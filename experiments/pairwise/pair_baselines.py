"""Baselines that cluster by pairwise predictions alone, without a network on the points."""

import warnings

import numpy as np
from sklearn.cluster import AgglomerativeClustering, SpectralClustering

from l2c_jax.types import ArrayLike


def symmetric(similarity: ArrayLike) -> np.ndarray:
    """``[N, N]`` probabilities of "same", symmetrised, 1 on the diagonal.

    Example:
      >>> symmetric([[0.0, 1.0], [0.5, 0.0]]).tolist()
      [[1.0, 0.75], [0.75, 1.0]]
    """
    matrix = np.asarray(similarity, np.float64)
    matrix = (matrix + matrix.T) / 2
    np.fill_diagonal(matrix, 1)
    return matrix


def agglomerative(similarity: ArrayLike, num_clusters: int | None) -> np.ndarray:
    """Agglomerative clustering with average linkage, of distance 1 - similarity.

    Args:
      similarity: ``[N, N]`` probabilities of "same".
      num_clusters: K; ``None`` merges while the mean similarity of two clusters is above one half.

    Returns:
      ``[N]`` int labels.

    Example:
      >>> agglomerative([[1, 1, 0], [1, 1, 0], [0, 0, 1]], None).tolist()
      [0, 0, 1]
    """
    model = AgglomerativeClustering(
        num_clusters,
        metric="precomputed",
        linkage="average",
        distance_threshold=0.5 if num_clusters is None else None,
    )
    return model.fit_predict(1 - symmetric(similarity))


def spectral_of_pairs(similarity: ArrayLike, num_clusters: int, seed: int) -> np.ndarray:
    """Spectral clustering of the graph whose weights are the similarities.

    Args:
      similarity: ``[N, N]`` probabilities of "same".
      num_clusters: K.
      seed: of the k-means on the eigenvectors.

    Returns:
      ``[N]`` int labels.
    """
    model = SpectralClustering(num_clusters, affinity="precomputed", random_state=seed)
    with warnings.catch_warnings():  # about graphs that are not connected
        warnings.simplefilter("ignore")
        return model.fit_predict(symmetric(similarity))
