"""Deprecated: ``MetaClusterer`` lives in :mod:`l2c_jax.estimators` since version 0.2."""

import warnings
from typing import Any

from l2c_jax import estimators


def __getattr__(name: str) -> Any:
    """A name of :mod:`l2c_jax.estimators`, with a warning."""
    if name.startswith("_"):
        raise AttributeError(name)
    warnings.warn("l2c_jax.estimator is l2c_jax.estimators now", DeprecationWarning, stacklevel=2)
    return getattr(estimators, name)
