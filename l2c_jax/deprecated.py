"""Functions of release 1 that go away; each says what replaces it."""

import warnings
from typing import NamedTuple

import numpy as np

from l2c_jax.recurrent.config import InferenceConfig, ModelConfig
from l2c_jax.recurrent.learner import Learner
from l2c_jax.tabular.clusterer import TabularConfig, adapt_table, predict_table
from l2c_jax.tabular.model import TabularModel
from l2c_jax.types import ArrayLike, PyTree


class Clustering(NamedTuple):
    """The answer of :func:`cluster`."""

    labels: np.ndarray  # [N] int32
    probabilities: np.ndarray  # [N, k]
    num_clusters: int  # clusters in use


def cluster(
    params: PyTree,
    model: ModelConfig,
    points: ArrayLike,
    *,
    num_clusters: int | None = None,
    passes: int = 2,
    orders: int = 16,
    seed: int = 0,
) -> Clustering:
    """Deprecated: :func:`l2c_jax.adapt_table` and :func:`l2c_jax.predict_table` cluster a table.

    Args:
      params: parameters of a learner.
      model: its configuration.
      points: ``[N, D]``, columns as they are.
      num_clusters: k, or ``None``.
      passes: epochs.
      orders: members of the ensemble.
      seed: of the orders.

    Returns:
      Labels, probabilities and the number of clusters in use.
    """
    warnings.warn(
        "l2c_jax.cluster goes away: use adapt_table and predict_table",
        DeprecationWarning,
        stacklevel=2,
    )
    clusterer = TabularModel(Learner(params, model))
    config = TabularConfig(InferenceConfig(passes, orders), standardize=False)
    fitted = adapt_table(clusterer, points, num_clusters, config=config, seed=seed)
    probabilities = predict_table(clusterer, fitted, points)
    labels = probabilities.argmax(axis=1).astype(np.int32)
    return Clustering(labels, probabilities, len(np.unique(labels)))
