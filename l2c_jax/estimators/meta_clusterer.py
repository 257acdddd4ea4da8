"""``MetaClusterer().fit_predict(X)``: the pretrained clusterer with scikit-learn's interface."""

import warnings
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from numbers import Complex, Real
from pathlib import Path
from typing import Any, NamedTuple

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

from l2c_jax.estimators.parameters import check_count
from l2c_jax.preprocessing.column_options import ColumnOptions
from l2c_jax.preprocessing.encoder import Encoder, detection_rows, encode, fit_encoder, sample_rows
from l2c_jax.preprocessing.frames import Frame, is_frame, read_frame, read_objects
from l2c_jax.preprocessing.roles import ColumnRole, detect_roles
from l2c_jax.recurrent.config import InferenceConfig
from l2c_jax.recurrent.learner import weights_path
from l2c_jax.tabular.clusterer import TabularConfig, adapt_table, predict_chunks
from l2c_jax.tabular.model import TabularModel, load_tabular_model
from l2c_jax.tabular.table import SORTED_ROWS

ROWS = 65_536
"""Rows that are held in double precision at a time."""


class MetaClusterer(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, ClusterMixin, BaseEstimator
):
    """Clustering by a learner and a judge that were trained before; ``fit`` trains nothing.

    ``fit`` reads a sample of at most 512 rows in four views and several orders; a learned judge
    chooses among the partitions, and each row is labelled with the resulting states. Columns may
    have any unit and any order; rows may be millions. Missing values
    (NaN, None, ``pd.NA``, NaT, masked) are filled, see :attr:`column_roles_`. Of a data frame,
    columns of words are used as categories, and identifiers, dates and free text are left out, as
    ``l2c cluster`` does; every column of an array of numbers is used.

    Args:
      n_clusters: k, at most 10 for the packaged weights. ``None``: the most probable one
        of P(k | X).
      weights: the name of packaged weights, or a file.
      n_orders: M, members of the ensemble, each with orders of its own; half of them in each
        view. The better half of those in the view that the judge chooses is averaged.
      n_epochs: E, passes of each member over the sample.
      columns: which columns are used, and as what; the rest is detected.
      random_state: seed of the sample and the orders.

    Attributes:
      labels_: ``[N]`` int, clusters numbered from 0.
      probabilities_: ``[N, k]``, rows sum to 1.
      n_clusters_: k.
      n_clusters_proba_: ``[K]``, P(k | X) of 1 ... K clusters; ``None`` if ``n_clusters`` was
        given, or for weights without a judge.
      view_: the view that was chosen: ``"principal"``, ``"ranks"``, ``"diffusion"``, ``"paths"``.
      expected_index_: the adjusted Rand index with the unknown labels that the judge expects;
        ``None`` for weights without a judge.
      column_roles_: D :class:`~l2c_jax.preprocessing.roles.ColumnRole`, what each column was read
        as, whether it is used, and why.
      n_features_in_: D.

    Raises:
      TypeError: from ``fit``, if a parameter or a cell is of a wrong type.
      ValueError: from ``fit``, if X is no table, has infinite numbers, a cell that is no number in
        a column of numbers, no usable column, or fewer rows than ``n_clusters``.

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
        columns: ColumnOptions | None = None,
        random_state: Any = None,
    ):
        self.n_clusters = n_clusters
        self.weights = weights
        self.n_orders = n_orders
        self.n_epochs = n_epochs
        self.columns = columns
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> "MetaClusterer":  # noqa: N803
        """Find the clusters of a table.

        Args:
          X: ``[N, D]``: an array, list, memmap, masked array, or data frame of pandas or polars.
          y: ignored.

        Returns:
          This estimator.
        """
        self._check_parameters()
        table = self._table(X, reset=True)
        if self.n_clusters is not None and table.rows < self.n_clusters:
            raise ValueError(f"n_samples={table.rows} should be >= n_clusters={self.n_clusters}.")
        self.column_roles_, self._encoder = self._fit_columns(table)
        config = TabularConfig()
        inference = InferenceConfig(
            epochs=self.n_epochs,
            orders=self.n_orders,
            points_per_epoch=config.inference.points_per_epoch,
        )
        seed = check_random_state(self.random_state).randint(2**31 - 1)
        sample = table.take(sample_rows(table.rows, SORTED_ROWS, seed))
        standardize = not self._encoder.unit.any()  # indicators keep their scale
        self._model = _model(str(self.weights))
        self._fitted = adapt_table(
            self._model,
            self._points(sample),
            self.n_clusters,
            config=TabularConfig(inference, standardize=standardize),
            seed=seed,
        )
        self._label(table)
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        return tags

    def _check_parameters(self) -> None:
        check_count("n_clusters", self.n_clusters, optional=True)
        check_count("n_orders", self.n_orders)
        check_count("n_epochs", self.n_epochs)
        if not isinstance(self.weights, (str, Path)):
            raise TypeError(f"weights must be a name or a file, got {self.weights!r}")
        if self.columns is not None and not isinstance(self.columns, ColumnOptions):
            raise TypeError(f"columns must be ColumnOptions or None, got {self.columns!r}")

    def _table(self, X: Any, reset: bool) -> "_Rows":  # noqa: N803
        """The rows of any table, checked as scikit-learn does."""
        if is_frame(X):
            validate_data(self, X, skip_check_array=True, reset=reset)
            if 0 in X.shape:
                raise ValueError(f"a table of rows and columns is needed, got shape {X.shape}")
            return _Rows(read_frame(X), None)
        if isinstance(X, np.ma.MaskedArray):
            masked, X = np.ma.getmaskarray(X), X.data.astype(object)  # noqa: N806
            X[masked] = None
        finite = {"dtype": [np.float64, np.float32], "ensure_all_finite": "allow-nan"}
        try:
            return _Rows(None, validate_data(self, X, reset=reset, **finite))
        except (TypeError, ValueError):
            cells = np.asarray(X, dtype=object) if isinstance(X, (np.ndarray, list)) else None
            if cells is None or cells.ndim != 2 or 0 in cells.shape or _all_numbers(cells):
                raise
            frame = read_objects(cells)
        validate_data(self, cells, dtype=None, ensure_all_finite=False, reset=reset)
        return _Rows(frame, None)

    def _fit_columns(self, table: "_Rows") -> tuple[tuple[ColumnRole, ...], Encoder]:
        sample = table.take(detection_rows(table.rows, len(table.names)))
        options = self.columns or ColumnOptions()
        if table.frame is None and self.columns is None:  # every column of an array is used
            empty = [bool(np.isnan(column).all()) for column in sample]
            if all(empty):
                raise ValueError("every value of the table is missing (NaN)")
            roles = tuple(
                ColumnRole(name, "empty", False, "has no value")
                if gone
                else ColumnRole(name, "number", True, "")
                for name, gone in zip(table.names, empty, strict=True)
            )
        else:
            if table.frame is not None:
                options = replace(
                    options,
                    categorical=(*options.categorical, *table.frame.categorical),
                    ordered=(*table.frame.ordered, *options.ordered),
                )
            roles = detect_roles(table.names, sample, options)
        return roles, fit_encoder(roles, sample)

    def _label(self, table: "_Rows") -> None:
        found = self._all_probabilities(table)
        self._used = np.unique(_rescaled(found).argmax(axis=1))
        if len(self._used) < found.shape[1] and self.n_clusters is not None:
            warnings.warn(
                f"found {len(self._used)} clusters, fewer than n_clusters={self.n_clusters}: "
                "the rows are too much alike",
                ConvergenceWarning,
                stacklevel=3,
            )
        self.probabilities_ = _rescaled(found[:, self._used])
        self.labels_ = self.probabilities_.argmax(axis=1)
        self.n_clusters_ = len(self._used)
        self.n_clusters_proba_ = self._fitted.count_probabilities
        self.view_ = self._fitted.view
        self.expected_index_ = self._fitted.expected_index
        self._n_features_out = self.n_clusters_

    def predict(self, X: Any) -> np.ndarray:  # noqa: N803
        """``[N]`` int, the cluster of each row by itself."""
        return self.predict_proba(X).argmax(axis=1)

    def predict_proba(self, X: Any) -> np.ndarray:  # noqa: N803
        """``[N, k]``, the probabilities of the clusters for each row by itself."""
        check_is_fitted(self)
        return self._probabilities(self._table(X, reset=False))

    def transform(self, X: Any) -> np.ndarray:  # noqa: N803
        """As :meth:`predict_proba`, so that the memberships can be features in a pipeline."""
        return self.predict_proba(X)

    def _points(self, columns: list[np.ndarray]) -> np.ndarray:
        """``[n, D']``, rows as the learner is given them."""
        matrix = encode(self._encoder, columns).matrix
        return self._encoder.scaled(matrix) if self._encoder.unit.any() else matrix

    def _probabilities(self, table: "_Rows") -> np.ndarray:
        return _rescaled(self._all_probabilities(table)[:, self._used])

    def _all_probabilities(self, table: "_Rows") -> np.ndarray:
        """``[N, k]``, also of clusters that got no row."""
        pieces = (self._points(columns) for columns in table.pieces())
        return np.concatenate(list(predict_chunks(self._model, self._fitted, pieces)))


def _rescaled(probabilities: np.ndarray) -> np.ndarray:
    kept = probabilities + 1e-12  # rows sum to 1
    return kept / kept.sum(axis=1, keepdims=True)


class _Rows(NamedTuple):
    """A table in memory: a frame, or an array of numbers."""

    frame: Frame | None
    array: np.ndarray | None  # [N, D] float32 or float64

    @property
    def rows(self) -> int:
        """N."""
        return len(self.frame.columns[0]) if self.frame is not None else len(self._numbers)

    @property
    def names(self) -> list[str]:
        """D names."""
        if self.frame is not None:
            return self.frame.names
        return [f"column{index + 1}" for index in range(self._numbers.shape[1])]

    @property
    def _numbers(self) -> np.ndarray:
        assert self.array is not None
        return self.array

    def take(self, rows: Any) -> list[np.ndarray]:
        """D arrays, the cells of some rows."""
        if self.frame is not None:
            return [column[rows] for column in self.frame.columns]
        return list(np.asarray(self._numbers[rows], np.float64).T)

    def pieces(self) -> Iterator[list[np.ndarray]]:
        """The cells of all rows, some at a time."""
        for start in range(0, self.rows, ROWS):
            yield self.take(slice(start, start + ROWS))


def _all_numbers(cells: np.ndarray) -> bool:
    """Whether scikit-learn's complaint about an array is not about text or missing values."""
    return all(isinstance(cell, (Real, Complex)) for cell in cells.ravel())


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
