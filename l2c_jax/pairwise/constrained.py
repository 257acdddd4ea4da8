"""Step 3 of learning to cluster: reconstruct the clusters from pairwise similarity."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from l2c_jax.pairwise.augment import augmented
from l2c_jax.pairwise.backbones import Trunk, checked_points, default_trunk
from l2c_jax.pairwise.learned import Similarity, described
from l2c_jax.pairwise.losses import LOSSES
from l2c_jax.pairwise.networks import Variables, cluster_logits, init_clusters, pair_log_odds
from l2c_jax.pairwise.predict import (
    PairFunction,
    blocks,
    checked_similarity,
    predict_similarity,
)
from l2c_jax.pairwise.sampling import draw_batch, epoch_length
from l2c_jax.pairwise.train import (
    TrainState,
    check_crop,
    check_stages,
    descend,
    init_state,
    optimizer,
    run,
)
from l2c_jax.training.loop import LoopConfig
from l2c_jax.training.weights import fingerprint
from l2c_jax.types import Array, ArrayLike, Key


@dataclass(frozen=True)
class ClusterConfig:
    """How clusters are reconstructed; the numbers are those of Omniglot."""

    num_clusters: int = 100
    """K, the number of clusters, or generously more: those that are not needed stay empty."""
    loss: Literal["kcl", "mcl"] = "mcl"
    """Which loss compares the clusters of two points with their similarity."""
    epochs: int = 150
    """Passes over the points."""
    batch: int = 100
    """The most points of a batch."""
    learning_rate: float = 1e-3
    """Adam's step size at the start."""
    drops: tuple[float, ...] = (2 / 3,)
    """Shares of the training after which the step size is divided by 10."""
    crop: tuple[float, float] = (0.85, 1.0)
    """Least and largest share of an image's area in random resized crops; (1, 1) leaves images
    as they are. Tables are never cropped."""
    adapt: bool = True
    """Whether a learned similarity normalises by the statistics of each batch, and so adapts to
    these data, or by its averages."""
    seed: int = 0
    """Of everything random: parameters, batches, crops."""
    log_every: int = 10
    """Steps per logged line; they run as one call on the device."""
    checkpoint_every: int = 500
    """Steps between checkpoints."""

    def __post_init__(self) -> None:
        if self.num_clusters < 1:
            raise ValueError(f"num_clusters must be at least 1, got {self.num_clusters}")
        if self.batch < 2:
            raise ValueError("batch must be at least 2: there are no pairs in less")
        if min(self.epochs, self.log_every, self.checkpoint_every) < 1:
            raise ValueError("epochs, log_every and checkpoint_every must be at least 1")
        if self.loss not in LOSSES:
            raise ValueError(f"loss must be one of {sorted(LOSSES)}, got {self.loss!r}")
        check_stages(self.learning_rate, self.drops)
        check_crop(self.crop)


class Reconstruction(NamedTuple):
    """The clusters of one data set, and the network that tells them."""

    labels: np.ndarray  # [N] int32 in 0..K-1, the cluster of largest probability
    probabilities: np.ndarray  # [N, K] float32, rows sum to 1
    num_clusters: int  # clusters in use: distinct labels
    variables: Variables  # of the clustering network
    trunk: Trunk


class Unlabelled(NamedTuple):
    """Points to cluster, on the device, and what tells the similarity of a batch of them."""

    points: Array  # [N, ...] float32 or uint8
    similarity: Variables | None  # of a similarity network
    similar: Array | None  # [N, N] bool, where there is none


def _iterations(config: ClusterConfig, size: int) -> int:
    return config.epochs * epoch_length(size, config.batch)


def _adam(config: ClusterConfig, size: int) -> optax.GradientTransformation:
    return optimizer(config.learning_rate, config.drops, _iterations(config, size))


def cluster_step(
    state: TrainState,
    data: Unlabelled,
    key: Key,
    trunk: Trunk,
    similarity_trunk: Trunk | None,
    config: ClusterConfig,
) -> tuple[TrainState, dict[str, Array]]:
    """One step of Adam on one batch: predict its pairs' similarity, fit the clusters to it.

    Args:
      state: where to go on.
      data: the points and their similarity.
      key: the run's key; the batch and its crops follow from it and from the step.
      trunk: which clustering network, static.
      similarity_trunk: which similarity network, static; it reads the same crops.
      config: static.

    Returns:
      The new state; loss, share of pairs called similar, and clusters in use in the batch.
    """
    key_batches, key_crops = (jax.random.fold_in(key, purpose) for purpose in (0, 1))
    chosen = draw_batch(key_batches, state.step, data.points.shape[0], config.batch)
    key_crop = jax.random.fold_in(key_crops, state.step)
    points = augmented(key_crop, data.points[chosen], trunk, config.crop)
    if data.similarity is not None and similarity_trunk is not None:
        log_odds, _ = pair_log_odds(
            data.similarity, points, trunk=similarity_trunk, train=config.adapt
        )
        similar = log_odds > 0
    elif data.similar is not None:
        similar = data.similar[chosen[:, None], chosen[None, :]]
    else:
        raise ValueError("a similarity network or a matrix of similarities is needed")

    def loss(variables: Variables) -> tuple[Array, tuple]:
        logits, batch_stats = cluster_logits(
            variables, points, trunk=trunk, num_clusters=config.num_clusters, train=True
        )
        used = jnp.zeros(config.num_clusters, bool).at[logits.argmax(axis=1)].set(True).sum()
        info = {"similar": similar.mean(), "clusters": used.astype(jnp.float32)}
        return LOSSES[config.loss](jax.nn.softmax(logits), similar), (batch_stats, info)

    return descend(state, _adam(config, data.points.shape[0]), loss)


_init = jax.jit(init_clusters, static_argnames=("trunk", "num_clusters"))
_logits = jax.jit(cluster_logits, static_argnames=("trunk", "num_clusters", "train"))


def assign_clusters(variables: Variables, trunk: Trunk, points: ArrayLike) -> np.ndarray:
    """Cluster probabilities of points by a trained network; they need not be those it was fit to.

    Args:
      variables: of the clustering network.
      trunk: its trunk.
      points: ``[N, ...]``.

    Returns:
      ``[N, K]`` float32, rows sum to 1.

    Raises:
      ValueError: if points have the wrong shape or are not finite.
    """
    array = checked_points(points, trunk)
    width = variables.params["logits"]["bias"].shape[0]
    found = np.empty((len(array), width), np.float32)
    for rows, part in blocks(array):
        logits, _ = _logits(variables, part, trunk=trunk, num_clusters=width, train=False)
        found[rows] = jax.nn.softmax(logits)[: rows.stop - rows.start]
    return found


def reconstruct_clusters(
    similarity: Similarity | PairFunction | ArrayLike,
    points: ArrayLike,
    trunk: Trunk | None = None,
    config: ClusterConfig | None = None,
    *,
    folder: str | Path | None = None,
    resume: bool = False,
    progress: bool = True,
    on_log: Callable[[dict[str, Any]], None] | None = None,
) -> tuple[Reconstruction, bool]:
    """Step 3: train a clustering network on what a similarity says about unlabelled points.

    A learned similarity is asked about every augmented batch anew; any other function once about
    all pairs; a matrix is taken as it is. Pairs of probability above one half count as similar.

    Args:
      similarity: a learned one, a function of two batches, or probabilities ``[N, N]``.
      points: ``[N, H, W, C]`` images, float or uint8, or a table ``[N, D]``.
      trunk: of the clustering network; ``None`` takes that of a learned similarity, or
        :func:`l2c_jax.pairwise.backbones.default_trunk`.
      config: how; its seed decides everything random. ``None`` takes the defaults.
      folder: for checkpoints and log, see :func:`l2c_jax.training.loop.run`.
      resume: go on from the newest checkpoint there.
      progress: show a bar.
      on_log: called with every logged record.

    Returns:
      The clusters, and whether training was finished (False: a signal asked to stop, and the run
      can be resumed).

    Raises:
      ValueError: if points have the wrong shape, are fewer than 2 or not finite, or a matrix is
        not ``[N, N]`` probabilities.
      l2c_jax.training.loop.DivergedError: if the loss is not finite.
      l2c_jax.training.loop.RunExistsError: if the folder holds another run.

    References:
      Hsu, Lv & Kira, *Learning to cluster in order to transfer across domains and tasks*, 2018.

    Example:
      >>> import numpy as np
      >>> from l2c_jax.pairwise.backbones import MLP
      >>> points = np.random.default_rng(0).normal(size=(30, 2))
      >>> same = np.arange(30)[:, None] % 3 == np.arange(30)[None, :] % 3
      >>> config = ClusterConfig(num_clusters=3, epochs=2)
      >>> found, finished = reconstruct_clusters(
      ...     same, points, MLP(columns=2, hidden=(8,)), config, progress=False)
      >>> found.labels.shape, found.probabilities.shape
      ((30,), (30, 3))
    """
    config = config or ClusterConfig()
    learned = similarity if isinstance(similarity, Similarity) else None
    trunk = trunk or (learned.trunk if learned else default_trunk(points))
    array = checked_points(points, trunk, least=2)
    similar = None
    if isinstance(similarity, Similarity):
        checked_points(points, similarity.trunk)
    else:
        matrix = predict_similarity(similarity, array) if callable(similarity) else similarity
        similar = checked_similarity(matrix, (len(array), len(array))) > 0.5
    told = learned.variables if learned else similar
    story = {
        "kind": "clusters",
        "trunk": described(trunk),
        "training": dataclasses.asdict(config),
        "data": fingerprint((array, told)),
    }
    key_init, key_run = jax.random.split(jax.random.key(config.seed))
    iterations = _iterations(config, len(array))
    state, done, _ = run(
        cluster_step,
        (trunk, learned.trunk if learned else None, config),
        init_state(_init(key_init, trunk, config.num_clusters), _adam(config, len(array))),
        Unlabelled(
            jnp.asarray(array),
            learned.variables if learned else None,
            None if similar is None else jnp.asarray(similar),
        ),
        key_run,
        LoopConfig(
            iterations=iterations,
            log_every=config.log_every,
            checkpoint_every=config.checkpoint_every,
            points_per_iteration=len(array) // epoch_length(len(array), config.batch),
        ),
        story=story,
        folder=folder,
        resume=resume,
        progress=progress,
        on_log=on_log,
    )
    variables = jax.tree.map(np.asarray, state.variables)
    probabilities = assign_clusters(variables, trunk, array)
    labels = probabilities.argmax(axis=1).astype(np.int32)
    used = int(np.unique(labels).size)
    found = Reconstruction(labels, probabilities, used, variables, trunk)
    return found, done == iterations
