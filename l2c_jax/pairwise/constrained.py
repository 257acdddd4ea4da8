"""Step 3 of learning to cluster: a clustering network trained on pairwise similarity."""

from dataclasses import replace
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from l2c_jax.pairwise.augment import augmented
from l2c_jax.pairwise.backbones import Backbone, default_backbone
from l2c_jax.pairwise.config import ConstrainedConfig
from l2c_jax.pairwise.confusion import with_confusion
from l2c_jax.pairwise.layers import Variables
from l2c_jax.pairwise.networks import (
    cluster_logits,
    init_clusters,
    num_clusters_of,
    pair_log_odds,
)
from l2c_jax.pairwise.points import checked_points
from l2c_jax.pairwise.predict import (
    PairFunction,
    blocks,
    checked_similarity,
    evaluate,
)
from l2c_jax.pairwise.sampling import draw_batch, epoch_length
from l2c_jax.pairwise.similarity import Similarity, SimilarityMetadata
from l2c_jax.pairwise.train import (
    Step,
    TrainState,
    adam_with_milestones,
    descend,
    describe_run,
    init_state,
    run_steps,
)
from l2c_jax.training.host import host_call
from l2c_jax.training.loop import LoopConfig, RunOptions
from l2c_jax.training.weights import content_hash
from l2c_jax.types import Array, ArrayLike, Key


class ConstrainedClustering(NamedTuple):
    """The clusters of one data set, and the network that predicts them."""

    labels: np.ndarray  # [N] int32 in 0..K-1, the cluster of largest probability
    probabilities: np.ndarray  # [N, K] float32, rows sum to 1
    num_clusters: int  # clusters in use: distinct labels
    variables: Variables  # of the clustering network
    backbone: Backbone


class UnlabeledPoints(NamedTuple):
    """Points to cluster, on the device, and their pairwise similarity."""

    points: Array  # [N, ...] float32 or uint8
    similarity: Similarity | None  # learned: predicts each augmented batch
    similar: Array | None  # [N, N] bool or float32, without a learned one


def _iterations(config: ConstrainedConfig, size: int) -> int:
    return config.epochs * epoch_length(size, config.batch)


def _default_optimizer(config: ConstrainedConfig, size: int) -> optax.GradientTransformation:
    iterations = _iterations(config, size)
    return adam_with_milestones(config.learning_rate, config.lr_milestones, iterations)


def similar_pairs(
    data: UnlabeledPoints, chosen: Array, points: Array, config: ConstrainedConfig
) -> Array:
    """Similar pairs of a batch: S_ij = [G(x_i, x_j) > 1/2], or G itself for soft targets.

    Args:
      data: has G as a learned similarity, or S of all points.
      chosen: ``[n]`` int32, the indices of the batch.
      points: ``[n, ...]``, the augmented points of the batch.
      config: its ``adapt`` and ``targets`` count, static.

    Returns:
      S, ``[n, n]`` bool, or float32 for soft targets.
    """
    if data.similarity is not None:
        learned = data.similarity
        log_odds, _ = pair_log_odds(
            learned.variables, points, backbone=learned.backbone, train=config.adapt
        )
        return jax.nn.sigmoid(log_odds) if config.targets == "soft" else log_odds > 0
    if data.similar is None:
        raise ValueError("a learned similarity or a matrix of similar pairs is needed")
    return data.similar[chosen[:, None], chosen[None, :]]


def cluster_step(
    state: TrainState,
    data: UnlabeledPoints,
    key: Key,
    backbone: Backbone,
    config: ConstrainedConfig,
    optimizer: optax.GradientTransformation | None = None,
) -> tuple[TrainState, dict[str, Array]]:
    """One optimizer step on one batch: predict its similar pairs, fit the clusters to them.

    Args:
      state: of the training.
      data: the points and their similarity.
      key: the run's key; the batch and its crops follow from it and from the step.
      backbone: of the clustering network, static.
      config: static.
      optimizer: any optax optimizer, static; ``None``: Adam with milestones.

    Returns:
      The new state; loss, share of similar pairs, and clusters in use in the batch.
    """
    key_batches, key_crops = (jax.random.fold_in(key, purpose) for purpose in (0, 1))
    chosen = draw_batch(key_batches, state.step, data.points.shape[0], config.batch)
    key_crop = jax.random.fold_in(key_crops, state.step)
    points = augmented(key_crop, data.points[chosen], backbone, config.crop)
    similar = similar_pairs(data, chosen, points, config)

    def loss(variables: Variables) -> tuple[Array, tuple]:
        logits, batch_stats = cluster_logits(variables, points, backbone=backbone, train=True)
        used = jnp.zeros(config.num_clusters, bool).at[logits.argmax(axis=1)].set(True).sum()
        info = {"similar": similar.mean(), "clusters": used.astype(jnp.float32)}
        return config.pair_loss(jax.nn.softmax(logits), similar), (batch_stats, info)

    optimizer = optimizer or _default_optimizer(config, data.points.shape[0])
    return descend(state, optimizer, loss)


_init = jax.jit(init_clusters, static_argnames=("backbone", "num_clusters"))
_logits = jax.jit(cluster_logits, static_argnames=("backbone", "train"))


@host_call()
def assign_clusters(variables: Variables, backbone: Backbone, points: ArrayLike) -> np.ndarray:
    """Cluster probabilities p(k | x) of any points by a trained network, each by itself.

    Args:
      variables: of the clustering network.
      backbone: of the clustering network.
      points: ``[N, ...]``.

    Returns:
      ``[N, K]`` float32, rows sum to 1.

    Raises:
      ValueError: if points have the wrong shape or are not finite.
    """
    return _assigned(variables, backbone, checked_points(points, backbone))


def _assigned(variables: Variables, backbone: Backbone, array: ArrayLike) -> np.ndarray:
    """:func:`assign_clusters` for points that were checked."""
    found = np.empty((len(array), num_clusters_of(variables)), np.float32)
    for rows, part in blocks(array):
        logits, _ = _logits(variables, part, backbone=backbone, train=False)
        found[rows] = jax.nn.softmax(logits)[: rows.stop - rows.start]
    return found


@host_call()
def cluster_by_similarity(
    similarity: Similarity | PairFunction | ArrayLike,
    points: ArrayLike,
    backbone: Backbone | None = None,
    config: ConstrainedConfig | None = None,
    *,
    optimizer: optax.GradientTransformation | None = None,
    run: RunOptions = RunOptions(),  # noqa: B008  frozen
) -> tuple[ConstrainedClustering, bool]:
    """Step 3: fit a clustering network p(k | x) to the pairwise similarity of unlabeled points.

    Minimizes :func:`l2c_jax.pairwise.losses.mcl` or :func:`l2c_jax.pairwise.losses.kcl` of the
    network's probabilities and the similar pairs :math:`S_{ij} = [G(x_i, x_j) > 1/2]` of each
    batch; ``config.targets`` and ``config.confusion`` change the pairs and the loss. A learned G
    is evaluated on every augmented batch, any other function once on all pairs of points, in
    blocks of rows. What a function in JAX returns stays on the device.

    Args:
      similarity: G: a learned one, any function of two batches ``[N, ...]``, ``[M, ...]`` to
        probabilities ``[N, M]``, or the probabilities ``[N, N]`` themselves.
      points: ``[N, H, W, C]`` images, float or uint8, or a table ``[N, D]``; whatever a backbone
        of your own takes.
      backbone: of the clustering network; ``None``: that of a learned similarity, else
        :func:`l2c_jax.pairwise.backbones.default_backbone`.
      config: how; its seed decides everything random. ``None``: the defaults.
      optimizer: any optax optimizer, instead of Adam with ``config.learning_rate`` and
        ``config.lr_milestones``.
      run: folder, resume, progress bar; see :class:`l2c_jax.training.loop.RunOptions`.

    Returns:
      The clustering, and whether training was finished (False: a signal asked to stop, and the
      run can be resumed).

    Raises:
      ValueError: if points have the wrong shape, are fewer than 2 or not finite; a matrix is
        not ``[N, N]`` probabilities; ``backbone`` has another offset than that of G; or the
        confusion of G was not measured.
      l2c_jax.training.loop.DivergedError: if the loss is not finite.
      l2c_jax.training.loop.RunExistsError: if the folder holds another run.

    References:
      Hsu, Lv & Kira, *Learning to cluster in order to transfer across domains and tasks*, 2018.

    Example:
      >>> import numpy as np
      >>> from l2c_jax.pairwise.backbones import MLP
      >>> points = np.random.default_rng(0).normal(size=(30, 2))
      >>> near = lambda a, b: np.exp(-((a[:, None] - b[None]) ** 2).sum(axis=-1))
      >>> config = ConstrainedConfig(num_clusters=3, epochs=2)
      >>> found, finished = cluster_by_similarity(
      ...     near, points, MLP(columns=2, hidden=(8,)), config, run=RunOptions(progress=False))
      >>> found.labels.shape, found.probabilities.shape
      ((30,), (30, 3))
    """
    config = config or ConstrainedConfig()
    backbone = backbone or _backbone_for(similarity, points)
    config = with_confusion(config, similarity)
    data = _unlabeled(similarity, points, backbone, soft=config.targets == "soft")
    return _fit(data, backbone, config, optimizer, run)


def _fit(
    data: UnlabeledPoints,
    backbone: Backbone,
    config: ConstrainedConfig,
    optimizer: optax.GradientTransformation | None,
    run: RunOptions,
) -> tuple[ConstrainedClustering, bool]:
    """The training of :func:`cluster_by_similarity`, with checked arguments."""
    size = len(data.points)
    hashed = data.similar if data.similarity is None else data.similarity.variables
    data_hash = content_hash((data.points, hashed))
    run_config = describe_run("clusters", backbone, config, optimizer, data_hash)
    key_init, key_run = jax.random.split(jax.random.key(config.seed))
    iterations = _iterations(config, size)
    variables = _init(key_init, backbone, config.num_clusters)
    state, done, _ = run_steps(
        # the same static arguments for every seed, so that runs share the compiled program
        Step(cluster_step, (backbone, replace(config, seed=0), optimizer)),
        init_state(variables, optimizer or _default_optimizer(config, size)),
        data,
        key_run,
        LoopConfig(
            iterations=iterations,
            log_every=config.log_every,
            checkpoint_every=config.checkpoint_every,
            points_per_iteration=size // epoch_length(size, config.batch),
        ),
        run_config=run_config,
        run=run,
    )
    variables = jax.tree.map(np.asarray, state.variables)
    probabilities = _assigned(variables, backbone, data.points)
    labels = probabilities.argmax(axis=1).astype(np.int32)
    used = int(np.unique(labels).size)
    found = ConstrainedClustering(labels, probabilities, used, variables, backbone)
    return found, done == iterations


def _backbone_for(
    similarity: Similarity | PairFunction | ArrayLike, points: ArrayLike
) -> Backbone:
    return similarity.backbone if isinstance(similarity, Similarity) else default_backbone(points)


def _unlabeled(
    similarity: Similarity | PairFunction | ArrayLike,
    points: ArrayLike,
    backbone: Backbone,
    *,
    soft: bool,
) -> UnlabeledPoints:
    """Points and similarity on the device; metadata are dropped, so that programs are shared."""
    checked = checked_points(points, backbone, least=2)
    if isinstance(similarity, Similarity):
        own, theirs = (getattr(b, "offset", ()) or () for b in (backbone, similarity.backbone))
        if own != theirs:
            raise ValueError("backbone must have the offset of the similarity's backbone")
        checked_points(points, similarity.backbone)
        bare = replace(similarity, metadata=SimilarityMetadata())
        return UnlabeledPoints(jnp.asarray(checked), bare, None)
    if callable(similarity):
        exact = any(np.ravel(getattr(backbone, "offset", ())))  # too large for float32
        matrix = evaluate(similarity, points if exact else checked)
    else:
        matrix = checked_similarity(similarity, (len(checked), len(checked)))
    similar = jnp.asarray(matrix if soft else matrix > 0.5)
    return UnlabeledPoints(jnp.asarray(checked), None, similar)
