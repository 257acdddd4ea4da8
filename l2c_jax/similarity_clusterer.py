"""Deprecated: ``SimilarityClusterer`` lives in :mod:`l2c_jax.estimators` since version 0.2."""

import warnings
from typing import Any

from l2c_jax import estimators


def __getattr__(name: str) -> Any:
    """``SimilarityClusterer``, with a warning."""
    if name != "SimilarityClusterer":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    warnings.warn(f"{__name__} is l2c_jax.estimators now", DeprecationWarning, stacklevel=2)
    return estimators.SimilarityClusterer
