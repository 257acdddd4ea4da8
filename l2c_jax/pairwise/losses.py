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

    With probabilities S of "similar" in [0, 1] it is the expectation over pairs drawn from them.

    .. math::
       \\frac{1}{N^2} \\sum_{ij} S_{ij} D_{ij} + (1 - S_{ij}) \\max(0, m - D_{ij}),
       \\quad D_{ij} = KL(p_j \\| p_i)

    with :math:`10^{-7}` added inside the logarithms and no gradient through the target
    :math:`p_j`.

    Args:
      probabilities: p, ``[N, K]``, rows sum to 1.
      similar: S, ``[N, N]`` bool, or probabilities.
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
    return _chosen(similar, divergence, jnp.maximum(margin - divergence, 0)).mean()


def mcl(probabilities: Array, similar: Array) -> Array:
    """The meta classification likelihood (MCL), as a loss.

    With probabilities S of "similar" in [0, 1] it is the expectation over pairs drawn from them.

    .. math::
       -\\frac{1}{N^2} \\sum_{ij} S_{ij} \\log s_{ij} + (1 - S_{ij}) \\log(1 - s_{ij}),
       \\quad s_{ij} = p_i^\\top p_j

    with the probability :math:`s_{ij}` that i and j are in one cluster, and :math:`10^{-7}` added
    inside the logarithms.

    Args:
      probabilities: p, ``[N, K]``, rows sum to 1.
      similar: S, ``[N, N]`` bool, or probabilities.

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
    return _pair_likelihood(_same_cluster(probabilities), similar)


def noisy_mcl(probabilities: Array, similar: Array, confusion: tuple[float, float]) -> Array:
    """MCL for similarity labels of which a known share is wrong: the forward correction.

    Let :math:`S^*_{ij}` be whether i and j are similar, and :math:`S_{ij}` what is said about
    them, with

    .. math::
       a = P(S_{ij} = 1 \\mid S^*_{ij} = 1), \\quad b = P(S_{ij} = 1 \\mid S^*_{ij} = 0)

    whatever the points are. The model says
    :math:`P(S^*_{ij} = 1) = s_{ij} = p_i^\\top p_j`. By the law of total probability the
    probability of what is said is

    .. math::
       q_{ij} = P(S_{ij} = 1) = a s_{ij} + b (1 - s_{ij}) = b + (a - b) s_{ij}

    and the loss is its negative log-likelihood,

    .. math::
       -\\frac{1}{N^2} \\sum_{ij} S_{ij} \\log q_{ij} + (1 - S_{ij}) \\log(1 - q_{ij})

    In expectation over the wrong labels it is least where :math:`s_{ij}` is the true probability,
    if :math:`a \\neq b`. A point is similar to itself for certain, so :math:`q_{ii} = s_{ii}`.
    With a = 1 and b = 0 it is :func:`mcl`.

    Args:
      probabilities: p, ``[N, K]``, rows sum to 1.
      similar: S, ``[N, N]`` bool, or probabilities of "similar" with the same confusion.
      confusion: a and b, in [0, 1].

    Returns:
      ``[]``, in nats per pair.

    References:
      The correction for classes: Patrini, Rozza, Menon, Nock & Qu, *Making deep neural networks
      robust to label noise*, 2017; for pairs: ours.

    Example:
      >>> import jax.numpy as jnp
      >>> p, similar = jnp.array([[0.9, 0.1], [0.2, 0.8]]), jnp.eye(2, dtype=bool)
      >>> bool(noisy_mcl(p, similar, (1.0, 0.0)) == mcl(p, similar))
      True
      >>> round(float(noisy_mcl(p, similar, (0.8, 0.3))), 4)
      0.4271
    """
    say_if_similar, say_if_not = confusion
    same = _same_cluster(probabilities)
    said = say_if_not + (say_if_similar - say_if_not) * same
    own = jnp.eye(same.shape[0], dtype=bool)
    return _pair_likelihood(jnp.where(own, same, said), similar)


def _same_cluster(probabilities: Array) -> Array:
    """``[N, N]``: the probability that i and j are in one cluster."""
    same = probabilities @ probabilities.T
    return same - jax.lax.stop_gradient(jnp.maximum(same - 1, 0))  # rounding can exceed 1


def _pair_likelihood(probability: Array, similar: Array) -> Array:
    """Negative log-likelihood of labels ``[N, N]``, the mean over all pairs."""
    if similar.dtype == bool:
        return -jnp.log(jnp.where(similar, probability, 1 - probability) + _EPSILON).mean()
    yes, no = jnp.log(probability + _EPSILON), jnp.log(1 - probability + _EPSILON)
    return -_chosen(similar, yes, no).mean()


def _chosen(similar: Array, yes: Array, no: Array) -> Array:
    """``yes`` where similar, ``no`` where not, and the mean by the weights of probabilities."""
    if similar.dtype == bool:
        return jnp.where(similar, yes, no)
    weight = similar.astype(yes.dtype)
    return weight * yes + (1 - weight) * no


LOSSES = {"kcl": kcl, "mcl": mcl}
"""The losses of a constrained clustering, by name."""
