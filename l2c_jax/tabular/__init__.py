"""Any table of numbers: how many clusters, and which row belongs to which."""

from l2c_jax.tabular.clusterer import (
    FittedTable,
    TabularConfig,
    adapt_table,
    predict_chunks,
    predict_table,
)
from l2c_jax.tabular.judge import Judge
from l2c_jax.tabular.judge_examples import JudgeConfig
from l2c_jax.tabular.judge_training import fit_judge, train_judge
from l2c_jax.tabular.model import TabularModel, load_tabular_model, save_tabular_model

__all__ = [
    "FittedTable",
    "Judge",
    "JudgeConfig",
    "TabularConfig",
    "TabularModel",
    "adapt_table",
    "fit_judge",
    "load_tabular_model",
    "predict_chunks",
    "predict_table",
    "save_tabular_model",
    "train_judge",
]
