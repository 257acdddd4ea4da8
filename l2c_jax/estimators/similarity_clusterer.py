"""Learning to cluster with scikit-learn's manners: similarity from labels, clusters without."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

if TYPE_CHECKING:
    from l2c_jax.pairwise import PairFunction, Reconstruction, Similarity
    from l2c_jax.pairwise.backbones import Trunk
    from l2c_jax.types import ArrayLike


class SimilarityClusterer(ClusterMixin, BaseEstimator):
    """Clusters of new classes, by a similarity learned on old ones (Hsu, Lv & Kira 2018).

    :meth:`fit_similarity` learns from labelled points whether two are of one class;
    :meth:`fit` trains a network on what that similarity says about the pairs of unlabelled ones.
    The classes need not be the same. Points are rows of a table ``[N, D]``, of comparable scale,
    or square images ``[N, H, W, C]``, uint8 or float, whose side is a multiple of 16.

    Args:
      n_clusters: K, the number of clusters, or generously more: those that are not needed stay
        empty.
      similarity: instead of :meth:`fit_similarity`: a weight file, a learned similarity, or any
        function of two batches to probabilities of "same".
      loss: ``"mcl"`` or ``"kcl"``, which compares clusters with similarity.
      epochs: passes over the points to be clustered.
      iterations: steps of learning the similarity.
      batch_size: points in a step of either training, at most.
      width: of the network for images, in shares of the published one.
      random_state: seed of everything random.
      verbose: whether to show progress bars.

    Attributes:
      similarity_: the similarity, learned or given.
      labels_: ``[N]`` int, the clusters of the points that :meth:`fit` saw, consecutive from 0.
      probabilities_: ``[N, clusters in use]``, rows sum to 1.
      n_clusters_: clusters in use.
      n_features_in_: D, of tables.

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
        n_clusters: int = 100,
        *,
        similarity: str | Path | Similarity | PairFunction | None = None,
        loss: str = "mcl",
        epochs: int = 150,
        iterations: int = 2000,
        batch_size: int = 100,
        width: float = 0.5,
        random_state: int = 0,
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
        """Learn from labelled points whether two points are of one class.

        Every class needs at least two points; the smallest decides, with ``batch_size``, how many
        of a class a step takes.

        Args:
          X: ``[N, D]`` or ``[N, H, W, C]``.
          y: ``[N]`` classes.

        Returns:
          The clusterer.

        Raises:
          ValueError: if shapes do not fit each other, a number is not finite, there are fewer
            than two classes, or a class has a single point.
        """
        from l2c_jax.pairwise import SimilarityConfig, learn_similarity

        points, labels = np.asarray(X), np.asarray(y)
        if labels.ndim != 1 or len(labels) != len(points):
            raise ValueError(
                f"y must be a vector as long as X, {len(points)}; got shape {labels.shape}"
            )
        sizes = np.unique(labels, return_counts=True)[1]
        classes = int(min(len(sizes), max(2, self.batch_size // 5)))
        config = SimilarityConfig(
            iterations=self.iterations,
            classes=max(2, classes),
            per_class=int(max(2, min(sizes.min(), self.batch_size // classes))),
            seed=self.random_state,
        )
        self.similarity_, finished = learn_similarity(
            points, labels, self._trunk(points), config, progress=self.verbose
        )
        self._check(finished)
        return self

    def fit(self, X: ArrayLike, y: None = None) -> SimilarityClusterer:  # noqa: N803
        """Cluster unlabelled points by the similarity.

        Args:
          X: ``[N, D]`` or ``[N, H, W, C]``, at least 2 points.
          y: not used.

        Returns:
          The clusterer.

        Raises:
          NotFittedError: if there is no similarity yet.
          ValueError: if points have another shape than the similarity reads, or are not finite.
        """
        from l2c_jax.pairwise import ClusterConfig, Similarity, reconstruct_clusters

        if self.similarity is not None:
            self.similarity_ = self._given()
        elif not hasattr(self, "similarity_"):
            raise NotFittedError(
                "there is no similarity to cluster by: call fit_similarity with labelled points "
                "first, or give one as `similarity`"
            )
        points = np.asarray(X)
        trunk = None if isinstance(self.similarity_, Similarity) else self._trunk(points)
        config = ClusterConfig(
            num_clusters=self.n_clusters,
            loss=self.loss,  # type: ignore[arg-type]  # it is checked there
            epochs=self.epochs,
            batch=self.batch_size,
            seed=self.random_state,
        )
        found, finished = reconstruct_clusters(
            self.similarity_, points, trunk, config, progress=self.verbose
        )
        self._check(finished)
        self.reconstruction_: Reconstruction = found
        self._used, self.labels_ = np.unique(found.labels, return_inverse=True)
        self.probabilities_ = self._of_used(found.probabilities)
        self.n_clusters_ = found.num_clusters
        if points.ndim == 2:
            self.n_features_in_ = points.shape[1]
        return self

    def predict_proba(self, X: ArrayLike) -> np.ndarray:  # noqa: N803
        """Probabilities of the clusters in use, for points that need not have been there.

        Args:
          X: ``[N, ...]``, of the shape that :meth:`fit` saw.

        Returns:
          ``[N, clusters in use]`` float32, rows sum to 1; each point's are its own, whatever the
          others.
        """
        from l2c_jax.pairwise import assign_clusters

        check_is_fitted(self, "reconstruction_")
        found = self.reconstruction_
        return self._of_used(assign_clusters(found.variables, found.trunk, X))

    def predict(self, X: ArrayLike) -> np.ndarray:  # noqa: N803
        """``[N]`` int, the most probable cluster of points that need not have been there."""
        return self.predict_proba(X).argmax(axis=1)

    def _of_used(self, probabilities: np.ndarray) -> np.ndarray:
        """Without the columns of empty clusters."""
        own = probabilities[:, self._used]
        return own / own.sum(axis=1, keepdims=True)

    def _trunk(self, points: np.ndarray) -> Trunk:
        """For images of the chosen width."""
        from dataclasses import replace

        from l2c_jax.pairwise import VGGS, default_trunk

        trunk = default_trunk(points)
        return replace(trunk, width=self.width) if isinstance(trunk, VGGS) else trunk

    def _given(self) -> Any:
        """The similarity of the constructor, from its file if it is one."""
        from l2c_jax.pairwise import load_similarity

        if isinstance(self.similarity, str | Path):
            return load_similarity(self.similarity)
        return self.similarity

    def _check(self, finished: bool) -> None:
        """Refuse a training that a signal cut short."""
        if not finished:
            raise KeyboardInterrupt
