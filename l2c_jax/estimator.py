"""Deprecated: ``MetaClusterer`` lives in :mod:`l2c_jax.estimators` since version 0.2."""

import warnings

from l2c_jax.estimators import MetaClusterer

__all__ = ["MetaClusterer"]

warnings.warn("l2c_jax.estimator is l2c_jax.estimators now", DeprecationWarning, stacklevel=2)
