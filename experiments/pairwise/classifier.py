"""A classifier trained on labelled points of the source: the supervised baseline."""

import dataclasses
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from l2c_jax.pairwise.augment import augmented
from l2c_jax.pairwise.backbones import Trunk, checked_points
from l2c_jax.pairwise.learned import described
from l2c_jax.pairwise.networks import Variables, cluster_logits, init_clusters
from l2c_jax.pairwise.similarity import SimilarityConfig
from l2c_jax.pairwise.train import (
    TrainState,
    descend,
    init_state,
    optimizer,
    run,
)
from l2c_jax.training.loop import LoopConfig
from l2c_jax.training.weights import fingerprint
from l2c_jax.types import Array, Key


class Labelled(NamedTuple):
    """Labelled points on the device."""

    points: Array  # [N, ...]
    labels: Array  # [N] int32


def classifier_step(
    state: TrainState,
    data: Labelled,
    key: Key,
    trunk: Trunk,
    classes: int,
    config: SimilarityConfig,
) -> tuple[TrainState, dict[str, Array]]:
    """One step of Adam on the cross-entropy of a batch drawn with replacement."""
    key_batch, key_crop = jax.random.split(jax.random.fold_in(key, state.step))
    size = config.classes * config.per_class
    chosen = jax.random.randint(key_batch, (size,), 0, data.points.shape[0])
    points = augmented(key_crop, data.points[chosen], trunk, config.crop)

    def loss(variables: Variables) -> tuple[Array, tuple]:
        logits, batch_stats = cluster_logits(
            variables, points, trunk=trunk, num_clusters=classes, train=True
        )
        labels = data.labels[chosen]
        error = (logits.argmax(axis=1) != labels).mean()
        costs = optax.softmax_cross_entropy_with_integer_labels(logits, labels)
        return costs.mean(), (batch_stats, {"error": error})

    adam = optimizer(config.learning_rate, config.drops, config.iterations)
    return descend(state, adam, loss)


_init = jax.jit(init_clusters, static_argnames=("trunk", "num_clusters"))
_logits = jax.jit(cluster_logits, static_argnames=("trunk", "num_clusters", "train"))


def learn_classifier(
    points: np.ndarray,
    labels: np.ndarray,
    trunk: Trunk,
    config: SimilarityConfig,
    *,
    folder: Path | None = None,
    progress: bool = True,
) -> Variables:
    """The clustering network trained as a classifier, with the steps and batch size of G.

    Args:
      points: ``[N, ...]``.
      labels: ``[N]`` int from 0.
      trunk: the backbone.
      config: of the training of G.
      folder: for checkpoints; a run that was stopped goes on there.
      progress: show a bar.

    Returns:
      Its variables.

    Raises:
      SystemExit: if a signal stopped it.
    """
    classes = int(labels.max()) + 1
    points = checked_points(points, trunk, least=2)
    key_init, key_run = jax.random.split(jax.random.key(config.seed))
    adam = optimizer(config.learning_rate, config.drops, config.iterations)
    state, done, _ = run(
        classifier_step,
        (trunk, classes, config),
        init_state(_init(key_init, trunk, classes), adam),
        Labelled(jnp.asarray(points), jnp.asarray(labels, jnp.int32)),
        key_run,
        LoopConfig(
            iterations=config.iterations,
            log_every=config.log_every,
            checkpoint_every=config.checkpoint_every,
            points_per_iteration=config.classes * config.per_class,
        ),
        story={
            "kind": "classifier",
            "trunk": described(trunk),
            "training": dataclasses.asdict(config),
            "data": fingerprint((points, labels)),
        },
        folder=folder,
        resume=True,
        progress=progress,
        on_log=None,
    )
    if done < config.iterations:
        raise SystemExit(f"stopped; the same command goes on ({folder})")
    return jax.tree.map(np.asarray, state.variables)


def classes_of(
    variables: Variables, points: np.ndarray, trunk: Trunk, *, adapt: bool
) -> np.ndarray:
    """``[N]`` most probable classes.

    Args:
      variables: of the classifier.
      points: ``[N, ...]``.
      trunk: its backbone.
      adapt: whether batch norm uses the statistics of these points instead of the running
        averages.

    Returns:
      int.
    """
    width = variables.params["logits"]["bias"].shape[0]
    array = jnp.asarray(checked_points(points, trunk))
    logits, _ = _logits(variables, array, trunk=trunk, num_clusters=width, train=adapt)
    return np.asarray(logits.argmax(axis=1))
