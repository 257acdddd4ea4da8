"""Any table of numbers: how many clusters, and which row belongs to which."""

from l2c_jax.tabular.clusterer import (
    FittedTable,
    TabularConfig,
    adapt_table,
    predict_chunks,
    predict_table,
)
from l2c_jax.tabular.count_head import CountHead
from l2c_jax.tabular.fit_count_head import CountHeadConfig
from l2c_jax.tabular.model import TabularModel, load_tabular_model, save_tabular_model

__all__ = [
    "CountHead",
    "CountHeadConfig",
    "FittedTable",
    "TabularConfig",
    "TabularModel",
    "adapt_table",
    "load_tabular_model",
    "predict_chunks",
    "predict_table",
    "save_tabular_model",
]
