"""The training objective: the losses of one epoch over one task."""

from typing import Any

import jax
import jax.numpy as jnp

from l2c_jax.metrics import matched_error
from l2c_jax.recurrent.batch import Batch
from l2c_jax.recurrent.config import ModelConfig, TrainConfig
from l2c_jax.recurrent.losses import classification_loss, hungarian_labels, local_loss
from l2c_jax.recurrent.model import (
    append_num_clusters,
    frozen_scores,
    log_probabilities,
    rollout,
)
from l2c_jax.recurrent.scan import Scan, checkpointed, windowed
from l2c_jax.types import Array, PyTree


def task_loss(
    params: PyTree,
    carry: Any,
    order: Array,
    batch: Batch,
    config: ModelConfig,
    training: TrainConfig,
) -> tuple[Array, tuple[Any, Array]]:
    r"""Loss of one epoch over one task: :math:`\lambda L_{classify} + (1 - \lambda) L_{local}`.

    Args:
      params: of the learner.
      carry: before the epoch.
      order: ``[N]``, the order of the points.
      batch: one element of a batch: ``[N, D]``, ...
      config: static.
      training: static.

    Returns:
      The loss in nats per point; the carry after the epoch, and the error up to relabelling.
    """
    task, neighbors, k_given = batch
    points, count = task.points, None
    if config.condition_on_num_clusters:
        member = jax.nn.one_hot(task.labels, config.num_clusters) * task.mask[:, None]
        count = jnp.where(k_given, (member.sum(axis=0) > 0).sum(), 0)
        points = append_num_clusters(points, count, config.num_clusters)
        count = jnp.where(k_given, count, config.num_clusters)
    scan: Scan = checkpointed
    if training.window is not None:
        scan = windowed(training.window, truncate=training.truncate)
    carry, scores = rollout(params, carry, points, order, config, mask=task.mask, scan=scan)
    log_probs = log_probabilities(scores, config.logit_scale, count)
    during_epoch = log_probs
    if training.frozen_loss_weight > 0:
        frozen = frozen_scores(params, carry, points, config)
        log_probs = log_probabilities(frozen, config.logit_scale, count)
    labels = task.labels
    if training.label_assignment == "hungarian":
        labels = hungarian_labels(log_probs, labels, task.mask)
    classified = classification_loss(log_probs, labels, task.mask)
    if training.frozen_loss_weight > 0:
        classified *= training.frozen_loss_weight
        classified += (1 - training.frozen_loss_weight) * classification_loss(
            during_epoch, labels, task.mask
        )
    loss = training.classification_weight * classified
    if neighbors is not None:
        local = local_loss(log_probs, neighbors, task.mask)
        loss += (1 - training.classification_weight) * local
    predicted = jnp.argmax(log_probs, axis=-1)
    error = matched_error(task.labels, predicted, task.mask, config.num_clusters)
    return loss, (carry, error)
