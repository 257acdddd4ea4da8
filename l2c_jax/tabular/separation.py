"""Separation of clusters: is the density between two of them lower than inside them?

If it is not, one cluster was cut in two. Each pair of clusters is projected on Fisher's linear
discriminant, in units of their pooled standard deviation along it.
"""

import jax
import jax.numpy as jnp
import numpy as np

from l2c_jax.types import Array

WIDTH = 0.35
"""Bandwidth of the Gaussian kernel along the line, in pooled standard deviations."""
BETWEEN = (0.3, 0.4, 0.5, 0.6, 0.7)
"""Where the least density is searched, as shares of the way from one mean to the other."""
NO_GAP, FARTHEST = 2.0, 20.0
"""The largest ratio, also for clusters without points; the distance for a single cluster."""
_RIDGE = 1e-3


def separation(points: Array, answer: Array, num_clusters: Array | int) -> Array:
    """Separation of the clusters of a partition; their numbering does not matter.

    Args:
      points: ``[N, D]``, of a total variance of about 1.
      answer: ``[N, K]``, one-hot, rows of zeros for points that are not there.
      num_clusters: ``[]``, how many of the K clusters are used.

    Returns:
      ``[3]``: the largest ratio, over pairs, of the least density between two means to the lower
      density at them, at most 2; the mean over clusters of each one's largest ratio; and the
      logarithm of the least Mahalanobis distance of two clusters. 0, 0 and log 20 for one
      cluster.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> line = jnp.array([-1.2, -1.1, -1.0, 1.0, 1.1, 1.2])[:, None]
      >>> halves = jax.nn.one_hot(jnp.array([0, 0, 0, 1, 1, 1]), 2)
      >>> bool(separation(line, halves, 2)[0] < 1e-3)
      True
    """
    count = answer.shape[1]
    sizes = answer.sum(axis=0)
    weight = jnp.maximum(sizes, 1e-6)
    mean = (answer.T @ points) / weight[:, None]
    apart = points[:, None, :] - mean[None]
    scatter = jnp.einsum("nk,nki,nkj->kij", answer, apart, apart)
    one, other = np.triu_indices(count, 1)
    pooled = (scatter[one] + scatter[other]) / (weight[one] + weight[other])[:, None, None]
    gap = mean[other] - mean[one]  # [P, D]
    line = solve(pooled + _RIDGE * jnp.eye(points.shape[1], dtype=pooled.dtype)[None], gap)
    distance = jnp.sqrt(jnp.maximum((line * gap).sum(axis=1), 1e-9))
    along = (points @ line.T) / distance[None]  # [N, P], in deviations
    start = (mean[one] * line).sum(axis=1) / distance
    pair = answer[:, one] + answer[:, other]

    def density(share: float) -> Array:
        place = start + share * distance
        return (pair * jnp.exp(-0.5 * ((along - place[None]) / WIDTH) ** 2)).sum(axis=0)

    lowest = jnp.stack([density(share) for share in BETWEEN]).min(axis=0)
    ratio = lowest / jnp.maximum(jnp.minimum(density(0.0), density(1.0)), 1e-6)
    filled = (sizes[one] > 0) & (sizes[other] > 0)
    ratio = jnp.where(filled, jnp.minimum(ratio, NO_GAP), NO_GAP)
    there = jnp.asarray(other, jnp.int32) < num_clusters
    ratio = jnp.where(there, ratio, 0.0)
    worst = jnp.zeros(count, ratio.dtype).at[one].max(ratio).at[other].max(ratio)
    nearest = jnp.where(there & filled, distance, FARTHEST).min(initial=FARTHEST)
    mean_worst = worst.sum() / jnp.maximum(num_clusters, 1).astype(worst.dtype)
    return jnp.stack([worst.max(), mean_worst, jnp.log(nearest)])


def solve(matrices: Array, vectors: Array) -> Array:
    """``x`` of ``A x = b``, ``[..., D]``, for positive definite ``A [..., D, D]``.

    Gauss-Jordan elimination: under ``vmap``, ``jnp.linalg.solve`` hands thousands of small systems
    to LAPACK in one call, in which a process with a pool of two threads stood still.

    Example:
      >>> import jax.numpy as jnp
      >>> solve(jnp.array([[2.0, 1.0], [1.0, 2.0]]), jnp.array([3.0, 3.0])).tolist()
      [1.0, 1.0]
    """
    rows = jnp.concatenate([matrices, vectors[..., None]], axis=-1)

    def eliminate(index: int, rows: Array) -> Array:
        chosen = jnp.take(rows, index, axis=-2)
        pivot = chosen / jnp.take(chosen, index, axis=-1)[..., None]
        rows = rows - jnp.take(rows, index, axis=-1)[..., None] * pivot[..., None, :]
        return rows.at[..., index, :].set(pivot)

    return jax.lax.fori_loop(0, matrices.shape[-1], eliminate, rows)[..., -1]
