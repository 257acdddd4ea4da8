"""Data sets that a person judges at a glance, and the clusterers to compare with on them."""

import warnings
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import NamedTuple, TypeAlias

import jax
import numpy as np
from sklearn import datasets
from sklearn.cluster import HDBSCAN, KMeans, SpectralClustering
from sklearn.mixture import GaussianMixture

from l2c_jax.preprocessing import standardize
from l2c_jax.tasks.gaussian import GaussianTasks

PAGE_SEED, PAGE_POINTS = 30, 500
"""Seed and number of points of scikit-learn's page "Comparing different clustering algorithms"."""
_BLOBS_SEED = 170
"""Seed of that page for the blobs of different variance and the stretched blobs."""


class Data(NamedTuple):
    """A labelled data set."""

    name: str
    points: np.ndarray  # [N, D]
    labels: np.ndarray  # [N] int

    @property
    def num_clusters(self) -> int:
        """k."""
        return len(np.unique(self.labels))


def plane(seed: int = PAGE_SEED, num_points: int = PAGE_POINTS) -> Iterator[Data]:
    """The data sets of scikit-learn's comparison page, and swirls of section 4.1.

    Args:
      seed: the page's own data for :data:`PAGE_SEED`.
      num_points: N.

    Yields:
      Seven data sets of two columns.

    Example:
      >>> [data.name for data in plane(num_points=30)]
      ['circles', 'moons', 'varied', 'aniso', 'blobs', 'no structure', 'swirls']
    """
    own = _BLOBS_SEED if seed == PAGE_SEED else seed
    shared = {"n_samples": num_points, "random_state": seed}
    yield Data("circles", *datasets.make_circles(factor=0.5, noise=0.05, **shared))
    yield Data("moons", *datasets.make_moons(noise=0.05, **shared))
    blobs = {"n_samples": num_points, "random_state": own}
    yield Data("varied", *datasets.make_blobs(cluster_std=[1.0, 2.5, 0.5], **blobs))
    points, labels = datasets.make_blobs(**blobs)
    yield Data("aniso", points @ np.array([[0.6, -0.6], [-0.4, 0.8]]), labels)
    yield Data("blobs", *datasets.make_blobs(**shared))
    rng = np.random.RandomState(seed)
    yield Data("no structure", rng.rand(num_points, 2), np.zeros(num_points, int))
    tasks = GaussianTasks(num_points=num_points, num_clusters=2, num_swirls=2)
    task = jax.tree.map(np.asarray, tasks.sample(jax.random.key(seed)))
    yield Data("swirls", task.points.astype(np.float64), task.labels)


def real() -> Iterator[Data]:
    """Real tables that come with scikit-learn, their columns standardized.

    Yields:
      Iris, Wine, Breast cancer and Digits.
    """
    loaders = {
        "Iris": datasets.load_iris,
        "Wine": datasets.load_wine,
        "Breast cancer": datasets.load_breast_cancer,
        "Digits": datasets.load_digits,
    }
    for name, load in loaders.items():
        table = load()
        yield Data(name, standardize(table.data), table.target)


Rival: TypeAlias = Callable[[np.ndarray, int, int], np.ndarray]
"""``rival(points [N, D], num_clusters, seed) -> labels [N]``; -1 is noise."""


def kmeans(points: np.ndarray, num_clusters: int, seed: int) -> np.ndarray:
    """The best of 10 starts."""
    return KMeans(num_clusters, n_init=10, random_state=seed).fit_predict(points)


def gaussian_mixture(points: np.ndarray, num_clusters: int, seed: int) -> np.ndarray:
    """The best of 3 starts."""
    model = GaussianMixture(num_clusters, n_init=3, random_state=seed, reg_covar=1e-3)
    return model.fit_predict(points)


def spectral(points: np.ndarray, num_clusters: int, seed: int) -> np.ndarray:
    """On the graph of 10 nearest neighbors."""
    model = SpectralClustering(
        num_clusters,
        affinity="nearest_neighbors",
        n_neighbors=min(10, len(points)),
        random_state=seed,
    )
    with warnings.catch_warnings():  # about graphs that are not connected
        warnings.simplefilter("ignore")
        return model.fit_predict(points)


def hdbscan(points: np.ndarray, num_clusters: int, seed: int) -> np.ndarray:
    """With at least 15 points in a cluster; determines their number itself."""
    return HDBSCAN(min_cluster_size=15, copy=True).fit_predict(points)


def genie(points: np.ndarray, num_clusters: int, seed: int) -> np.ndarray:
    """Genie (Gagolewski 2016) with its default threshold; needs the package genieclust."""
    from genieclust import Genie

    return Genie(n_clusters=num_clusters).fit_predict(points)


def rivals() -> dict[str, Rival]:
    """The clusterers to compare with, by name; Genie only if it is installed."""
    found: dict[str, Rival] = {
        "k-means": kmeans,
        "Gaussian mixture": gaussian_mixture,
        "spectral": spectral,
        "HDBSCAN": hdbscan,
    }
    return found | ({"Genie": genie} if find_spec("genieclust") else {})
