"""Algorithms of scikit-learn and tslearn under one signature: ``(points, k, seed) -> labels``."""

import warnings

import numpy as np
from genieclust import Genie
from sklearn.cluster import DBSCAN, HDBSCAN, AgglomerativeClustering, KMeans, SpectralClustering
from sklearn.mixture import GaussianMixture


def kmeans(points: np.ndarray, num_clusters: int, seed: int, *, n_init: int = 10) -> np.ndarray:
    """k-means, the best of ``n_init`` starts.

    Args:
      points: ``[N, D]``.
      num_clusters: k.
      seed: of the starts.
      n_init: number of starts.

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
    """Spectral clustering of an RBF affinity, or of a graph of nearest neighbors.

    Args:
      points: ``[N, D]``.
      num_clusters: k.
      seed: of the k-means on the eigenvectors.
      gamma: inverse squared width of the RBF affinity; 1 if neither option is given.
      neighbours: number of nearest neighbors in the graph.

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
    with warnings.catch_warnings():  # about graphs that are not connected
        warnings.simplefilter("ignore")
        return model.fit_predict(points)


def genie(
    points: np.ndarray, num_clusters: int, seed: int, *, gini_threshold: float = 0.3
) -> np.ndarray:
    """Genie: hierarchical clustering with a bound on how unequal the sizes get (Gagolewski 2016).

    Args:
      points: ``[N, D]``.
      num_clusters: k.
      seed: ignored; the method is deterministic.
      gini_threshold: largest Gini index of the sizes.

    Returns:
      ``[N]`` int labels.
    """
    model = Genie(n_clusters=num_clusters, gini_threshold=gini_threshold)
    if points.shape[1] == 1:  # refused otherwise; distances stay
        points = np.pad(points, ((0, 0), (0, 1)))
    return np.asarray(model.fit_predict(np.ascontiguousarray(points, np.float64)))


def dbscan(
    points: np.ndarray, num_clusters: int, seed: int, *, eps: float = 0.5, min_samples: int = 5
) -> np.ndarray:
    """DBSCAN; determines the number of clusters itself, label -1 is noise.

    Args:
      points: ``[N, D]``.
      num_clusters: ignored.
      seed: ignored; the method is deterministic.
      eps: radius, in units of the data.
      min_samples: least number of points within that radius of a core point.

    Returns:
      ``[N]`` int labels.
    """
    return DBSCAN(eps=eps, min_samples=min_samples).fit_predict(points)


def hdbscan(
    points: np.ndarray, num_clusters: int, seed: int, *, min_cluster_size: int = 5
) -> np.ndarray:
    """HDBSCAN; determines the number of clusters itself, label -1 is noise.

    Args:
      points: ``[N, D]``.
      num_clusters: ignored.
      seed: ignored.
      min_cluster_size: least number of points in a cluster.

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
      n_init: number of starts.

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
      seed: ignored.

    Returns:
      ``[N]`` int labels.
    """
    return AgglomerativeClustering(num_clusters, linkage="ward").fit_predict(points)


def kernel_kmeans(
    points: np.ndarray, num_clusters: int, seed: int, *, gamma: float = 1.0, n_init: int = 10
) -> np.ndarray:
    """k-means in the feature space of the kernel ``exp(-gamma |x - y|^2)``, by tslearn.

    tslearn is imported here, because it imports numba, which takes seconds.

    Args:
      points: ``[N, D]``.
      num_clusters: k.
      seed: of the starts.
      gamma: inverse squared width of the kernel.
      n_init: number of starts; the best result is returned.

    Returns:
      ``[N]`` int labels.

    References:
      Dhillon, Guan & Kulis, *Kernel k-means, spectral clustering and normalized cuts*, 2004.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from tslearn.clustering import KernelKMeans

        model = KernelKMeans(
            num_clusters,
            kernel="rbf",
            kernel_params={"gamma": gamma},
            n_init=n_init,
            max_iter=100,
            random_state=seed,
        )
        labels = model.fit(points[:, None, :]).labels_
    # tslearn gives no labels where no start converged
    return np.zeros(len(points), int) if labels is None else labels
