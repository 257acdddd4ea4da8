"""A classifier trained on labelled points of the source: the supervised baseline."""

import dataclasses
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from l2c_jax.pairwise.augment import augmented
from l2c_jax.pairwise.backbones import Backbone, describe_backbone
from l2c_jax.pairwise.config import SimilarityConfig
from l2c_jax.pairwise.layers import Variables
from l2c_jax.pairwise.networks import cluster_logits, init_clusters
from l2c_jax.pairwise.points import checked_points
from l2c_jax.pairwise.train import (
    Step,
    TrainState,
    adam_with_milestones,
    descend,
    init_state,
    run_steps,
)
from l2c_jax.training.loop import LoopConfig, RunOptions
from l2c_jax.training.weights import content_hash
from l2c_jax.types import Array, Key


class Labelled(NamedTuple):
    """Labelled points on the device."""

    points: Array  # [N, ...]
    labels: Array  # [N] int32


def classifier_step(
    state: TrainState,
    data: Labelled,
    key: Key,
    backbone: Backbone,
    classes: int,
    config: SimilarityConfig,
) -> tuple[TrainState, dict[str, Array]]:
    """One step of Adam on the cross-entropy of a batch drawn with replacement."""
    key_batch, key_crop = jax.random.split(jax.random.fold_in(key, state.step))
    size = config.classes * config.per_class
    chosen = jax.random.randint(key_batch, (size,), 0, data.points.shape[0])
    points = augmented(key_crop, data.points[chosen], backbone, config.crop)

    def loss(variables: Variables) -> tuple[Array, tuple]:
        logits, batch_stats = cluster_logits(variables, points, backbone=backbone, train=True)
        labels = data.labels[chosen]
        error = (logits.argmax(axis=1) != labels).mean()
        costs = optax.softmax_cross_entropy_with_integer_labels(logits, labels)
        return costs.mean(), (batch_stats, {"error": error})

    adam = adam_with_milestones(config.learning_rate, config.lr_milestones, config.iterations)
    return descend(state, adam, loss)


_init = jax.jit(init_clusters, static_argnames=("backbone", "num_clusters"))
_logits = jax.jit(cluster_logits, static_argnames=("backbone", "train"))


def learn_classifier(
    points: np.ndarray,
    labels: np.ndarray,
    backbone: Backbone,
    config: SimilarityConfig,
    *,
    folder: Path | None = None,
    progress: bool = True,
) -> Variables:
    """The clustering network trained as a classifier, with the steps and batch size of G.

    Args:
      points: ``[N, ...]``.
      labels: ``[N]`` int from 0.
      backbone: the backbone.
      config: of the training of G.
      folder: for checkpoints; a run that was stopped goes on there.
      progress: show a bar.

    Returns:
      Its variables.

    Raises:
      SystemExit: if a signal stopped it.
    """
    classes = int(labels.max()) + 1
    points = checked_points(points, backbone, least=2)
    key_init, key_run = jax.random.split(jax.random.key(config.seed))
    adam = adam_with_milestones(config.learning_rate, config.lr_milestones, config.iterations)
    state, done, _ = run_steps(
        Step(classifier_step, (backbone, classes, config)),
        init_state(_init(key_init, backbone, classes), adam),
        Labelled(jnp.asarray(points), jnp.asarray(labels, jnp.int32)),
        key_run,
        LoopConfig(
            iterations=config.iterations,
            log_every=config.log_every,
            checkpoint_every=config.checkpoint_every,
            points_per_iteration=config.classes * config.per_class,
        ),
        run_config={
            "kind": "classifier",
            "backbone": describe_backbone(backbone),
            "training": dataclasses.asdict(config),
            "data": content_hash((points, labels)),
        },
        run=RunOptions(folder=folder, resume=True, progress=progress),
    )
    if done < config.iterations:
        raise SystemExit(f"stopped; the same command goes on ({folder})")
    return jax.tree.map(np.asarray, state.variables)


def classes_of(
    variables: Variables, points: np.ndarray, backbone: Backbone, *, adapt: bool
) -> np.ndarray:
    """``[N]`` most probable classes.

    Args:
      variables: of the classifier.
      points: ``[N, ...]``.
      backbone: its backbone.
      adapt: whether batch norm uses the statistics of these points instead of the running
        averages.

    Returns:
      int.
    """
    array = jnp.asarray(checked_points(points, backbone))
    logits, _ = _logits(variables, array, backbone=backbone, train=adapt)
    return np.asarray(logits.argmax(axis=1))
