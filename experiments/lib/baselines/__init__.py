"""Clusterers to compare with, under one signature, in one registry.

To compare with another clusterer, write it as a :data:`Baseline` and add it to :data:`BASELINES`.
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from experiments.lib.baselines.classical import (
    dbscan,
    gaussian_mixture,
    genie,
    hdbscan,
    kernel_kmeans,
    kmeans,
    spectral,
    ward,
)
from experiments.lib.baselines.dec import deep_embedded_clustering

Baseline: TypeAlias = Callable[..., np.ndarray]
"""``baseline(points [N, D], num_clusters, seed, **parameters) -> labels [N]``."""

BASELINES: dict[str, Baseline] = {
    "k-means": kmeans,
    "kernel k-means": kernel_kmeans,
    "spectral": spectral,
    "DBSCAN": dbscan,
    "HDBSCAN": hdbscan,
    "Gaussian mixture": gaussian_mixture,
    "Ward": ward,
    "Genie": genie,
    "DEC": deep_embedded_clustering,
}
"""Every baseline by its name on the results page."""

__all__ = ["BASELINES", "Baseline"]
