"""Is the density between two clusters lower than inside them? If not, one cluster was cut in two.

Every two clusters of a partition are looked at along the line that tells them apart best (Fisher's
linear discriminant), in units of their deviation along it.
"""

import jax
import jax.numpy as jnp
import numpy as np

from l2c_jax.types import Array

WIDTH = 0.35
"""Of the Gaussian kernel for densities along the line, in deviations of the two clusters."""
BETWEEN = (0.3, 0.4, 0.5, 0.6, 0.7)
"""Where the valley is looked for, of the way from one mean to the other."""
NO_VALLEY, FARTHEST = 2.0, 20.0
"""The largest ratio, also of clusters without points; the distance if there is but one cluster."""
_RIDGE = 1e-3


def valleys(points: Array, answer: Array, told: Array) -> Array:
    """How well the clusters of a partition are apart; their numbering does not matter.

    Args:
      points: ``[N, D]``, of a total variance of about 1.
      answer: ``[N, K]``, one-hot, rows of zeros for points that are not there.
      told: ``[]``, how many of the clusters there are.

    Returns:
      ``[3]``: the density in the shallowest valley over that at the lower of its two means, at
      most 2; the mean over clusters of each one's shallowest; and the logarithm of the least
      Mahalanobis distance of two clusters. 0, 0 and log 20 for one cluster.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> line = jnp.array([-1.2, -1.1, -1.0, 1.0, 1.1, 1.2])[:, None]
      >>> halves = jax.nn.one_hot(jnp.array([0, 0, 0, 1, 1, 1]), 2)
      >>> bool(valleys(line, halves, 2)[0] < 1e-3)
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
    line = solve(pooled + _RIDGE * jnp.eye(points.shape[1])[None], gap)
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
    ratio = jnp.where(filled, jnp.minimum(ratio, NO_VALLEY), NO_VALLEY)
    there = jnp.asarray(other) < told
    ratio = jnp.where(there, ratio, 0.0)
    worst = jnp.zeros(count).at[one].max(ratio).at[other].max(ratio)
    nearest = jnp.where(there & filled, distance, FARTHEST).min(initial=FARTHEST)
    mean_worst = worst.sum() / jnp.maximum(told, 1)
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
