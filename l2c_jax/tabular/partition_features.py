"""What can be seen of a partition without labels: the features that the judge reads.

Candidates are the partitions that members of an ensemble give, in both views, for k = 1 ... K
clusters. Every feature is a mean over rows, clusters or neighbors, so that it does not depend on
the number of rows but for sampling noise, nor on the numbering of the clusters.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from l2c_jax.preprocessing.diffusion import first_coordinates
from l2c_jax.tabular.persistence import mode_prominences
from l2c_jax.tabular.separation import separation
from l2c_jax.types import Array

OWN = (
    *("silhouette, axes", "least silhouette, axes", "silhouette, walk", "least silhouette, walk"),
    *("log variance within, axes", "log variance within, walk", "Davies-Bouldin, axes"),
    *("neighbors kept", "neighbors kept, above chance", "neighbors kept, worst cluster"),
    *("conductance", "worst conductance", "weight of cut steps", "entropy of sizes"),
    *("least share", "largest share", "Gaussian log-likelihood", "parameters per row"),
    *("worst dip", "mean worst dip", "log distance", "confidence", "entropy", "uncertain rows"),
    *("agreement of members", "agreement of views"),
)
"""Features of one candidate."""
NESTED = ("agreement with k - 1", "agreement with k + 1")
"""Features of one k and view, besides the means of :data:`OWN`."""
MODES = 10
"""Modes whose prominence is measured."""
MODE_ROWS, MODE_SAMPLES = 128, 3
"""Rows of a sample in which modes are searched, and how many samples: in a larger sample
spurious modes are more prominent."""
_RIDGE = 1e-3


class Cloud(NamedTuple):
    """The rows that were read; S includes padding, real rows come first. NumPy on the host."""

    axes: Array  # [S, D], principal view, total variance 1
    walk: Array  # [S, C], coordinates of the walk, not yet over their total scale
    eigenvalues: Array  # [C], of the walk
    real: Array  # [S] bool
    node: Array  # [S] bool, first of equal rows
    neighbors: Array  # [S, J] int32, for nodes; S where there are fewer
    weights: Array  # [S, J], of the steps to the neighbors; 0 where there are none
    columns: Array  # [], of the table


class Features(NamedTuple):
    """All that the judge reads; K' numbers of clusters, V views, M members."""

    own: Array  # [V, K', M, F], in the order of OWN
    nested: Array  # [V, K', 2], in the order of NESTED
    table: Array  # [T], of the table


def num_table_features(dimensions: int) -> int:
    """T."""
    return 2 * MODES + 2 * dimensions + 4


class _Graph(NamedTuple):
    kept: Array  # [S, S] 0 or 1
    steps: Array  # [S, S], weights


def partition_features(cloud: Cloud, log_probs: Array, counts: Array) -> Features:
    """Features of all candidates of a table; for ``jit``.

    Args:
      cloud: the rows.
      log_probs: ``[V, K', M, S, K]``, logarithms of the members' probabilities.
      counts: ``[K']`` int, numbers of clusters, neighbors in order.

    Returns:
      The features.
    """
    real = cloud.real.astype(jnp.float32)
    rows = real[None, None, None, :, None]
    probs = jnp.exp(log_probs) * rows
    hard = jax.nn.one_hot(log_probs.argmax(axis=-1), log_probs.shape[-1], dtype=jnp.float32) * rows
    graph = _graph(cloud)
    apart = _distances(cloud.axes)

    def of_number(hard: Array, probs: Array, k: Array) -> Array:
        walk = first_coordinates(cloud.walk, cloud.real, k - 1)
        away = _distances(walk)

        def of_one(hard: Array, probs: Array) -> Array:
            sides = (
                *_silhouette(apart, hard),
                *_silhouette(away, hard),
                *_spread(cloud.axes, walk, hard),
                *_cuts(graph, hard, cloud.node),
                *_sizes(hard, k),
                *_likelihood(cloud.axes, hard, k),
                *separation(cloud.axes, hard, k),
                *_confidence(probs, real, k),
            )
            return jnp.stack(sides)

        return jax.vmap(jax.vmap(of_one))(hard, probs)  # [V, M, F - 2]

    by_number = jax.vmap(of_number, (1, 1, 0), 1)(hard, probs, counts)  # [V, K', M, F - 2]
    joint = jax.vmap(_agreement_within, 1, 1)(hard)  # [V, K', M, 2]
    own = jnp.concatenate([by_number, joint], axis=-1)
    return Features(own, _nested(hard), _table(cloud))


def _distances(points: Array) -> Array:
    norms = (points**2).sum(axis=1)
    square = norms[:, None] + norms[None, :] - 2 * points @ points.T
    return jnp.sqrt(jnp.maximum(square, 1e-12))


def _graph(cloud: Cloud) -> _Graph:
    size, near = cloud.neighbors.shape
    start = jnp.broadcast_to(jnp.arange(size)[:, None], (size, near))
    there = (cloud.weights > 0) & cloud.node[:, None]
    empty = jnp.zeros((size + 1, size + 1), jnp.float32)
    index = jnp.where(there, cloud.neighbors, size)
    kept = empty.at[start, index].set(there.astype(jnp.float32))[:size, :size]
    steps = empty.at[start, index].set(jnp.where(there, cloud.weights, 0))[:size, :size]
    return _Graph(jnp.maximum(kept, kept.T), jnp.maximum(steps, steps.T))


def _silhouette(apart: Array, hard: Array) -> tuple[Array, Array]:
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


def _spread(axes: Array, walk: Array, hard: Array) -> list[Array]:
    """Log shares of the variance within clusters in both views, and the index of Davies and
    Bouldin (1979)."""
    sizes = jnp.maximum(hard.sum(axis=0), 1e-9)
    filled = hard.sum(axis=0) > 0
    found = []
    for points in (axes, walk):
        points = points * hard.sum(axis=1, keepdims=True)
        means = hard.T @ points / sizes[:, None]
        total = jnp.maximum((points**2).sum(), 1e-9)
        within = 1 - (sizes[:, None] * means**2).sum() / total
        found.append(jnp.log(jnp.clip(within, 1e-4, 1)))
    apart = (axes - hard @ (hard.T @ axes / sizes[:, None])) ** 2
    radius = jnp.sqrt(hard.T @ apart.sum(axis=1) / sizes)
    means = hard.T @ axes / sizes[:, None]
    between = _distances(means)
    both = filled[:, None] & filled[None, :] & ~jnp.eye(len(sizes), dtype=bool)
    ratio = jnp.where(both, (radius[:, None] + radius[None, :]) / between, 0).max(axis=1)
    index = ratio.sum() / jnp.maximum(filled.sum().astype(jnp.float32), 1)
    return [*found, jnp.log1p(jnp.clip(index, 0, 100))]


def _cuts(graph: _Graph, hard: Array, node: Array) -> list[Array]:
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


def _sizes(hard: Array, k: Array) -> list[Array]:
    share = hard.sum(axis=0) / jnp.maximum(hard.sum(), 1)
    entropy = -(share * jnp.log(share + 1e-9)).sum()
    entropy = jnp.where(k > 1, entropy / _log_number(k), 1)
    least = jnp.where(jnp.arange(share.size, dtype=jnp.int32) < k, share, 1).min()
    return [entropy, jnp.log10(least + 1e-3), share.max()]


def _likelihood(points: Array, hard: Array, k: Array) -> list[Array]:
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


def _confidence(probs: Array, real: Array, k: Array) -> list[Array]:
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


def _agreement_within(hard: Array) -> Array:
    """``[V, M, 2]``: mean index with the other members of the view, and with the other view."""
    views, members = hard.shape[:2]
    joint = jnp.einsum("vmsi,wnsj->vmwnij", hard, hard)
    index = rand_index(joint)  # [V, M, V, M]
    same_view = jnp.eye(views, dtype=jnp.float32)[:, None, :, None]
    other_member = 1 - jnp.eye(members, dtype=jnp.float32)[None, :, None, :]
    within = index * same_view * other_member
    across = index * (1 - same_view)
    return jnp.stack(
        [
            within.sum(axis=(2, 3)) / max(members - 1, 1),
            across.sum(axis=(2, 3)) / max((views - 1) * members, 1),
        ],
        axis=-1,
    )


def _nested(hard: Array) -> Array:
    """``[V, K', 2]``: mean index with the partitions for the number before, and after."""
    if hard.shape[1] == 1:
        return jnp.zeros((*hard.shape[:2], 2), jnp.float32)
    joint = jnp.einsum("vkmsi,vknsj->vkmnij", hard[:, :-1], hard[:, 1:])
    index = rand_index(joint).mean(axis=(2, 3))  # [V, K' - 1]
    before = jnp.pad(index, ((0, 0), (1, 0)))
    after = jnp.pad(index, ((0, 0), (0, 1)))
    return jnp.stack([before, after], axis=-1)


def _table(cloud: Cloud) -> Array:
    """``[T]``: modes, eigenvalues, variances of the axes, rows, equal rows, columns."""
    size = len(cloud.real)
    size_here = jnp.maximum(cloud.real.sum(), 1)
    count = size_here.astype(jnp.float32)
    rows = min(MODE_ROWS, size)
    found = []
    for sample in range(MODE_SAMPLES):  # rows are in random order
        start = jnp.minimum(sample * rows, jnp.maximum(size_here - rows, 0))
        part = jax.lax.dynamic_slice_in_dim(cloud.axes, start, rows)
        real = jax.lax.dynamic_slice_in_dim(cloud.real, start, rows)
        found.append(mode_prominences(part, real, neighbors=5, most=MODES))
    modes = jnp.stack(found).mean(axis=0).ravel()
    variances = jnp.where(cloud.real[:, None], cloud.axes**2, 0).sum(axis=0) / count
    more = jnp.stack(
        [
            jnp.log10(count),
            jnp.log10(cloud.node.sum().astype(jnp.float32) / count + 1e-3),
            jnp.log10(cloud.columns),
            cloud.weights.sum() / jnp.maximum((cloud.weights > 0).sum().astype(jnp.float32), 1),
        ]
    )
    return jnp.concatenate([modes, cloud.eigenvalues, variances, more])
