"""DEC's soft assignment of points to centres, its target distribution, and their divergence.

Equations 1 to 3 of Xie, Girshick & Farhadi, *Unsupervised Deep Embedding for Clustering Analysis*,
ICML 2016. J is the width of the embedding.
"""

from jax.scipy.special import rel_entr

from l2c_jax.types import Array


def soft_assignment(embedded: Array, centres: Array) -> Array:
    """Similarity of points to centres by Student's t with one degree of freedom (equation 1).

    :math:`q_{ij} \\propto (1 + \\|z_i - \\mu_j\\|^2)^{-1}`

    Args:
      embedded: ``[N, J]``.
      centres: ``[K, J]``.

    Returns:
      ``[N, K]``, rows sum to 1.

    Example:
      >>> import jax.numpy as jnp
      >>> print(soft_assignment(jnp.zeros((1, 1)), jnp.array([[0.0], [1.0], [3.0]])))
      [[0.625 0.3125 0.0625]]
    """
    squared = ((embedded[:, None, :] - centres[None, :, :]) ** 2).sum(axis=-1)
    similarity = 1 / (1 + squared)
    return similarity / similarity.sum(axis=1, keepdims=True)


def target_distribution(assignment: Array, mask: Array) -> Array:
    """The target: squared assignments, normalized by cluster frequency (equation 3).

    :math:`p_{ij} \\propto q_{ij}^2 / f_j` with the soft frequencies :math:`f_j = \\sum_i q_{ij}`.

    Args:
      assignment: ``[N, K]``, q.
      mask: ``[N]`` bool, True for real points.

    Returns:
      ``[N, K]``, rows sum to 1.

    Example:
      >>> import jax.numpy as jnp
      >>> q = jnp.array([[0.75, 0.25], [0.75, 0.25]])
      >>> target_distribution(q, jnp.ones(2, bool)).tolist()
      [[0.75, 0.25], [0.75, 0.25]]
    """
    frequency = (assignment * mask[:, None]).sum(axis=0, keepdims=True)
    weight = assignment**2 / frequency
    return weight / weight.sum(axis=1, keepdims=True)


def divergence(target: Array, assignment: Array) -> Array:
    """:math:`KL(P \\| Q)`, the mean over points (equation 2 sums).

    Args:
      target: ``[N, K]``, p.
      assignment: ``[N, K]``, q.

    Returns:
      ``[]``, in nats per point.
    """
    return rel_entr(target, assignment).sum(axis=1).mean()
