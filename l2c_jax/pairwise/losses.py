"""Losses over all ordered pairs of a batch; none needs more than a few ``[N, N]`` arrays."""

import jax
import jax.numpy as jnp
import optax

from l2c_jax.types import Array

_EPSILON = 1e-7  # inside every logarithm of a probability


def pair_cross_entropy(log_odds: Array, similar: Array) -> Array:
    """Cross-entropy of predicted similarity, the mean over all pairs.

    Args:
      log_odds: ``[N, M]``, of "same" against "different".
      similar: ``[N, M]`` bool, the truth.

    Returns:
      ``[]``, in nats per pair.

    Example:
      >>> import jax.numpy as jnp
      >>> round(float(pair_cross_entropy(jnp.zeros((2, 2)), jnp.eye(2, dtype=bool))), 4)
      0.6931
    """
    return optax.sigmoid_binary_cross_entropy(log_odds, similar.astype(log_odds.dtype)).mean()


def kcl(probabilities: Array, similar: Array, margin: float = 2.0) -> Array:
    """The contrastive loss on Kullback-Leibler divergences (KCL).

    :math:`D_{ij} = KL(p_j \\| p_i)`, with no gradient through the target :math:`p_j`; a similar
    pair costs :math:`D_{ij}`, a dissimilar one :math:`\\max(0, margin - D_{ij})`; the mean over
    all ordered pairs.

    Args:
      probabilities: ``[N, K]``, rows sum to 1.
      similar: ``[N, N]`` bool.
      margin: divergence beyond which a dissimilar pair costs nothing, in nats.

    Returns:
      ``[]``, in nats per pair.

    References:
      Hsu & Kira, *Neural network-based clustering using pairwise constraints*, 2015.

    Example:
      >>> import jax.numpy as jnp
      >>> float(kcl(jnp.full((3, 4), 0.25), jnp.zeros((3, 3), bool)))
      2.0
    """
    target = jax.lax.stop_gradient(probabilities)
    entropy = -(target * jnp.log(target + _EPSILON)).sum(axis=1)  # [N]
    cross = -jnp.log(probabilities + _EPSILON) @ target.T  # [N, N]: predicted i, target j
    divergence = cross - entropy[None, :]
    return jnp.where(similar, divergence, jnp.maximum(margin - divergence, 0)).mean()


def mcl(probabilities: Array, similar: Array) -> Array:
    """The meta classification likelihood (MCL), as a loss.

    Two points are in the same cluster with probability :math:`s_{ij} = p_i \\cdot p_j`; a similar
    pair costs :math:`-\\log s_{ij}`, a dissimilar one :math:`-\\log(1 - s_{ij})`; the mean over
    all ordered pairs.

    Args:
      probabilities: ``[N, K]``, rows sum to 1.
      similar: ``[N, N]`` bool.

    Returns:
      ``[]``, in nats per pair.

    References:
      Hsu, Lv, Schlosser, Odom & Kira, *Multi-class classification without multi-class labels*,
      2019.

    Example:
      >>> import jax.numpy as jnp
      >>> round(float(mcl(jnp.full((3, 2), 0.5), jnp.ones((3, 3), bool))), 4)
      0.6931
    """
    same = probabilities @ probabilities.T
    same -= jax.lax.stop_gradient(jnp.maximum(same - 1, 0))  # rounding may carry it beyond 1
    return -jnp.log(jnp.where(similar, same, 1 - same) + _EPSILON).mean()


LOSSES = {"kcl": kcl, "mcl": mcl}
"""By name: what compares the clusters of two points with their similarity."""
