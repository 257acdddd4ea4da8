"""``MetaClusterer().fit_predict(X)``: the pretrained clusterer with scikit-learn's interface."""

import warnings
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    ClusterMixin,
    TransformerMixin,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from l2c_jax.recurrent.config import InferenceConfig
from l2c_jax.recurrent.learner import weights_path
from l2c_jax.tabular.clusterer import TabularConfig, adapt_table, predict_chunks
from l2c_jax.tabular.model import TabularModel, load_tabular_model

ROWS = 65_536
"""Rows that are held in double precision at a time."""


class MetaClusterer(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, ClusterMixin, BaseEstimator
):
    """Clustering by a learner that was trained before, on synthetic tasks; ``fit`` trains nothing.

    ``fit`` reads a sample of at most 512 rows in two views and several orders; a learned judge
    chooses among the partitions, and each row is labelled with the resulting states. Columns may
    have any unit and any order; rows may be millions.

    Args:
      n_clusters: k, at most 10 for the packaged weights. ``None``: the most probable one
        of P(k | X).
      weights: the name of packaged weights, or a file.
      n_orders: M, members of the ensemble, each with orders of its own; half of them in each
        view. The better half of those in the view that the judge chooses is averaged.
      n_epochs: E, passes of each member over the sample.
      random_state: seed of the sample and the orders.

    Attributes:
      labels_: ``[N]`` int, clusters numbered from 0.
      probabilities_: ``[N, k]``, rows sum to 1.
      n_clusters_: k.
      n_clusters_proba_: ``[K]``, P(k | X) of 1 ... K clusters; ``None`` if ``n_clusters`` was
        given, or for weights without a judge.
      view_: ``"principal"`` or ``"diffusion"``, the view that was chosen.
      expected_index_: the adjusted Rand index with the unknown labels that the judge expects;
        ``None`` for weights without a judge.
      n_features_in_: D.

    Raises:
      ValueError: from ``fit``, if X is no finite table of numbers, or has fewer rows than
        ``n_clusters``.

    References:
      Jiang & Verma, *Meta-Learning to Cluster*, 2019, Algorithm 2.

    Example:
      >>> from sklearn.datasets import load_iris
      >>> clusterer = MetaClusterer(n_clusters=3, random_state=0).fit(load_iris().data)
      >>> clusterer.labels_.shape, clusterer.predict([[5.0, 3.5, 1.4, 0.2]]).shape
      ((150,), (1,))
    """

    def __init__(
        self,
        n_clusters: int | None = None,
        *,
        weights: str | Path = "universal",
        n_orders: int = 16,
        n_epochs: int = 2,
        random_state: Any = None,
    ):
        self.n_clusters = n_clusters
        self.weights = weights
        self.n_orders = n_orders
        self.n_epochs = n_epochs
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> "MetaClusterer":  # noqa: N803
        """Find the clusters of a table.

        Args:
          X: ``[N, D]`` numbers: an array, list, memmap, or data frame.
          y: ignored.

        Returns:
          This estimator.
        """
        rows = validate_data(self, X, dtype=[np.float64, np.float32])
        if self.n_clusters is not None and len(rows) < self.n_clusters:
            raise ValueError(f"n_samples={len(rows)} should be >= n_clusters={self.n_clusters}.")
        config = TabularConfig()
        inference = InferenceConfig(
            epochs=self.n_epochs,
            orders=self.n_orders,
            points_per_epoch=config.inference.points_per_epoch,
        )
        self._model = _model(str(self.weights))
        self._fitted = adapt_table(
            self._model,
            rows,
            self.n_clusters,
            config=TabularConfig(inference),
            seed=check_random_state(self.random_state).randint(2**31 - 1),
        )
        found = len(self._fitted.clusters)
        self._used = np.arange(found)
        probabilities = self._probabilities(rows)
        self._used = np.unique(probabilities.argmax(axis=1))
        if len(self._used) < found:
            if self.n_clusters is not None:
                warnings.warn(
                    f"found {len(self._used)} clusters, fewer than n_clusters={self.n_clusters}: "
                    "the rows are too much alike",
                    ConvergenceWarning,
                    stacklevel=2,
                )
            probabilities = self._probabilities(rows)
        self.probabilities_ = probabilities
        self.labels_ = probabilities.argmax(axis=1)
        self.n_clusters_ = len(self._used)
        self.n_clusters_proba_ = self._fitted.count_probabilities
        self.view_ = self._fitted.view
        self.expected_index_ = self._fitted.expected_index
        self._n_features_out = self.n_clusters_
        return self

    def predict(self, X: Any) -> np.ndarray:  # noqa: N803
        """``[N]`` int, the cluster of each row by itself."""
        return self.predict_proba(X).argmax(axis=1)

    def predict_proba(self, X: Any) -> np.ndarray:  # noqa: N803
        """``[N, k]``, the probabilities of the clusters for each row by itself."""
        check_is_fitted(self)
        return self._probabilities(
            validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        )

    def transform(self, X: Any) -> np.ndarray:  # noqa: N803
        """As :meth:`predict_proba`, so that the memberships can be features in a pipeline."""
        return self.predict_proba(X)

    def _probabilities(self, rows: np.ndarray) -> np.ndarray:
        def pieces() -> Iterator[np.ndarray]:
            for start in range(0, len(rows), ROWS):
                yield np.asarray(rows[start : start + ROWS], np.float64)

        found = np.concatenate(list(predict_chunks(self._model, self._fitted, pieces())))
        kept = found[:, self._used] + 1e-12
        return kept / kept.sum(axis=1, keepdims=True)


def _model(weights: str) -> TabularModel:
    """Each weight file is read once, and again when it changed."""
    path = weights_path(weights)
    state = path.stat() if path.is_file() else None
    if state is None:
        return _load(weights, None)
    return _load(weights, (state.st_mtime_ns, state.st_ctime_ns, state.st_ino, state.st_size))


@lru_cache(maxsize=8)
def _load(weights: str, state: tuple[int, ...] | None) -> TabularModel:
    return load_tabular_model(weights)
