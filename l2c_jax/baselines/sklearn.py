"""Clustering algorithms of scikit-learn under one signature: ``(points, k, seed) -> labels``."""

import warnings

import numpy as np
from sklearn.cluster import DBSCAN, HDBSCAN, AgglomerativeClustering, KMeans, SpectralClustering
from sklearn.mixture import GaussianMixture


def kmeans(points: np.ndarray, num_clusters: int, seed: int, *, n_init: int = 10) -> np.ndarray:
    """k-means, the best of ``n_init`` starts.

    Args:
      points: ``[N, D]``.
      num_clusters: k.
      seed: of the starts.
      n_init: how many starts.

    Returns:
      ``[N]`` int labels.
    """
    return KMeans(num_clusters, n_init=n_init, random_state=seed).fit_predict(points)


def spectral(
    points: np.ndarray,
    num_clusters: int,
    seed: int,
    *,
    gamma: float | None = None,
    neighbours: int | None = None,
) -> np.ndarray:
    """Spectral clustering, with an RBF affinity or a graph of nearest neighbours.

    Args:
      points: ``[N, D]``.
      num_clusters: k.
      seed: of the k-means at its end.
      gamma: inverse squared width of the RBF affinity; 1 if neither option is given.
      neighbours: how many nearest neighbours make the graph.

    Returns:
      ``[N]`` int labels.
    """
    if neighbours is None:
        model = SpectralClustering(
            num_clusters, gamma=1.0 if gamma is None else gamma, random_state=seed
        )
    else:
        model = SpectralClustering(
            num_clusters,
            affinity="nearest_neighbors",
            n_neighbors=min(neighbours, len(points)),
            random_state=seed,
        )
    with warnings.catch_warnings():  # that the graph is not connected is part of the method
        warnings.simplefilter("ignore")
        return model.fit_predict(points)


def dbscan(
    points: np.ndarray, num_clusters: int, seed: int, *, eps: float = 0.5, min_samples: int = 5
) -> np.ndarray:
    """DBSCAN; finds its own number of clusters, -1 is noise.

    Args:
      points: ``[N, D]``.
      num_clusters: not used.
      seed: not used; the method has no randomness.
      eps: radius, in units of the data.
      min_samples: points within it that make a core point.

    Returns:
      ``[N]`` int labels.
    """
    return DBSCAN(eps=eps, min_samples=min_samples).fit_predict(points)


def hdbscan(
    points: np.ndarray, num_clusters: int, seed: int, *, min_cluster_size: int = 5
) -> np.ndarray:
    """HDBSCAN; finds its own number of clusters, -1 is noise.

    Args:
      points: ``[N, D]``.
      num_clusters: not used.
      seed: not used.
      min_cluster_size: points of the smallest cluster.

    Returns:
      ``[N]`` int labels.
    """
    size = max(2, min(min_cluster_size, len(points)))
    return HDBSCAN(min_cluster_size=size, copy=True).fit_predict(points)


def gaussian_mixture(
    points: np.ndarray, num_clusters: int, seed: int, *, n_init: int = 10
) -> np.ndarray:
    """A mixture of Gaussians with full covariances, the best of ``n_init`` starts.

    Args:
      points: ``[N, D]``.
      num_clusters: k.
      seed: of the starts.
      n_init: how many starts.

    Returns:
      ``[N]`` int labels.
    """
    model = GaussianMixture(num_clusters, n_init=n_init, random_state=seed, reg_covar=1e-5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit_predict(points)


def ward(points: np.ndarray, num_clusters: int, seed: int) -> np.ndarray:
    """Agglomerative clustering with Ward's criterion.

    Args:
      points: ``[N, D]``.
      num_clusters: k.
      seed: not used.

    Returns:
      ``[N]`` int labels.
    """
    return AgglomerativeClustering(num_clusters, linkage="ward").fit_predict(points)
