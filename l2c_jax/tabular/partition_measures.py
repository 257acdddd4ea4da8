"""Measures of one partition, each a mean over rows, clusters or neighbors.

Partitions are one-hot, ``[S, K]``, with rows of zeros for padding.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from l2c_jax.types import Array

_RIDGE = 1e-3


class Graph(NamedTuple):
    """Neighbors as matrices."""

    kept: Array  # [S, S] 0 or 1
    steps: Array  # [S, S], weights


def distances(points: Array) -> Array:
    """``[S, S]`` of points ``[S, D]``."""
    norms = (points**2).sum(axis=1)
    square = norms[:, None] + norms[None, :] - 2 * points @ points.T
    return jnp.sqrt(jnp.maximum(square, 1e-12))


def neighbor_matrices(neighbors: Array, weights: Array, node: Array) -> Graph:
    """Both, of steps in either direction; S where there is no neighbor."""
    size, near = neighbors.shape
    start = jnp.broadcast_to(jnp.arange(size)[:, None], (size, near))
    there = (weights > 0) & node[:, None]
    empty = jnp.zeros((size + 1, size + 1), jnp.float32)
    index = jnp.where(there, neighbors, size)
    kept = empty.at[start, index].set(there.astype(jnp.float32))[:size, :size]
    steps = empty.at[start, index].set(jnp.where(there, weights, 0))[:size, :size]
    return Graph(jnp.maximum(kept, kept.T), jnp.maximum(steps, steps.T))


def silhouette(apart: Array, hard: Array) -> tuple[Array, Array]:
    """Mean silhouette, and that of the worst cluster (Rousseeuw 1987); 0 for one cluster."""
    sizes = hard.sum(axis=0)
    sums = apart @ hard  # [S, K]
    inside = (sums * hard).sum(axis=1) / jnp.maximum(hard @ sizes - 1, 1)
    others = jnp.where(
        (hard > 0) | (sizes[None] == 0), jnp.inf, sums / jnp.maximum(sizes, 1)[None]
    )
    outside = others.min(axis=1)
    several = (sizes > 0).sum() > 1
    outside = jnp.where(several, outside, inside)
    values = (outside - inside) / jnp.maximum(jnp.maximum(outside, inside), 1e-9)
    alone = hard @ sizes <= 1
    values = jnp.where(alone, 0, values) * hard.sum(axis=1)
    by_cluster = (values @ hard) / jnp.maximum(sizes, 1)
    return (
        values.sum() / jnp.maximum(sizes.sum(), 1),
        jnp.where(sizes > 0, by_cluster, 1).min(),
    )


def variance_within(points: Array, hard: Array) -> Array:
    """Logarithm of the share of the variance that is within clusters, at least 1e-4."""
    points = points * hard.sum(axis=1, keepdims=True)
    sizes = jnp.maximum(hard.sum(axis=0), 1e-9)
    means = hard.T @ points / sizes[:, None]
    total = jnp.maximum((points**2).sum(), 1e-9)
    within = 1 - (sizes[:, None] * means**2).sum() / total
    return jnp.log(jnp.clip(within, 1e-4, 1))


def davies_bouldin(points: Array, hard: Array) -> Array:
    """Logarithm of one plus the index of Davies and Bouldin (1979), with root mean squares."""
    sizes = jnp.maximum(hard.sum(axis=0), 1e-9)
    filled = hard.sum(axis=0) > 0
    means = hard.T @ points / sizes[:, None]
    radius = jnp.sqrt(hard.T @ ((points - hard @ means) ** 2).sum(axis=1) / sizes)
    both = filled[:, None] & filled[None, :] & ~jnp.eye(len(sizes), dtype=bool)
    ratio = (radius[:, None] + radius[None, :]) / distances(means)
    ratio = jnp.where(both, ratio, 0).max(axis=1)
    index = ratio.sum() / jnp.maximum(filled.sum().astype(jnp.float32), 1)
    return jnp.log1p(jnp.clip(index, 0, 100))


def isolation(gaps: Array, hard: Array) -> list[Array]:
    """How much wider the gap around a cluster is than those inside it: mean, least, largest.

    The logarithm of the least minimax distance from a cluster to other rows, over the mean one of
    two of its rows; 0 for one cluster. As in the density-based validation of Moulavi et al.
    (2014), with a mean in place of the largest gap inside.

    Args:
      gaps: ``[S, S]`` minimax distances.
      hard: the partition.
    """
    sizes = hard.sum(axis=0)
    real = hard.sum(axis=1) > 0
    same = hard @ hard.T
    other = real[:, None] & real[None, :] & (same < 0.5)
    around = jnp.where(other, gaps, jnp.inf).min(axis=1)  # [S]
    around = jnp.where(hard > 0, around[:, None], jnp.inf).min(axis=0)  # [K]
    pairs = jnp.maximum(sizes * (sizes - 1), 1)
    inside = jnp.einsum("sk,st,tk->k", hard, gaps, hard) / pairs
    here = hard.sum(axis=1)
    typical = here @ gaps @ here / jnp.maximum(here.sum() ** 2, 1)
    inside = jnp.maximum(inside, 1e-3 * typical + 1e-12)
    several = (sizes > 0).sum() > 1
    there = (sizes > 0) & several
    ratio = jnp.where(there, jnp.log(jnp.where(there, around, 1.0) / inside + 1e-3), 0)
    share = sizes / jnp.maximum(sizes.sum(), 1)
    least = jnp.where(there, ratio, jnp.inf).min()
    largest = jnp.where(there, ratio, -jnp.inf).max()
    found = (share @ ratio, least, largest)
    return [jnp.clip(jnp.where(several, one, 0), -4, 4) for one in found]


def cuts(graph: Graph, hard: Array, node: Array) -> list[Array]:
    """How many neighbors share a cluster, and how easily a walk leaves a cluster."""
    hard = jnp.where(node[:, None], hard, 0)
    share = hard.sum(axis=0) / jnp.maximum(hard.sum(), 1)
    filled = share > 0
    found = []
    for weights in graph:
        flow = hard.T @ weights @ hard  # [K, K]
        out = flow.sum(axis=1)
        staying = jnp.diagonal(flow) / jnp.maximum(out, 1e-9)
        all_staying = jnp.trace(flow) / jnp.maximum(out.sum(), 1e-9)
        found.append((all_staying, jnp.where(filled, staying, 1).min(), flow))
    (kept, worst, counted), (walk, worst_walk, weighted) = found
    chance = (share**2).sum()
    above = (kept - chance) / jnp.maximum(1 - chance, 1e-3)
    above = jnp.where(filled.sum() > 1, above, 0)
    cut_weight = weighted.sum() - jnp.trace(weighted)
    cut_count = counted.sum() - jnp.trace(counted)
    inner = jnp.trace(weighted) / jnp.maximum(jnp.trace(counted), 1)
    light = (cut_weight / jnp.maximum(cut_count, 1)) / jnp.maximum(inner, 1e-6)
    light = jnp.where(cut_count > 0, light, 0)

    def small(number: Array) -> Array:  # resolves shares of cut steps down to 1e-4
        return jnp.log10(1e-4 + jnp.clip(1 - number, 0, 1))

    return [small(kept), above, small(worst), small(walk), small(worst_walk), light]


def size_shares(hard: Array, k: Array) -> list[Array]:
    """Entropy of the sizes over its largest value, log of the least share, largest share."""
    share = hard.sum(axis=0) / jnp.maximum(hard.sum(), 1)
    entropy = -(share * jnp.log(share + 1e-9)).sum()
    entropy = jnp.where(k > 1, entropy / _log_number(k), 1)
    least = jnp.where(jnp.arange(share.size, dtype=jnp.int32) < k, share, 1).min()
    return [entropy, jnp.log10(least + 1e-3), share.max()]


def likelihood(points: Array, hard: Array, k: Array) -> list[Array]:
    """Mean log-likelihood under Gaussians with the clusters' moments, above that of one Gaussian,
    and how many parameters there are for each row."""
    total = jnp.maximum(hard.sum(), 1)

    def with_moments(hard: Array) -> Array:
        sizes = hard.sum(axis=0)
        weight = jnp.maximum(sizes, 1e-9)
        means = hard.T @ points / weight[:, None]
        second = jnp.einsum("nk,ni,nj->kij", hard, points, points) / weight[:, None, None]
        spread = second - means[:, :, None] * means[:, None, :]
        spread = spread + _RIDGE * jnp.eye(points.shape[1], dtype=points.dtype)[None]
        shares = jnp.log(weight / total)
        return (sizes * (shares - 0.5 * log_determinant(spread))).sum() / total

    dimensions = points.shape[1]
    parameters = (k - 1).astype(jnp.float32) * (dimensions * (dimensions + 3) / 2)
    one = hard.sum(axis=1, keepdims=True)
    return [with_moments(hard) - with_moments(one), jnp.log1p(parameters / total)]


def log_determinant(matrices: Array) -> Array:
    """Of positive definite matrices ``[..., D, D]``, by elimination; see
    :func:`~l2c_jax.tabular.separation.solve`."""

    def eliminate(index: int, state: tuple[Array, Array]) -> tuple[Array, Array]:
        rows, total = state
        row = jnp.take(rows, index, axis=-2)
        pivot = jnp.maximum(jnp.take(row, index, axis=-1), 1e-12)
        below = jnp.arange(rows.shape[-1]) > index
        below = jnp.where(below[(None,) * (rows.ndim - 2)], jnp.take(rows, index, axis=-1), 0)
        rows = rows - below[..., None] * (row / pivot[..., None])[..., None, :]
        return rows, total + jnp.log(pivot)

    start = matrices, jnp.zeros(matrices.shape[:-2], matrices.dtype)
    return jax.lax.fori_loop(0, matrices.shape[-1], eliminate, start)[1]


def confidence(probs: Array, real: Array, k: Array) -> list[Array]:
    """Mean largest probability, entropy over its largest value, share of uncertain rows."""
    count = jnp.maximum(real.sum(), 1)
    largest = probs.max(axis=1)
    entropy = -(probs * jnp.log(probs + 1e-9)).sum() / count
    uncertain = jnp.where(largest < 0.6, real, 0).sum() / count
    return [largest.sum() / count, entropy / _log_number(k), uncertain]


def _log_number(k: Array) -> Array:
    """Largest entropy of k clusters; that of two for one."""
    return jnp.log(jnp.maximum(k, 2).astype(jnp.float32))


def rand_index(joint: Array) -> Array:
    """Adjusted Rand index of contingency tables ``[..., K, K]`` (Hubert & Arabie 1985)."""

    def pairs(counts: Array) -> Array:
        return counts * (counts - 1) / 2

    total = pairs(joint.sum(axis=(-2, -1)))
    both = pairs(joint).sum(axis=(-2, -1))
    one, other = (pairs(joint.sum(axis=axis)).sum(axis=-1) for axis in (-1, -2))
    expected = one * other / jnp.maximum(total, 1)
    most = (one + other) / 2
    return jnp.where(
        most - expected > 1e-6, (both - expected) / jnp.maximum(most - expected, 1e-6), 1.0
    )
