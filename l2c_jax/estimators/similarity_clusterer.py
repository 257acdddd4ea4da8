"""``SimilarityClusterer``: learned similarity and its clusters behind scikit-learn's interface."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from l2c_jax.estimators.checks import (
    check_columns,
    check_integer,
    check_positive,
    checked_numbers,
    remember_columns,
    seed_of,
)

if TYPE_CHECKING:
    from l2c_jax.pairwise import (
        Backbone,
        ConstrainedClustering,
        ConstrainedConfig,
        PairFunction,
        Similarity,
    )
    from l2c_jax.types import ArrayLike

MOST_CLUSTERS = 100
"""K of the network if the number of clusters is not given."""


class SimilarityClusterer(ClusterMixin, BaseEstimator):
    """Clustering of new classes by a similarity learned on other classes (Hsu, Lv & Kira 2018).

    :meth:`fit_similarity` learns G(x, y) = P(x and y are of one class) from labeled points;
    :meth:`fit` trains a clustering network p(k | x) on the pairs of unlabeled points, similar
    where G > 1/2. The classes of the two may differ. Points are rows of a table ``[N, D]``, of
    comparable scale, or square images ``[N, H, W, C]``, whose side is a multiple of 16: integers
    of any type from 0 to 255, bool, or floats.

    For ``clone`` and searches over ``n_clusters``, give G as ``similarity``: a clone does not
    have what :meth:`fit_similarity` learned.

    Args:
      n_clusters: K, the number of clusters or an upper bound; clusters may stay empty. ``None``:
        as many as the spectrum of G's answers has, at most 100, of which those are merged that G
        calls similar (:mod:`l2c_jax.pairwise.spectrum`, :mod:`l2c_jax.pairwise.merging`). The
        thresholds are fitted by :meth:`fit_similarity` on held-out classes, from 4 on.
      similarity: G, instead of :meth:`fit_similarity`: a weight file, a learned similarity, or
        any function of two batches to probabilities of "same".
      loss: ``"mcl"`` or ``"kcl"``, see :mod:`l2c_jax.pairwise.losses`.
      epochs: passes over the points of :meth:`fit`.
      iterations: optimizer steps of :meth:`fit_similarity`.
      batch_size: largest number of points in a step of either training.
      width: factor on the channels of the backbone for images, see
        :class:`l2c_jax.pairwise.VGGS`.
      random_state: an integer decides everything random; a ``RandomState`` or ``None`` (that of
        NumPy) is asked for a seed by each fit.
      verbose: whether to show progress bars.

    Attributes:
      similarity_: G, learned or given.
      clustering_: the :class:`l2c_jax.pairwise.ConstrainedClustering` of :meth:`fit`.
      labels_: ``[N]`` int, clusters of the points given to :meth:`fit`, consecutive from 0.
      probabilities_: ``[N, clusters in use]``, rows sum to 1.
      merge_path_: with ``n_clusters=None``, the candidates for the number of clusters, a
        :class:`l2c_jax.pairwise.MergePath`.
      n_clusters_: clusters in use.
      n_features_in_: D, of tables.

    Raises:
      ValueError: from the fits, if points or labels do not fit each other or G, a number is not
        finite, a label is missing, or a parameter is impossible.
      TypeError: if points are sparse, or a parameter is of another type.

    References:
      Hsu, Lv & Kira, *Learning to cluster in order to transfer across domains and tasks*, 2018.

    Example:
      >>> rng = np.random.default_rng(0)
      >>> y = np.arange(60) % 6
      >>> X = 4 * np.eye(6)[y] + rng.normal(scale=0.3, size=(60, 6))
      >>> model = SimilarityClusterer(3, iterations=30, epochs=60)
      >>> labels = model.fit_similarity(X[y < 3], y[y < 3]).fit_predict(X[y >= 3])
      >>> labels.shape, model.predict(X[y >= 3]).shape
      ((30,), (30,))
    """

    def __init__(
        self,
        n_clusters: int | None = 100,
        *,
        similarity: str | Path | Similarity | PairFunction | None = None,
        loss: str = "mcl",
        epochs: int = 150,
        iterations: int = 2000,
        batch_size: int = 100,
        width: float = 0.5,
        random_state: int | np.random.RandomState | None = 0,
        verbose: bool = False,
    ) -> None:
        self.n_clusters = n_clusters
        self.similarity = similarity
        self.loss = loss
        self.epochs = epochs
        self.iterations = iterations
        self.batch_size = batch_size
        self.width = width
        self.random_state = random_state
        self.verbose = verbose

    def fit_similarity(self, X: ArrayLike, y: ArrayLike) -> SimilarityClusterer:  # noqa: N803
        """Learn the similarity G from labeled points.

        A step has c = min(classes, ``batch_size`` // 5) classes and
        min(smallest class, ``batch_size`` // c) points of each, both at least 2.

        Args:
          X: ``[N, D]`` or ``[N, H, W, C]``.
          y: ``[N]`` classes; points without one (NaN, None, an empty text) are left out.

        Returns:
          The clusterer.

        Raises:
          ValueError: if shapes do not fit each other, a number is not finite, a label is missing,
            there are fewer than two classes, or a class has a single point.
        """
        from l2c_jax.pairwise import SimilarityConfig, fit_merging, learn_similarity
        from l2c_jax.pairwise.held_out import held_out_share
        from l2c_jax.pairwise.points import checked_labels
        from l2c_jax.training.loop import RunOptions

        self._check_parameters()
        points = checked_numbers(X, 2)
        if np.shape(y) != (len(points),):
            raise ValueError(
                f"y must be a vector as long as X, {len(points)}; got shape {np.shape(y)}"
            )
        labels = checked_labels(y, len(points), "y")
        sizes = np.unique(labels, return_counts=True)[1]
        classes = int(min(len(sizes), max(2, self.batch_size // 5)))
        config = SimilarityConfig(
            iterations=self.iterations,
            classes=max(2, classes),
            per_class=int(max(2, min(sizes.min(), self.batch_size // classes))),
            seed=seed_of(self.random_state),
            held_out=held_out_share(len(sizes)) if self.n_clusters is None else 0.0,
        )
        run = RunOptions(progress=self.verbose)
        learned, finished = learn_similarity(
            points, labels, self._backbone(points), config, run=run
        )
        self._check(finished)
        constrained = self._constrained(config.seed)
        self.similarity_, _, finished = fit_merging(learned, points, labels, constrained, run=run)
        self._check(finished)
        return self

    def fit(self, X: ArrayLike, y: None = None) -> SimilarityClusterer:  # noqa: N803
        """Fit the clustering network to the similarity of unlabeled points.

        Args:
          X: ``[N, D]`` or ``[N, H, W, C]``, at least 2 points.
          y: not used.

        Returns:
          The clusterer.

        Raises:
          NotFittedError: if there is no similarity yet.
          ValueError: if points have another shape than those of the similarity, or are not
            finite.
        """
        from l2c_jax.pairwise import Similarity, cluster_by_similarity
        from l2c_jax.pairwise.discovery import grouped, merged_groups
        from l2c_jax.pairwise.held_out import threshold_of, with_number
        from l2c_jax.pairwise.merging import merge_path_of
        from l2c_jax.training.loop import RunOptions

        self._check_parameters()
        if self.similarity is not None:
            self.similarity_ = self._given()
        elif not hasattr(self, "similarity_"):
            raise NotFittedError(
                "no similarity: call fit_similarity with labeled points first, or pass one as "
                "`similarity`"
            )
        points = checked_numbers(X, 2)
        learned = isinstance(self.similarity_, Similarity)
        seed = seed_of(self.random_state)
        config = self._constrained(seed)
        if self.n_clusters is None:
            config = with_number(config, self.similarity_, points)
        found, finished = cluster_by_similarity(
            self.similarity_,
            points,
            None if learned else self._backbone(points),
            config,
            run=RunOptions(progress=self.verbose),
        )
        self._check(finished)
        self.clustering_: ConstrainedClustering = found
        self._groups = None
        if self.n_clusters is None:
            self.merge_path_ = merge_path_of(self.similarity_, points, found.labels, seed=seed)
            threshold = threshold_of(self.similarity_)
            self._groups = merged_groups(found, self.merge_path_, threshold)
            self.probabilities_ = grouped(found.probabilities, self._groups)
            self.labels_ = self.probabilities_.argmax(axis=1)
        else:
            self._used, self.labels_ = np.unique(found.labels, return_inverse=True)
            self.probabilities_ = self._in_use(found.probabilities)
        self.n_clusters_ = self.probabilities_.shape[1]
        remember_columns(self, X, points)
        return self

    def predict_proba(self, X: ArrayLike) -> np.ndarray:  # noqa: N803
        """Probabilities of the clusters in use, of any points.

        Args:
          X: ``[N, ...]``; each point of the same shape as in :meth:`fit`.

        Returns:
          ``[N, clusters in use]`` float32, rows sum to 1; row i depends on point i only.

        Raises:
          NotFittedError: before :meth:`fit`.
          ValueError: if points have another shape, or are not finite.
        """
        from l2c_jax.pairwise import assign_clusters

        check_is_fitted(self, "clustering_")
        found = self.clustering_
        points = checked_numbers(X)
        check_columns(self, X, points)
        return self._in_use(assign_clusters(found.variables, found.backbone, points))

    def predict(self, X: ArrayLike) -> np.ndarray:  # noqa: N803
        """``[N]`` int, the most probable cluster in use of any points."""
        return self.predict_proba(X).argmax(axis=1)

    def _check_parameters(self) -> None:
        """Refuse impossible parameters by their names."""
        if self.n_clusters is not None:
            check_integer("n_clusters", self.n_clusters, 1)
        check_integer("epochs", self.epochs, 1)
        check_integer("iterations", self.iterations, 1)
        check_integer("batch_size", self.batch_size, 4)
        check_positive("width", self.width)

    def _constrained(self, seed: int) -> ConstrainedConfig:
        """How the clustering network is fitted."""
        from l2c_jax.pairwise import ConstrainedConfig

        return ConstrainedConfig(
            num_clusters=MOST_CLUSTERS if self.n_clusters is None else self.n_clusters,
            loss=self.loss,  # type: ignore[arg-type]  # ConstrainedConfig checks it
            epochs=self.epochs,
            batch=self.batch_size,
            seed=seed,
        )

    def _in_use(self, probabilities: np.ndarray) -> np.ndarray:
        """Probabilities without the columns of empty clusters, rows scaled to sum to 1."""
        from l2c_jax.pairwise.discovery import grouped

        if self._groups is not None:
            return grouped(probabilities, self._groups)
        kept = probabilities[:, self._used]
        return kept / kept.sum(axis=1, keepdims=True)

    def _backbone(self, points: np.ndarray) -> Backbone:
        """The default backbone; for images with the chosen width."""
        from dataclasses import replace

        from l2c_jax.pairwise import VGGS, default_backbone

        backbone = default_backbone(points)
        return replace(backbone, width=self.width) if isinstance(backbone, VGGS) else backbone

    def _given(self) -> Any:
        """The parameter ``similarity``; a path is read."""
        from l2c_jax.pairwise import load_similarity

        if isinstance(self.similarity, str | Path):
            return load_similarity(self.similarity)
        return self.similarity

    def _check(self, finished: bool) -> None:
        """Raise if a signal stopped the training."""
        if not finished:
            raise KeyboardInterrupt
