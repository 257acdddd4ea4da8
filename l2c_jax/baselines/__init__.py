"""Designed clusterers to compare with, under one signature, in one registry."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from l2c_jax.baselines.dec import dec
from l2c_jax.baselines.kernel_kmeans import kernel_kmeans
from l2c_jax.baselines.sklearn import (
    dbscan,
    gaussian_mixture,
    hdbscan,
    kmeans,
    spectral,
    ward,
)

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
    "DEC": dec,
}
"""Every baseline by the name that tables print."""

__all__ = [
    "BASELINES",
    "Baseline",
    "dbscan",
    "dec",
    "gaussian_mixture",
    "hdbscan",
    "kernel_kmeans",
    "kmeans",
    "spectral",
    "ward",
]
