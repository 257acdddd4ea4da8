"""Distance functions, and those that the axioms speak of: scaled, consistent, realising."""

from collections.abc import Iterator

import numpy as np

from l2c_jax.types import ArrayLike


def scaled(distances: ArrayLike, scale: float) -> np.ndarray:
    """:math:`\\alpha d`.

    Args:
      distances: d, ``[N, N]``.
      scale: alpha, positive.

    Returns:
      ``[N, N]``.

    Raises:
      ValueError: if the scale is not positive and finite, or a result not finite.
    """
    if not 0 < scale < np.inf:
        raise ValueError(f"scale must be positive and finite, got {scale}")
    return checked(np.asarray(distances, np.float64) * scale)


def is_consistent(distances: ArrayLike, changed: ArrayLike, labels: ArrayLike) -> bool:
    """Whether no distance has grown within a cluster and none has shrunk between clusters.

    Args:
      distances: d, ``[N, N]``.
      changed: d', ``[N, N]``.
      labels: the partition, ``[N]``.

    Example:
      >>> near, far = realise([0, 0, 1], 1.0, 2.0), realise([0, 0, 1], 1.0, 3.0)
      >>> is_consistent(near, far, [0, 0, 1]), is_consistent(far, near, [0, 0, 1])
      (True, False)
    """
    distances, changed, labels = map(np.asarray, (distances, changed, labels))
    within = labels[:, None] == labels[None, :]
    return bool(np.where(within, changed <= distances, changed >= distances).all())


def consistent_change(distances: ArrayLike, labels: ArrayLike, seed: int) -> np.ndarray:
    """Random distances that consistency allows: half of the pairs are left, the others changed.

    Within clusters they are multiplied by a number that is uniform in (0, 1], between clusters
    divided by one.

    Args:
      distances: d, ``[N, N]``.
      labels: the partition, ``[N]``.
      seed: of the change.

    Returns:
      d', ``[N, N]``.

    Example:
      >>> distances, labels = realise([0, 1, 1, 0]), np.array([0, 1, 1, 0])
      >>> is_consistent(distances, consistent_change(distances, labels, 0), labels)
      True
    """
    distances, labels = checked(distances), np.asarray(labels)
    rng = np.random.default_rng(seed)
    factor = 1 - rng.random(distances.shape)
    factor = np.triu(np.where(rng.random(distances.shape) < 0.5, factor, 1.0), 1)
    factor = factor + factor.T + np.eye(len(distances))
    within = labels[:, None] == labels[None, :]
    return np.where(within, distances * factor, distances / factor)


def realise(labels: ArrayLike, within: float = 1.0, between: float = 2.0) -> np.ndarray:
    """The distances of the proof of Theorem 1, whose clusters are a given partition.

    Points of one cluster are at distance ``within``, others at ``between``. If there is one
    cluster alone, of at least three points, then two of its points are at ``between``, so that
    this is the largest distance always.

    Args:
      labels: the partition, ``[N]``.
      within: positive. The distances are a metric if ``between`` is at most twice as much.
      between: larger than ``within``.

    Returns:
      ``[N, N]``.

    Raises:
      ValueError: if not 0 < within < between, or the labels are no vector.

    Example:
      >>> realise([0, 0, 1]).tolist()
      [[0.0, 1.0, 2.0], [1.0, 0.0, 2.0], [2.0, 2.0, 0.0]]
    """
    labels = np.asarray(labels)
    if labels.ndim != 1 or labels.size == 0:
        raise ValueError(f"labels must be a vector of at least 1, got shape {labels.shape}")
    if not 0 < within < between < np.inf:
        raise ValueError(f"need 0 < within < between, got {within} and {between}")
    together = labels[:, None] == labels[None, :]
    if together.all() and labels.size > 2:
        together[0, 1] = together[1, 0] = False
    return np.where(together, within, between) * (1 - np.eye(labels.size))


def realisations(labels: ArrayLike) -> Iterator[np.ndarray]:
    """Distances that a clusterer might answer with a given partition: :func:`realise`, 25 times.

    First ``within`` is a power of two from 1/256 to 256 and ``between`` twice as much; then
    ``between`` is 1 and ``within`` 1/4 to 1/512. If single linkage can give the partition at all,
    it does for one of them, as long as its ``distance`` or ``scale`` lies in that range.

    Args:
      labels: the partition, ``[N]``.

    Yields:
      ``[N, N]``.
    """
    for power in range(-8, 9):
        yield realise(labels, 2.0**power, 2.0 ** (power + 1))
    for power in range(2, 10):
        yield realise(labels, 2.0**-power, 1.0)


def checked(distances: ArrayLike) -> np.ndarray:
    """Distances in double precision, if they are distances.

    Symmetric, zero from a point to itself, finite and nowhere negative; the triangle inequality
    is not asked for, nor that distinct points be apart.

    Args:
      distances: ``[N, N]``.

    Returns:
      ``[N, N]`` float64.

    Raises:
      ValueError: if they are not.
    """
    distances = np.asarray(distances, np.float64)
    if distances.ndim != 2 or distances.shape[0] != distances.shape[1] or not distances.size:
        raise ValueError(f"distances must be a square table, got shape {distances.shape}")
    if not np.isfinite(distances).all() or (distances < 0).any():
        raise ValueError("distances must be finite and not negative")
    if (distances != distances.T).any() or np.diagonal(distances).any():
        raise ValueError("distances must be symmetric, and zero from a point to itself")
    return distances
