"""The training losses of section 3.2, for one task; ``vmap`` over tasks."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from l2c_jax.metrics import cheapest_relabelling
from l2c_jax.types import Array

_LEAST = 500.0  # nats; a score of 1 against -1 costs twice the logit scale


class Neighbors(NamedTuple):
    """The nearest neighbors of every point."""

    indices: Array  # [N, J] int32
    weight: Array  # [N, J] float32: 1 for a real neighbor of a real point, else 0


def nearest_neighbors(points: Array, mask: Array, count: int = 3) -> Neighbors:
    """The ``count`` nearest neighbors of each point, by Euclidean distance.

    Args:
      points: ``[N, D]``.
      mask: ``[N]`` bool.
      count: J, neighbors of a point; the paper takes 3.

    Returns:
      Indices ``[N, J]`` and weights ``[N, J]``; a task with fewer than ``J + 1`` points has
      neighbors of weight 0.
    """
    size = points.shape[0]
    count = min(count, size)
    squared = ((points[:, None, :] - points[None, :, :]) ** 2).sum(axis=-1)
    usable = mask[None, :] & ~jnp.eye(size, dtype=bool)
    negative, index = jax.lax.top_k(jnp.where(usable, -squared, -jnp.inf), count)
    weight = jnp.isfinite(negative) & mask[:, None]
    return Neighbors(index, weight.astype(points.dtype))


def classification_loss(log_probs: Array, labels: Array, mask: Array) -> Array:
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
      >>> round(float(classification_loss(log_probs, jnp.array([0, 0]), jnp.ones(2, bool))), 4)
      1.0397
    """
    chosen = jnp.take_along_axis(log_probs, labels[:, None], axis=1)[:, 0]
    real = mask.astype(chosen.dtype)
    return -(chosen * real).sum() / jnp.maximum(real.sum(), 1)


def local_loss(log_probs: Array, neighbors: Neighbors, mask: Array) -> Array:
    """Kullback-Leibler divergence between neighbors, the mean over real points.

    :math:`L_{local} = \\sum_j \\sum_{j' \\in N(j)} KL(r_j \\| r_{j'})` divided by the number of
    points.

    Args:
      log_probs: ``[N, K]``.
      neighbors: from :func:`nearest_neighbors`.
      mask: ``[N]`` bool.

    Returns:
      ``[]``, in nats per point.
    """
    own = log_probs[:, None, :]
    divergence = (jnp.exp(own) * (own - log_probs[neighbors.indices])).sum(axis=-1)  # [N, J]
    real = mask.astype(divergence.dtype)
    return (divergence * neighbors.weight).sum() / jnp.maximum(real.sum(), 1)


def hungarian_labels(log_probs: Array, labels: Array, mask: Array) -> Array:
    """The labels under the relabelling of least cross-entropy (ours).

    .. math::
        \\pi^* = \\arg\\min_\\pi -\\sum_j \\log r_j^{\\pi(s_j)}

    by Kuhn-Munkres on the ``[K, K]`` table of summed log-probabilities, for each task and epoch.
    No gradient flows through the choice.

    Args:
      log_probs: ``[N, K]``.
      labels: ``[N]`` int.
      mask: ``[N]`` bool.

    Returns:
      ``[N]`` int32.

    Example:
      >>> import jax.numpy as jnp
      >>> log_probs = jnp.log(jnp.array([[0.9, 0.1], [0.2, 0.8]]))
      >>> hungarian_labels(log_probs, jnp.array([1, 0]), jnp.ones(2, bool)).tolist()
      [0, 1]
    """
    member = jax.nn.one_hot(labels, log_probs.shape[1], dtype=log_probs.dtype)
    member *= mask[:, None].astype(member.dtype)
    bounded = jnp.maximum(log_probs, -_LEAST)  # masked clusters have a finite cost
    return cheapest_relabelling(-member.T @ bounded)[labels]
