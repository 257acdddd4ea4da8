"""Step 1 of learning to cluster: learn a similarity from labeled points."""

from dataclasses import replace
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from l2c_jax.pairwise.augment import augmented
from l2c_jax.pairwise.backbones import Backbone, default_backbone
from l2c_jax.pairwise.config import SimilarityConfig
from l2c_jax.pairwise.confusion import measured_confusion, split_classes
from l2c_jax.pairwise.layers import Variables
from l2c_jax.pairwise.losses import pair_cross_entropy
from l2c_jax.pairwise.networks import init_similarity, pair_log_odds
from l2c_jax.pairwise.points import checked_labels, checked_points, numbers
from l2c_jax.pairwise.sampling import ClassIndex, draw_episode, index_by_class, pair_labels
from l2c_jax.pairwise.similarity import KIND, Similarity, SimilarityMetadata
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
from l2c_jax.training.provenance import provenance, versions
from l2c_jax.training.weights import content_hash
from l2c_jax.types import Array, ArrayLike, Key


class LabeledPoints(NamedTuple):
    """Labeled points on the device."""

    points: Array  # [N, ...] float32 or uint8
    labels: Array  # [N] int32
    by_class: ClassIndex


def _default_optimizer(config: SimilarityConfig) -> optax.GradientTransformation:
    return adam_with_milestones(config.learning_rate, config.lr_milestones, config.iterations)


def similarity_step(
    state: TrainState,
    data: LabeledPoints,
    key: Key,
    backbone: Backbone,
    config: SimilarityConfig,
    optimizer: optax.GradientTransformation | None = None,
) -> tuple[TrainState, dict[str, Array]]:
    """One optimizer step on one episode, over all ordered pairs of its points.

    Args:
      state: of the training.
      data: the labeled points.
      key: the run's key; step ``i`` uses ``fold_in(key, i)``.
      backbone: static.
      config: static.
      optimizer: any optax optimizer, static; ``None``: Adam with milestones.

    Returns:
      The new state; loss, share of wrong pairs, precision and recall of the similar ones.
    """
    key_episode, key_crop = jax.random.split(jax.random.fold_in(key, state.step))
    classes = min(config.classes, data.by_class.sizes.shape[0])
    chosen = draw_episode(key_episode, data.by_class, classes, config.per_class)
    points = augmented(key_crop, data.points[chosen], backbone, config.crop)
    similar = pair_labels(data.labels[chosen])

    def loss(variables: Variables) -> tuple[Array, tuple]:
        log_odds, batch_stats = pair_log_odds(variables, points, backbone=backbone, train=True)
        predicted = log_odds > 0
        hits = (predicted & similar).sum()
        info = {
            "error": (predicted != similar).mean(),
            "precision": hits / jnp.maximum(predicted.sum(), 1),
            "recall": hits / similar.sum(),
        }
        return pair_cross_entropy(log_odds, similar), (batch_stats, info)

    return descend(state, optimizer or _default_optimizer(config), loss)


_init = jax.jit(init_similarity, static_argnames="backbone")


@host_call()
def learn_similarity(
    points: ArrayLike,
    labels: ArrayLike,
    backbone: Backbone | None = None,
    config: SimilarityConfig | None = None,
    *,
    optimizer: optax.GradientTransformation | None = None,
    run: RunOptions = RunOptions(),  # noqa: B008  frozen
) -> tuple[Similarity, bool]:
    """Step 1: learn G(x, y) = P(x and y are of one class) from labeled points.

    Minimizes the cross-entropy of :math:`S_{ij} = [y_i = y_j]` over all ordered pairs of
    class-balanced episodes, see :func:`l2c_jax.pairwise.losses.pair_cross_entropy`.

    Args:
      points: ``[N, H, W, C]`` images, float or uint8, or a table ``[N, D]``; whatever a backbone
        of your own takes.
      labels: ``[N]``; the classes need not be those of the data to be clustered.
      backbone: from points to features; ``None``:
        :func:`l2c_jax.pairwise.backbones.default_backbone`.
      config: how; its seed decides everything random. ``None``: the defaults.
      optimizer: any optax optimizer, instead of Adam with ``config.learning_rate`` and
        ``config.lr_milestones``.
      run: folder, resume, progress bar; see :class:`l2c_jax.training.loop.RunOptions`.

    Returns:
      The similarity, and whether training was finished (False: a signal asked to stop, and the
      run can be resumed).

    Raises:
      ValueError: if points and backbone do not fit each other, labels are not as many as points,
        missing, of a single class, or too few in a class.
      l2c_jax.training.loop.DivergedError: if the loss is not finite.
      l2c_jax.training.loop.RunExistsError: if the folder holds another run.

    References:
      Hsu, Lv & Kira, *Learning to cluster in order to transfer across domains and tasks*, 2018.

    Example:
      >>> import numpy as np
      >>> from l2c_jax.pairwise.backbones import MLP
      >>> labels = np.arange(40) % 4
      >>> points = np.eye(4)[labels] + 0.1 * np.random.default_rng(0).normal(size=(40, 4))
      >>> config = SimilarityConfig(iterations=2, classes=4)
      >>> similarity, finished = learn_similarity(
      ...     points, labels, MLP(columns=4, hidden=(8,)), config, run=RunOptions(progress=False))
      >>> similarity.metadata.iterations, finished
      (2, True)
    """
    config = config or SimilarityConfig()
    backbone = backbone or default_backbone(points)
    array = checked_points(points, backbone, least=2)
    classes = checked_labels(labels, len(array))
    known = np.ones(len(array), bool)
    if config.held_out:
        known = ~split_classes(classes, config.held_out, config.seed)
    by_class = index_by_class(classes[known], config.per_class)
    codes = np.unique(classes[known], return_inverse=True)[1].astype(np.int32)
    data = LabeledPoints(jnp.asarray(array[known]), jnp.asarray(codes), by_class)
    found, finished = _learn(data, backbone, config, optimizer, run)
    if not finished or known.all():
        return found, finished
    given = numbers(points)[~known]
    measured = measured_confusion(found, given, classes[~known], seed=config.seed)
    return replace(found, metadata=replace(found.metadata, confusion=measured)), True


def _learn(
    data: LabeledPoints,
    backbone: Backbone,
    config: SimilarityConfig,
    optimizer: optax.GradientTransformation | None,
    run: RunOptions,
) -> tuple[Similarity, bool]:
    """The training of :func:`learn_similarity`, with checked arguments."""
    hashed = content_hash((data.points, data.labels))
    metadata = SimilarityMetadata(
        training=config, data=hashed, provenance=provenance(), versions=versions()
    )
    run_config = describe_run(KIND, backbone, config, optimizer, hashed)
    key_init, key_run = jax.random.split(jax.random.key(config.seed))
    state, done, seconds = run_steps(
        # the same static arguments for every seed, so that runs share the compiled program
        Step(similarity_step, (backbone, replace(config, seed=0), optimizer)),
        init_state(_init(key_init, backbone), optimizer or _default_optimizer(config)),
        data,
        key_run,
        LoopConfig(
            iterations=config.iterations,
            log_every=config.log_every,
            checkpoint_every=config.checkpoint_every,
            points_per_iteration=config.per_class
            * min(config.classes, data.by_class.sizes.shape[0]),
        ),
        run_config=run_config,
        run=run,
    )
    metadata = replace(metadata, iterations=done, minutes=round(seconds / 60, 1))
    variables = jax.tree.map(np.asarray, state.variables)
    return Similarity(variables, backbone, metadata), done == config.iterations
