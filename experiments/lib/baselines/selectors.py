"""Selectors of the number of clusters: silhouette, BIC and gap statistic, with one signature."""

from collections.abc import Callable, Mapping

import numpy as np
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import silhouette_score
from sklearn.mixture import GaussianMixture

Selector = Callable[[np.ndarray, int, int], int]
"""``select(points [N, D], most, seed) -> k``, in 1 ... most."""


def silhouette(points: np.ndarray, most: int, seed: int, least: int = 2) -> int:
    """The k of largest mean silhouette of k-means; never 1 (Rousseeuw 1987).

    Args:
      points: ``[N, D]``.
      most: largest k considered.
      seed: of the starts.
      least: smallest k considered, from 2 on.

    Returns:
      k. 1 only if there are fewer than ``least`` + 1 distinct points.

    Example:
      >>> rng = np.random.default_rng(0)
      >>> corners = np.array([[0, 0], [20, 0], [0, 20]])
      >>> points = rng.normal(size=(300, 2)) + corners[np.arange(300) % 3]
      >>> silhouette(points, 6, 0), bic(points, 6, 0), gap(points, 6, 0)
      (3, 3, 3)
    """
    distinct = len(np.unique(points, axis=0))
    scores = {
        k: float(silhouette_score(points, _kmeans(points, k, seed).labels_))
        for k in range(least, min(most, distinct - 1, len(points) - 1) + 1)
    }
    return max(scores, key=scores.__getitem__) if scores else 1


def bic(points: np.ndarray, most: int, seed: int) -> int:
    """The k of least Bayesian information criterion of a Gaussian mixture (Schwarz 1978)."""
    found = {}
    for k in range(1, min(most, len(points)) + 1):
        mixture = GaussianMixture(k, n_init=2, reg_covar=1e-4, random_state=seed)
        found[k] = float(mixture.fit(points).bic(points))
    return min(found, key=found.__getitem__)


def gap(points: np.ndarray, most: int, seed: int, references: int = 10) -> int:
    """The least k whose gap statistic reaches the next one's, less its error (Tibshirani 2001).

    References are uniform in the box of the principal axes; each k-means has ``n_init=3``.
    """
    rng = np.random.default_rng(seed)
    rotated = PCA(random_state=0).fit_transform(points)
    low, high = rotated.min(axis=0), rotated.max(axis=0)
    boxes = [rng.uniform(low, high, rotated.shape) for _ in range(references)]
    gaps, errors = [], []
    last = min(most, len(points) - 1)
    for k in range(1, last + 1):
        own = _log_scatter(rotated, k, seed)
        others = np.array([_log_scatter(box, k, seed) for box in boxes])
        gaps.append(others.mean() - own)
        errors.append(others.std() * np.sqrt(1 + 1 / references))
        if k > 1 and gaps[-2] >= gaps[-1] - errors[-1]:
            return k - 1
    return max(last, 1)


SELECTORS: Mapping[str, Selector] = {"silhouette": silhouette, "BIC": bic, "gap": gap}
"""Every selector by its name."""


def _kmeans(points: np.ndarray, k: int, seed: int) -> KMeans:
    return KMeans(k, n_init=3, random_state=seed).fit(points)


def _log_scatter(points: np.ndarray, k: int, seed: int) -> float:
    return float(np.log(_kmeans(points, k, seed).inertia_ + 1e-12))
