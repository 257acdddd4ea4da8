"""Features of a table for the number of clusters: what the learner answers for each k.

The learner reads the table once for each given number of clusters k = 1 ... K, and once without
one. The features do not depend on the numbering of the clusters.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from l2c_jax.recurrent.config import InferenceConfig
from l2c_jax.recurrent.inference import member_probabilities
from l2c_jax.recurrent.learner import Learner
from l2c_jax.tabular.persistence import mode_prominences
from l2c_jax.tabular.separation import separation
from l2c_jax.types import Array, Key

PER_NUMBER = 11
"""Features of each number of clusters; see :func:`count_features`."""
NEIGHBORS = (3, 5, 8)
"""Densities of the modes are measured by the distance to the 3rd, 5th and 8th neighbor."""
RIDGE = 1e-3
"""Added to the variance of a cluster along each axis; the total variance is 1."""


class _Cloud(NamedTuple):
    """The real points of a table."""

    points: Array  # [N, D], zeros where masked
    real: Array  # [N], 1 or 0
    size: Array  # [], number of real points, at least 1
    total: Array  # [], their total variance


def num_features(dimensions: int, num_clusters: int) -> int:
    """F: features of each number, of the answer without one, modes, axes, number of points."""
    modes = 2 * (num_clusters + 2) * len(NEIGHBORS)
    return PER_NUMBER * num_clusters + num_clusters + 2 + modes + dimensions + 1


def table_features(
    learner: Learner, key: Key, points: Array, mask: Array, config: InferenceConfig
) -> Array:
    """Read a table for each number of clusters and compute the features; for ``jit``.

    Args:
      learner: with ``condition_on_num_clusters``.
      key: consumed.
      points: ``[N, D]``, preprocessed.
      mask: ``[N]`` bool.
      config: of each reading; static.

    Returns:
      ``[F]``.
    """
    most = learner.config.num_clusters

    def answers(key: Key, count: Array) -> Array:
        return member_probabilities(learner, key, points, mask, count, config)

    keys = jax.random.split(key, 1 + most)
    every = jax.vmap(answers)(keys, jnp.arange(1 + most))  # [1 + K, M, N, K]
    return count_features(points, mask, every[1:], every[0])


def count_features(points: Array, mask: Array, answers: Array, free: Array) -> Array:
    r"""Features for the number of clusters.

    For each k, means over the M members: confidence :math:`\overline{\max_j p_j}`; entropy
    :math:`-\overline{\sum_j p_j \log p_j}`; log share of the variance within clusters; share of
    the smallest cluster; mean log-density of the points under Gaussians with the clusters'
    moments, without its constant; agreement of the members (cosine of their ``[N, N]``
    co-membership matrices, mean over pairs; 1 for one member); the three numbers of
    :func:`~l2c_jax.tabular.separation.separation`, and the least of its first two over members.
    Then, for the answer without a given k: shares of the clusters in decreasing order, confidence
    and entropy; the modes of :func:`~l2c_jax.tabular.persistence.mode_prominences` for each of
    :data:`NEIGHBORS`; the variance along each axis; log10 N.

    Args:
      points: ``[N, D]``, preprocessed.
      mask: ``[N]`` bool.
      answers: ``[K, M, N, K]``, probabilities for 1 ... K given clusters.
      free: ``[M, N, K]``, probabilities without a given number.

    Returns:
      ``[F]``.
    """
    real = mask.astype(points.dtype)
    count = jnp.maximum(real.sum(), 1)
    clean = points * real[:, None]
    axes = (clean**2).sum(axis=0) / count
    cloud = _Cloud(clean, real, count, jnp.maximum(axes.sum(), 1e-12))

    def of_number(answers: Array, k: Array) -> Array:
        return _number_features(cloud, answers, k)

    every = jax.vmap(of_number)(answers, 1 + jnp.arange(len(answers), dtype=jnp.int32))
    without = jax.vmap(lambda answer: _free_features(cloud, answer))(free).mean(axis=0)
    modes = [
        mode_prominences(points, mask, neighbors=near, most=len(answers) + 2).ravel()
        for near in NEIGHBORS
    ]
    return jnp.concatenate([every.ravel(), without, *modes, axes, jnp.log10(count)[None]])


def _confidence(cloud: _Cloud, given: Array) -> list[Array]:
    """Mean largest probability, mean entropy."""
    entropy = -(given * jnp.log(given + 1e-9)).sum() / cloud.size
    return [given.max(axis=1).sum() / cloud.size, entropy]


def _member_features(cloud: _Cloud, answer: Array, k: Array) -> Array:
    """``[5]``, of one member's probabilities ``[N, K]``."""
    points, count, total = cloud.points, cloud.size, cloud.total
    given = answer * cloud.real[:, None]
    sizes = given.sum(axis=0)
    weight = jnp.maximum(sizes, 1e-9)
    means = (given.T @ points) / weight[:, None]
    within = 1 - (sizes[:, None] * means**2).sum() / (count * total)
    smallest = jnp.where(jnp.arange(sizes.size, dtype=jnp.int32) < k, sizes, count).min() / count
    second = jnp.einsum("nk,ni,nj->kij", given, points, points) / weight[:, None, None]
    spread = second - means[:, :, None] * means[:, None, :]
    spread = spread / total + RIDGE * jnp.eye(points.shape[1], dtype=points.dtype)[None]
    log_volume = jnp.linalg.slogdet(spread)[1]
    likely = (sizes * (jnp.log(weight / count) - 0.5 * log_volume)).sum() / count
    tight = jnp.log(jnp.clip(within, 1e-4, 1))
    return jnp.stack([*_confidence(cloud, given), tight, smallest, likely])


def _free_features(cloud: _Cloud, answer: Array) -> Array:
    """``[K + 2]``, of one member's probabilities without a given number."""
    given = answer * cloud.real[:, None]
    shares = jnp.sort(given.sum(axis=0))[::-1] / cloud.size
    return jnp.concatenate([shares, jnp.stack(_confidence(cloud, given))])


def _number_features(cloud: _Cloud, answers: Array, k: Array) -> Array:
    """``[PER_NUMBER]``, of all members' probabilities ``[M, N, K]`` for one k."""
    given = answers * cloud.real[None, :, None]
    joint = jnp.einsum("anj,bnk->abjk", given, given)
    shared = (joint**2).sum(axis=(2, 3))  # scalar products of the co-membership matrices
    scale = jnp.sqrt(jnp.diagonal(shared))
    cosine = shared / jnp.maximum(scale[:, None] * scale[None, :], 1e-12)
    others = 1 - jnp.eye(len(answers), dtype=cosine.dtype)
    agreement = (cosine * others).sum() / jnp.maximum(others.sum(), 1)
    single = jax.vmap(lambda answer: _member_features(cloud, answer, k))(answers).mean(axis=0)
    hard = jax.nn.one_hot(answers.argmax(axis=2), answers.shape[2], dtype=answers.dtype)
    hard *= cloud.real[None, :, None]
    gaps = jax.vmap(separation, (None, 0, None))(cloud.points, hard, k)  # [M, 3]
    single = jnp.append(single, agreement if len(answers) > 1 else 1.0)
    return jnp.concatenate([single, gaps.mean(axis=0), gaps[:, :2].min(axis=0)])
