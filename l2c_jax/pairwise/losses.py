"""Losses over all ordered pairs of a batch, each in O(N^2 K) operations and O(N^2) memory."""

import jax
import jax.numpy as jnp
import optax

from l2c_jax.types import Array

_EPSILON = 1e-7  # added inside every logarithm, as in the reference implementation


def pair_cross_entropy(log_odds: Array, similar: Array) -> Array:
    """Binary cross-entropy of predicted similarity, the mean over all pairs.

    .. math::
       -\\frac{1}{NM} \\sum_{ij} \\bigl[ S_{ij} \\log \\sigma(z_{ij})
       + (1 - S_{ij}) \\log(1 - \\sigma(z_{ij})) \\bigr]

    Args:
      log_odds: z, ``[N, M]``, of "same" against "different".
      similar: S, ``[N, M]`` bool, the truth.

    Returns:
      ``[]``, in nats per pair.

    References:
      Hsu, Lv & Kira, *Learning to cluster in order to transfer across domains and tasks*, 2018.

    Example:
      >>> import jax.numpy as jnp
      >>> round(float(pair_cross_entropy(jnp.zeros((2, 2)), jnp.eye(2, dtype=bool))), 4)
      0.6931
    """
    return optax.sigmoid_binary_cross_entropy(log_odds, similar.astype(log_odds.dtype)).mean()


def kcl(probabilities: Array, similar: Array, margin: float = 2.0) -> Array:
    """The contrastive loss on Kullback-Leibler divergences (KCL).

    .. math::
       \\frac{1}{N^2} \\sum_{ij} S_{ij} D_{ij} + (1 - S_{ij}) \\max(0, m - D_{ij}),
       \\quad D_{ij} = KL(p_j \\| p_i)

    with :math:`10^{-7}` added inside the logarithms and no gradient through the target
    :math:`p_j`.

    Args:
      probabilities: p, ``[N, K]``, rows sum to 1.
      similar: S, ``[N, N]`` bool.
      margin: m; a dissimilar pair with a larger divergence costs nothing; in nats.

    Returns:
      ``[]``, in nats per pair.

    References:
      Hsu & Kira, *Neural network-based clustering using pairwise constraints*, 2015; Hsu, Lv &
      Kira, *Learning to cluster in order to transfer across domains and tasks*, 2018.

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

    .. math::
       -\\frac{1}{N^2} \\sum_{ij} S_{ij} \\log s_{ij} + (1 - S_{ij}) \\log(1 - s_{ij}),
       \\quad s_{ij} = p_i^\\top p_j

    with the probability :math:`s_{ij}` that i and j are in one cluster, and :math:`10^{-7}` added
    inside the logarithms.

    Args:
      probabilities: p, ``[N, K]``, rows sum to 1.
      similar: S, ``[N, N]`` bool.

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
    same -= jax.lax.stop_gradient(jnp.maximum(same - 1, 0))  # rounding can exceed 1
    return -jnp.log(jnp.where(similar, same, 1 - same) + _EPSILON).mean()


LOSSES = {"kcl": kcl, "mcl": mcl}
"""The losses of a constrained clustering, by name."""
