"""What can be seen of a partition without labels: the features that the judge reads.

Candidates are the partitions that members of an ensemble give, in all views, for k = 1 ... K
clusters. Every feature is a mean over rows, clusters or neighbors, so that it does not depend on
the number of rows but for sampling noise, nor on the numbering of the clusters.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from l2c_jax.preprocessing.diffusion import first_coordinates
from l2c_jax.tabular.partition_measures import (
    confidence,
    cuts,
    davies_bouldin,
    distances,
    isolation,
    likelihood,
    neighbor_matrices,
    rand_index,
    silhouette,
    size_shares,
    variance_within,
)
from l2c_jax.tabular.persistence import mode_prominences
from l2c_jax.tabular.separation import separation
from l2c_jax.types import Array

OWN = (
    *(
        "silhouette, axes",
        "least silhouette, axes",
        "silhouette, ranks",
        "least silhouette, ranks",
    ),
    *(
        "silhouette, walk",
        "least silhouette, walk",
        "silhouette, paths",
        "least silhouette, paths",
    ),
    *("log variance within, axes", "log variance within, ranks"),
    *("log variance within, walk", "log variance within, paths", "Davies-Bouldin, axes"),
    *("neighbors kept", "neighbors kept, above chance", "neighbors kept, worst cluster"),
    *("conductance", "worst conductance", "weight of cut steps", "entropy of sizes"),
    *("least share", "largest share", "Gaussian log-likelihood", "parameters per row"),
    *("worst dip", "mean worst dip", "log distance", "confidence", "entropy", "uncertain rows"),
    *("isolation", "least isolation", "largest isolation"),
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


class Cloud(NamedTuple):
    """The rows that were read; S includes padding, real rows come first. NumPy on the host."""

    axes: Array  # [S, D], principal view, total variance 1
    ranks: Array  # [S, D], view of the ranks, total variance 1
    walk: Array  # [S, C], coordinates of the walk, not yet over their total scale
    paths: Array  # [S, C], coordinates of path distances, not yet over their total scale
    eigenvalues: Array  # [C], of the walk
    gaps: Array  # [S, S], minimax distances
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
    return 2 * MODES + 3 * dimensions + 8


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
    graph = neighbor_matrices(cloud.neighbors, cloud.weights, cloud.node)
    apart, rank_apart = distances(cloud.axes), distances(cloud.ranks)

    def of_number(hard: Array, probs: Array, k: Array) -> Array:
        walk = first_coordinates(cloud.walk, cloud.real, k - 1)
        paths = first_coordinates(cloud.paths, cloud.real, k - 1)
        away = distances(walk)

        def of_one(hard: Array, probs: Array) -> Array:
            sides = (
                *(
                    each
                    for a in (apart, rank_apart, away, cloud.gaps)
                    for each in silhouette(a, hard)
                ),
                *(variance_within(p, hard) for p in (cloud.axes, cloud.ranks, walk, paths)),
                davies_bouldin(cloud.axes, hard),
                *cuts(graph, hard, cloud.node),
                *size_shares(hard, k),
                *likelihood(cloud.axes, hard, k),
                *separation(cloud.axes, hard, k),
                *confidence(probs, real, k),
                *isolation(cloud.gaps, hard),
            )
            return jnp.stack(sides)

        return jax.vmap(jax.vmap(of_one))(hard, probs)  # [V, M, F - 2]

    by_number = jax.vmap(of_number, (1, 1, 0), 1)(hard, probs, counts)  # [V, K', M, F - 2]
    joint = jax.vmap(_agreement_within, 1, 1)(hard)  # [V, K', M, 2]
    own = jnp.concatenate([by_number, joint], axis=-1)
    return Features(own, _nested(hard), _table(cloud))


def _agreement_within(hard: Array) -> Array:
    """``[V, M, 2]``: mean index with the other members of the view, and with other views."""
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
    """``[T]``: modes, eigenvalues, variances, sizes, gaps, shapes of the axes."""
    size = len(cloud.real)
    size_here = jnp.maximum(cloud.real.sum(), 1)
    count = size_here.astype(jnp.float32)
    rows = min(MODE_ROWS, size)

    def modes_of(sample: Array) -> Array:  # rows are in random order
        start = jnp.minimum(sample * rows, jnp.maximum(size_here - rows, 0))
        part = jax.lax.dynamic_slice_in_dim(cloud.axes, start, rows)
        real = jax.lax.dynamic_slice_in_dim(cloud.real, start, rows)
        return mode_prominences(part, real, neighbors=5, most=MODES)

    samples = jnp.arange(MODE_SAMPLES, dtype=size_here.dtype)
    modes = jax.lax.map(modes_of, samples).mean(axis=0).ravel()  # compiled once, not for each
    variances = _moment(cloud.axes, cloud.real, 2)
    of_paths = _moment(cloud.paths, cloud.real, 2)
    of_paths = of_paths / jnp.maximum(of_paths.sum(), 1e-12)
    weight = variances / jnp.maximum(variances.sum(), 1e-12)
    spread = jnp.sqrt(jnp.maximum(variances, 1e-12))
    skewness = jnp.abs(_moment(cloud.axes, cloud.real, 3)) / spread**3
    kurtosis = _moment(cloud.axes, cloud.real, 4) / spread**4
    there = variances > 1e-6
    typical = cloud.gaps.sum() / jnp.maximum(count * (count - 1), 1)
    more = jnp.stack(
        [
            jnp.log10(count),
            jnp.log10(cloud.node.sum().astype(jnp.float32) / count + 1e-3),
            jnp.log10(cloud.columns),
            cloud.weights.sum() / jnp.maximum((cloud.weights > 0).sum().astype(jnp.float32), 1),
            jnp.log(jnp.clip(cloud.gaps.max() / jnp.maximum(typical, 1e-9), 1, 1e3)),
            weight @ jnp.where(there, skewness, 0),
            jnp.log(1 + weight @ jnp.where(there, kurtosis, 0)),
            jnp.log(1 + jnp.where(there, kurtosis, 0).max()),
        ]
    )
    return jnp.concatenate([modes, cloud.eigenvalues, variances, of_paths, more])


def _moment(points: Array, real: Array, power: int) -> Array:
    """``[D]``, means over the real points."""
    count = jnp.maximum(real.sum(), 1).astype(points.dtype)
    return jnp.where(real[:, None], points**power, 0).sum(axis=0) / count
