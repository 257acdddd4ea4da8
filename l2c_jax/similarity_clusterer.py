"""Deprecated: ``SimilarityClusterer`` lives in :mod:`l2c_jax.estimators` since version 0.2."""

import warnings

from l2c_jax.estimators import SimilarityClusterer

__all__ = ["SimilarityClusterer"]

warnings.warn(
    "l2c_jax.similarity_clusterer is l2c_jax.estimators now", DeprecationWarning, stacklevel=2
)
