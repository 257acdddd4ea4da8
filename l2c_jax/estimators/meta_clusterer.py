"""``MetaClusterer().fit_predict(X)``: the pretrained clusterer with scikit-learn's interface."""

import warnings
from dataclasses import asdict, replace
from numbers import Integral
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
from sklearn.utils.validation import check_is_fitted

from l2c_jax.estimators.description import describe
from l2c_jax.estimators.parameters import check_count
from l2c_jax.estimators.rows import TableRows, checked_rows, fit_columns
from l2c_jax.preprocessing.column_options import ColumnOptions
from l2c_jax.preprocessing.encoder import Encoder, encode, sample_rows
from l2c_jax.recurrent.config import InferenceConfig
from l2c_jax.tabular.clusterer import TabularConfig, adapt_table
from l2c_jax.tabular.fitted_model import (
    FittedModel,
    learner_points,
    load_fitted_model,
    save_fitted_model,
    weights_hash,
)
from l2c_jax.tabular.model import TabularModel, cached_model
from l2c_jax.tabular.table import SORTED_ROWS


class MetaClusterer(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, ClusterMixin, BaseEstimator
):
    """Clustering by a learner and a judge that were trained before; ``fit`` trains nothing.

    ``fit`` reads a sample of at most 512 rows in four views; a learned judge chooses the view and
    the number of clusters, the sample is read again there in several orders, and each row is
    labelled with the resulting states. Columns may have any unit and any order; rows may be
    millions. Missing values (NaN, None, ``pd.NA``, NaT, masked) are filled, see
    :attr:`column_roles_`. Of a data frame, columns of words are used as categories, and
    identifiers, dates and free text are left out, as ``l2c cluster`` does; every column of an
    array of numbers is used.

    Args:
      n_clusters: k, at most 10 for the packaged weights. ``None``: the most probable one
        of P(k | X).
      weights: the name of packaged weights, or a file.
      n_orders: M, members that read the view which the judge chooses, each with orders of its
        own. The quarter of them that agrees most with the others is averaged.
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
      outlier_scores_: ``[N]``, how far each row lies from the other rows; above 1 it belongs
        nowhere, whatever its probabilities are. See :mod:`l2c_jax.tabular.outliers`.
      medoid_indices_: ``[k]`` int, the row of each cluster with the smallest mean distance to the
        others of it; of more than 1,024 rows, among a random sample of so many.
      cluster_profile_: k :class:`~l2c_jax.tabular.profile.ClusterProfile`: size, confidence, and
        the columns and levels that set the cluster apart; of a random 20,000 rows if there are
        more.
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
        table = checked_rows(self, X, reset=True)
        if self.n_clusters is not None and table.rows < self.n_clusters:
            raise ValueError(f"n_samples={table.rows} should be >= n_clusters={self.n_clusters}.")
        roles, encoder = fit_columns(table, self.columns)
        seed = check_random_state(self.random_state).randint(2**31 - 1)
        sample = table.take(sample_rows(table.rows, SORTED_ROWS, seed))
        points = learner_points(encoder, encode(encoder, sample).matrix)
        model = cached_model(str(self.weights))
        fitted = adapt_table(
            model, points, self.n_clusters, config=self._config(encoder), seed=seed
        )
        self._fitted = FittedModel(
            *(model, fitted, roles, encoder),
            by_position=table.frame is None,
            how={
                **self._how(),
                "seed": seed,
                "rows": table.rows,
                "weights_hash": weights_hash(model),
            },
        )
        self._label(table, seed)
        self._remember()
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

    def _config(self, encoder: Encoder) -> TabularConfig:
        read = TabularConfig().inference.points_per_epoch
        inference = InferenceConfig(self.n_epochs, self.n_orders, points_per_epoch=read)
        return TabularConfig(inference, standardize=not encoder.unit.any())

    def _label(self, table: TableRows, seed: int) -> None:
        """Label all rows, and describe the clusters."""
        found = describe(self._fitted, table, seed)
        if len(found.used) < self._fitted.num_clusters and self.n_clusters is not None:
            warnings.warn(
                f"found {len(found.used)} clusters, fewer than n_clusters={self.n_clusters}: "
                "the rows are too much alike",
                ConvergenceWarning,
                stacklevel=3,
            )
        self._fitted = replace(self._fitted, used=tuple(found.used.tolist()))
        self.probabilities_ = found.probabilities
        self.labels_ = found.probabilities.argmax(axis=1)
        self.outlier_scores_ = found.outlier_scores
        self.medoid_indices_ = found.medoid_indices
        self.cluster_profile_ = found.profiles

    def _remember(self) -> None:
        """The attributes that follow from the fitted model."""
        fitted = self._fitted.fitted
        self.column_roles_ = self._fitted.roles
        self.n_clusters_ = self._n_features_out = self._fitted.num_clusters
        self.n_clusters_proba_ = fitted.count_probabilities
        self.view_ = fitted.view
        self.expected_index_ = fitted.expected_index

    @property
    def _model(self) -> TabularModel:
        return self._fitted.model

    def predict(self, X: Any) -> np.ndarray:  # noqa: N803
        """``[N]`` int, the cluster of each row by itself."""
        return self.predict_proba(X).argmax(axis=1)

    def predict_proba(self, X: Any) -> np.ndarray:  # noqa: N803
        """``[N, k]``, the probabilities of the clusters for each row by itself."""
        check_is_fitted(self)
        return self._probabilities(checked_rows(self, X, reset=False))

    def transform(self, X: Any) -> np.ndarray:  # noqa: N803
        """As :meth:`predict_proba`, so that the memberships can be features in a pipeline."""
        return self.predict_proba(X)

    def _probabilities(self, table: TableRows) -> np.ndarray:
        return np.concatenate(list(self._fitted.probabilities(table.pieces())))

    def _how(self) -> dict[str, Any]:
        """The parameters as JSON has them."""
        parameters = self.get_params(deep=False)
        number = self.random_state if isinstance(self.random_state, Integral) else None
        parameters["random_state"] = None if number is None else int(number)
        parameters["weights"] = str(self.weights)
        parameters["columns"] = None if self.columns is None else asdict(self.columns)
        return {"parameters": parameters}

    def save(self, path: str | Path) -> None:
        """Write the fitted estimator to one safetensors file, which then answers alone.

        The file has the learner, the adapted state, the columns with their roles and levels, and
        a readable header with a content hash. It has no row of X as it was given, and none of
        ``labels_``, ``probabilities_``, ``outlier_scores_``, ``medoid_indices_`` and
        ``cluster_profile_``: those belong to X. ``l2c predict`` reads it, too.

        Args:
          path: where to; an existing file is replaced in one step.

        Raises:
          NotFittedError: before ``fit``.
          WeightsError: if the weights have a cell of your own, which no file can hold.

        Example:
          >>> import tempfile
          >>> from sklearn.datasets import load_iris
          >>> path, X = Path(tempfile.mkdtemp()) / "iris.safetensors", load_iris().data
          >>> clusterer = MetaClusterer(3, random_state=0).fit(X)
          >>> clusterer.save(path)
          >>> bool((MetaClusterer.load(path).predict(X) == clusterer.labels_).all())
          True
        """
        check_is_fitted(self)
        names = getattr(self, "feature_names_in_", None)
        how = {**self._fitted.how, "names": None if names is None else names.tolist()}
        save_fitted_model(path, replace(self._fitted, how=how))

    @classmethod
    def load(cls, path: str | Path) -> "MetaClusterer":
        """Read a fitted estimator, or a model that ``l2c cluster --save`` wrote.

        Args:
          path: the file.

        Returns:
          An estimator that answers row for row as the one that was saved.

        Raises:
          WeightsError: if the file is missing, damaged, or no fitted model of this version.
        """
        model = load_fitted_model(path)
        how = model.how
        parameters = dict(how["parameters"])
        if parameters["columns"] is not None:
            parameters["columns"] = ColumnOptions.from_json(parameters["columns"])
        found = cls(**parameters)
        found._fitted, found.n_features_in_ = model, len(model.roles)
        if how["names"] is not None:
            found.feature_names_in_ = np.array(how["names"], object)
        found._remember()
        return found
