"""The training losses of section 3.2, for one task; ``vmap`` over tasks."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from l2c_jax.metrics import cheapest_relabelling
from l2c_jax.types import Array

_LEAST = 500.0  # nats; a score of 1 against -1 costs twice the logit scale


class Neighbours(NamedTuple):
    """The nearest neighbours of every point."""

    indices: Array  # [N, J] int32
    weight: Array  # [N, J] float32: 1 for a real neighbour of a real point, else 0


def nearest_neighbours(points: Array, mask: Array, count: int = 3) -> Neighbours:
    """The ``count`` nearest neighbours of each point, by Euclidean distance.

    Args:
      points: ``[N, D]``.
      mask: ``[N]`` bool.
      count: J, neighbours of a point; the paper takes 3.

    Returns:
      Indices ``[N, J]`` and weights ``[N, J]``; a task with fewer than ``J + 1`` points has
      neighbours of weight 0.
    """
    size = points.shape[0]
    count = min(count, size)
    squared = ((points[:, None, :] - points[None, :, :]) ** 2).sum(axis=-1)
    usable = mask[None, :] & ~jnp.eye(size, dtype=bool)
    negative, index = jax.lax.top_k(jnp.where(usable, -squared, -jnp.inf), count)
    weight = jnp.isfinite(negative) & mask[:, None]
    return Neighbours(index, weight.astype(points.dtype))


def classify_loss(log_probs: Array, labels: Array, mask: Array) -> Array:
    """Cross-entropy with the true labels, the mean over real points.

    :math:`L_{classify} = -\\sum_j \\log r_j^{s_j}` divided by the number of points, so that
    learning rates do not depend on N.

    Args:
      log_probs: ``[N, K]``.
      labels: ``[N]`` int.
      mask: ``[N]`` bool.

    Returns:
      ``[]``, in nats per point.

    Example:
      >>> import jax.numpy as jnp
      >>> log_probs = jnp.log(jnp.array([[0.5, 0.5], [0.25, 0.75]]))
      >>> round(float(classify_loss(log_probs, jnp.array([0, 0]), jnp.ones(2, bool))), 4)
      1.0397
    """
    chosen = jnp.take_along_axis(log_probs, labels[:, None], axis=1)[:, 0]
    return -(chosen * mask).sum() / jnp.maximum(mask.sum(), 1)


def local_loss(log_probs: Array, neighbours: Neighbours, mask: Array) -> Array:
    """How much neighbours disagree, the mean over real points.

    :math:`L_{local} = \\sum_j \\sum_{j' \\in N(j)} KL(r_j \\| r_{j'})` divided by the number of
    points.

    Args:
      log_probs: ``[N, K]``.
      neighbours: from :func:`nearest_neighbours`.
      mask: ``[N]`` bool.

    Returns:
      ``[]``, in nats per point.
    """
    own = log_probs[:, None, :]
    divergence = (jnp.exp(own) * (own - log_probs[neighbours.indices])).sum(axis=-1)  # [N, J]
    return (divergence * neighbours.weight).sum() / jnp.maximum(mask.sum(), 1)


def matched_labels(log_probs: Array, labels: Array, mask: Array) -> Array:
    """The labels, renamed so that the cross-entropy is as small as it can be.

    Any numbering of the clusters is as good as any other; this lets the learner choose its own
    for every task and pass. The cheapest one is found by Kuhn-Munkres on the ``[K, K]`` table of
    summed log-probabilities; no gradient flows through the choice.

    Args:
      log_probs: ``[N, K]``.
      labels: ``[N]`` int.
      mask: ``[N]`` bool.

    Returns:
      ``[N]`` int32.

    Example:
      >>> import jax.numpy as jnp
      >>> log_probs = jnp.log(jnp.array([[0.9, 0.1], [0.2, 0.8]]))
      >>> matched_labels(log_probs, jnp.array([1, 0]), jnp.ones(2, bool)).tolist()
      [0, 1]
    """
    member = jax.nn.one_hot(labels, log_probs.shape[1], dtype=log_probs.dtype) * mask[:, None]
    bounded = jnp.maximum(log_probs, -_LEAST)  # clusters that are masked out stay just dear
    return cheapest_relabelling(-member.T @ bounded)[labels]
