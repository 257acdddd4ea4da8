"""How points reach a learner: fitted once, applied by a pure function."""

from l2c_jax.preprocessing.column_options import ColumnOptions
from l2c_jax.preprocessing.columns import ColumnScaling, fit_columns, standardize
from l2c_jax.preprocessing.encoder import Encoder, encode, fit_encoder
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
from l2c_jax.preprocessing.roles import ColumnRole, detect_roles

__all__ = [
    "KINDS",
    "ColumnOptions",
    "ColumnRole",
    "ColumnScaling",
    "Encoder",
    "Kind",
    "Preprocessing",
    "PrincipalAxes",
    "apply_preprocessing",
    "detect_roles",
    "encode",
    "fit_columns",
    "fit_encoder",
    "fit_preprocessing",
    "fit_table_preprocessing",
    "preprocess",
    "standardize",
]
