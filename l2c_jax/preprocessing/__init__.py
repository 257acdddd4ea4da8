"""How points reach a learner: fitted once, applied by a pure function."""

from l2c_jax.preprocessing.columns import ColumnScaling, fit_columns, standardize
from l2c_jax.preprocessing.principal import (
    KINDS,
    Kind,
    Preprocessing,
    PrincipalAxes,
    apply_preprocessing,
    fit_preprocessing,
    fit_table_preprocessing,
    preprocess,
)

__all__ = [
    "KINDS",
    "ColumnScaling",
    "Kind",
    "Preprocessing",
    "PrincipalAxes",
    "apply_preprocessing",
    "fit_columns",
    "fit_preprocessing",
    "fit_table_preprocessing",
    "preprocess",
    "standardize",
]
