"""How many clusters? A small head on what the learner makes of every number: P(k | X).

The learner is told each number of clusters in turn. How sure it is of its clusters then, how tight
they are, how small the smallest is, how likely the points are under such clusters, whether there
are valleys between them and whether two readings agree is what the head looks at; at the clusters
that the learner uses untold; and at the modes of the cloud itself.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from l2c_jax.tabular.persistence import mode_prominences
from l2c_jax.tabular.separation import valleys
from l2c_jax.types import Array, Key

ASPECTS = 11
"""What is looked at for each number of clusters; see :func:`count_features`."""
NEIGHBOURS = (3, 5, 8)
"""Of the modes: density is told by the distance to the 3rd, the 5th and the 8th neighbour."""
RIDGE = 1e-3
"""Added to the variance of a cluster along each axis; the total of all points is 1."""


class CountParams(NamedTuple):
    """A perceptron with one hidden layer."""

    hidden_kernel: Array  # [F, H]
    hidden_bias: Array  # [H]
    output_kernel: Array  # [H, K]
    output_bias: Array  # [K]


def num_features(dimensions: int, num_clusters: int) -> int:
    """F: aspects of each number of clusters, the untold readings, modes, axes, points."""
    modes = 2 * (num_clusters + 2) * len(NEIGHBOURS)
    return ASPECTS * num_clusters + num_clusters + 2 + modes + dimensions + 1


def init_count(key: Key, dimensions: int, hidden: int, num_clusters: int) -> CountParams:
    """Random parameters.

    Args:
      key: consumed.
      dimensions: D, of the learner's frame.
      hidden: H.
      num_clusters: K.

    Returns:
      Small random kernels, zero biases, float32.
    """
    key_hidden, key_output = jax.random.split(key)
    features = num_features(dimensions, num_clusters)
    return CountParams(
        jax.random.normal(key_hidden, (features, hidden)) / features**0.5,
        jnp.zeros(hidden),
        jax.random.normal(key_output, (hidden, num_clusters)) / hidden**0.5,
        jnp.zeros(num_clusters),
    )


def count_features(points: Array, mask: Array, answers: Array, untold: Array) -> Array:
    """What the head sees; the numbering of the clusters does not matter to it.

    For each number told, means over the readings of: the certainty (mean largest probability);
    the share of points whose probabilities are spread (mean entropy); the logarithm of the
    variance within clusters over the total; the share of the smallest cluster; the mean
    log-density of the points under Gaussians with the clusters' moments, but for a constant; and
    how alike the readings' partitions are (cosine of the tables of who is with whom, mean over
    pairs of readings; 1 for a single reading); what :func:`valleys` says of the likeliest
    clusters, and the least over the readings of its first two numbers. Then, of readings that were
    told no number, the shares of the clusters from the largest to the smallest, certainty and
    entropy; what :func:`mode_prominences` says of the points, for each of :data:`NEIGHBOURS`; the
    variance along each axis, and log10 N.

    Args:
      points: ``[N, D]`` in the learner's frame.
      mask: ``[N]`` bool.
      answers: ``[K, M, N, K]``, probabilities of M readings that were told 1 ... K clusters.
      untold: ``[M, N, K]``, the same of readings that were not told.

    Returns:
      ``[F]``.
    """
    real = mask.astype(points.dtype)
    count = jnp.maximum(real.sum(), 1)
    cloud = points * real[:, None]
    axes = (cloud**2).sum(axis=0) / count
    total = jnp.maximum(axes.sum(), 1e-12)

    def surety(given: Array) -> list[Array]:
        entropy = -(given * jnp.log(given + 1e-9)).sum() / count
        return [given.max(axis=1).sum() / count, entropy]

    def of_reading(answer: Array, told: Array) -> Array:
        given = answer * real[:, None]
        sizes = given.sum(axis=0)
        weight = jnp.maximum(sizes, 1e-9)
        means = (given.T @ cloud) / weight[:, None]
        within = 1 - (sizes[:, None] * means**2).sum() / (count * total)
        smallest = jnp.where(jnp.arange(sizes.size) < told, sizes, count).min() / count
        second = jnp.einsum("nk,ni,nj->kij", given, cloud, cloud) / weight[:, None, None]
        spread = second - means[:, :, None] * means[:, None, :]
        spread = spread / total + RIDGE * jnp.eye(cloud.shape[1])[None]
        log_volume = jnp.linalg.slogdet(spread)[1]
        likely = (sizes * (jnp.log(weight / count) - 0.5 * log_volume)).sum() / count
        tight = jnp.log(jnp.clip(within, 1e-4, 1))
        return jnp.stack([*surety(given), tight, smallest, likely])

    def of_untold(answer: Array) -> Array:
        given = answer * real[:, None]
        shares = jnp.sort(given.sum(axis=0))[::-1] / count
        return jnp.concatenate([shares, jnp.stack(surety(given))])

    def of_number(answers: Array, told: Array) -> Array:
        given = answers * real[None, :, None]
        joint = jnp.einsum("anj,bnk->abjk", given, given)
        alike = (joint**2).sum(axis=(2, 3))  # of the readings' tables of who is with whom
        scale = jnp.sqrt(jnp.diagonal(alike))
        cosine = alike / jnp.maximum(scale[:, None] * scale[None, :], 1e-12)
        others = 1 - jnp.eye(len(answers))
        agreement = (cosine * others).sum() / jnp.maximum(others.sum(), 1)
        single = jax.vmap(of_reading, (0, None))(answers, told).mean(axis=0)
        hard = jax.nn.one_hot(answers.argmax(axis=2), answers.shape[2]) * real[None, :, None]
        gaps = jax.vmap(valleys, (None, 0, None))(cloud, hard, told)  # [M, 3]
        single = jnp.append(single, agreement if len(answers) > 1 else 1.0)
        return jnp.concatenate([single, gaps.mean(axis=0), gaps[:, :2].min(axis=0)])

    every = jax.vmap(of_number)(answers, 1 + jnp.arange(len(answers)))
    free = jax.vmap(of_untold)(untold).mean(axis=0)
    modes = [
        mode_prominences(points, mask, neighbours=near, most=len(answers) + 2).ravel()
        for near in NEIGHBOURS
    ]
    return jnp.concatenate([every.ravel(), free, *modes, axes, jnp.log10(count)[None]])


def count_log_probabilities(params: CountParams, features: Array) -> Array:
    """Logarithms of P(k | X) for k = 1 ... K.

    Args:
      params: the head.
      features: ``[F]``, from :func:`count_features`.

    Returns:
      ``[K]``.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> head = init_count(jax.random.key(0), dimensions=2, hidden=4, num_clusters=3)
      >>> points, answers = jnp.ones((6, 2)), jnp.full((3, 2, 6, 3), 1 / 3)
      >>> seen = count_features(points, jnp.ones(6, bool), answers, answers[0])
      >>> float(jnp.exp(count_log_probabilities(head, seen)).sum().round(5))
      1.0
    """
    hidden = jax.nn.relu(features @ params.hidden_kernel + params.hidden_bias)
    return jax.nn.log_softmax(hidden @ params.output_kernel + params.output_bias)
