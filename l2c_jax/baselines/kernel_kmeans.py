"""Kernel k-means with an RBF kernel, by tslearn (an extra: it brings numba)."""

import warnings

import numpy as np


def kernel_kmeans(
    points: np.ndarray, num_clusters: int, seed: int, *, gamma: float = 1.0, n_init: int = 10
) -> np.ndarray:
    """Cluster by k-means in the feature space of ``exp(-gamma |x - y|^2)``.

    Args:
      points: ``[N, D]``.
      num_clusters: k.
      seed: of the starts.
      gamma: inverse squared width of the kernel.
      n_init: starts, of which the best is kept.

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
    # None: no start came to an end
    return np.zeros(len(points), int) if labels is None else labels
