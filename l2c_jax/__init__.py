"""l2c_jax: clustering that is learned.

Where to begin:

* A table and no labels: :class:`MetaClusterer` (scikit-learn's interface), or ``l2c cluster``.
* In JAX code: ``learner = load_learner("demo")``, then :func:`adapt` and :func:`predict`; both
  are pure functions for ``jit`` and ``vmap``.
* Train a learner: :func:`fit` with a task distribution such as :class:`GaussianTasks`, a
  :class:`ModelConfig` and a :class:`TrainConfig`.
* Clusters of classes that nobody has labelled, by a similarity learned on other classes:
  :class:`SimilarityClusterer`, or :mod:`l2c_jax.pairwise`.

Packages, from the bottom up: ``training`` (loop, checkpoints, weight files), ``preprocessing``
(coordinates), ``tasks`` (labelled problems to learn from), ``recurrent`` (Jiang & Verma 2019),
``pairwise`` (Hsu, Lv & Kira 2018), ``tabular`` (any table), ``estimators``, ``report``, ``io``,
``cli``.
"""

import importlib
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from l2c_jax.metrics import (
    adjusted_rand_index,
    error_rate,
    normalized_mutual_information,
    scores,
)
from l2c_jax.recurrent import (
    AdaptedState,
    Cell,
    InferenceConfig,
    Learner,
    Metadata,
    ModelConfig,
    Prediction,
    TrainConfig,
    adapt,
    classification_loss,
    fit,
    hungarian_labels,
    last_epoch,
    load_learner,
    local_loss,
    predict,
    pretrained_weights,
    save_learner,
)
from l2c_jax.tabular import (
    FittedTable,
    JudgeConfig,
    TabularConfig,
    TabularModel,
    adapt_table,
    load_tabular_model,
    predict_table,
    save_tabular_model,
    train_judge,
)
from l2c_jax.tasks import (
    BroadPrior,
    GaussianTasks,
    StructureTasks,
    TableTasks,
    Task,
    TaskDistribution,
    TaskMixture,
    make_pool,
)
from l2c_jax.training.loop import RunOptions

if TYPE_CHECKING:
    from l2c_jax.estimators import MetaClusterer, SimilarityClusterer
    from l2c_jax.pairwise import (
        Similarity,
        kcl,
        learn_similarity,
        load_similarity,
        mcl,
        predict_similarity,
        save_similarity,
    )

__version__ = version("l2c_jax")

_LAZY = {  # need scikit-learn or Flax, which ``import l2c_jax`` leaves alone
    "MetaClusterer": "l2c_jax.estimators",
    "SimilarityClusterer": "l2c_jax.estimators",
    "Similarity": "l2c_jax.pairwise",
    "kcl": "l2c_jax.pairwise",
    "learn_similarity": "l2c_jax.pairwise",
    "load_similarity": "l2c_jax.pairwise",
    "mcl": "l2c_jax.pairwise",
    "predict_similarity": "l2c_jax.pairwise",
    "save_similarity": "l2c_jax.pairwise",
    "cluster": "l2c_jax.deprecated",
}

__all__ = [
    "AdaptedState",
    "BroadPrior",
    "Cell",
    "FittedTable",
    "GaussianTasks",
    "InferenceConfig",
    "JudgeConfig",
    "Learner",
    "MetaClusterer",
    "Metadata",
    "ModelConfig",
    "Prediction",
    "RunOptions",
    "Similarity",
    "SimilarityClusterer",
    "StructureTasks",
    "TableTasks",
    "TabularConfig",
    "TabularModel",
    "Task",
    "TaskDistribution",
    "TaskMixture",
    "TrainConfig",
    "adapt",
    "adapt_table",
    "adjusted_rand_index",
    "classification_loss",
    "error_rate",
    "fit",
    "hungarian_labels",
    "kcl",
    "last_epoch",
    "learn_similarity",
    "load_learner",
    "load_similarity",
    "load_tabular_model",
    "local_loss",
    "make_pool",
    "mcl",
    "normalized_mutual_information",
    "predict",
    "predict_similarity",
    "predict_table",
    "pretrained_weights",
    "save_learner",
    "save_similarity",
    "save_tabular_model",
    "scores",
    "train_judge",
]


def __getattr__(name: str) -> Any:
    """Names that are imported when they are first used."""
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """All public names, imported or not."""
    return sorted({*globals(), *__all__})
