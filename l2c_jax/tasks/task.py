"""A task: points with their cluster labels, padded to a fixed size; its canonical frame."""

from typing import Literal, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp

from l2c_jax.types import Array, Key

Frame: TypeAlias = Literal["canonical", "raw"]


class Task(NamedTuple):
    """One clustering problem (section 3.1: a data set and its labels)."""

    points: Array  # [N, D] float32; zeros where masked
    labels: Array  # [N] int32 in 0..K-1; 0 where masked
    mask: Array  # [N] bool; True for real points, False for padding


def visiting_order(key: Key, mask: Array) -> Array:
    """A uniformly random order in which to read the points of one task.

    Args:
      key: consumed.
      mask: ``[N]`` bool. Masked points are spread among the others; a learner passes over them.

    Returns:
      ``[N]`` int32, a permutation of ``0..N-1``.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> sorted(visiting_order(jax.random.key(0), jnp.ones(4, bool)).tolist())
      [0, 1, 2, 3]
    """
    return jax.random.permutation(key, mask.shape[0])


def sort_labels(task: Task, num_clusters: int) -> Task:
    """Renumber the clusters by the first coordinate of their empirical means (section 4.1).

    Clusters without points go last, so the labels in use are always ``0, 1, ...``.

    Args:
      task: one task with labels in ``0..K-1``.
      num_clusters: K.

    Returns:
      The task with labels renumbered; masked points keep label 0.

    Example:
      >>> import jax.numpy as jnp
      >>> task = Task(jnp.array([[3.0], [1.0], [3.1]]), jnp.array([0, 1, 0]), jnp.ones(3, bool))
      >>> sort_labels(task, 2).labels.tolist()
      [1, 0, 1]
    """
    member = jax.nn.one_hot(task.labels, num_clusters) * task.mask[:, None]
    count = member.sum(axis=0)
    first = task.points[:, 0] @ member / jnp.maximum(count, 1)
    order = jnp.argsort(jnp.where(count > 0, first, jnp.inf))
    rank = jnp.zeros(num_clusters, jnp.int32).at[order].set(jnp.arange(num_clusters))
    return task._replace(labels=jnp.where(task.mask, rank[task.labels], 0))


def fit_dimensions(points: Array, dimensions: int) -> Array:
    """Cut points to their first axes, or pad them with zeros, to a given width.

    Args:
      points: ``[N, D]``.
      dimensions: the width wanted.

    Returns:
      ``[N, dimensions]``.

    Example:
      >>> import jax.numpy as jnp
      >>> fit_dimensions(jnp.ones((2, 1)), 3).tolist()
      [[1.0, 0.0, 0.0], [1.0, 0.0, 0.0]]
    """
    kept = points[:, :dimensions]
    return jnp.pad(kept, ((0, 0), (0, dimensions - kept.shape[1])))


def canonical(points: Array, mask: Array, dimensions: int | None = None) -> Array:
    """Centre, rotate to the principal axes, keep the first of them, divide by the total scale.

    The same cloud of points, wherever it lies, however large it is and whichever way it is
    turned, comes out the same: the learner never has to learn those symmetries. Axes come in
    order of falling variance, and each points the way its third moment is positive. The total
    scale is the square root of the summed variances of the axes kept.

    Degenerate data stay finite: one point, or points that are all equal, become zeros.

    Args:
      points: ``[N, D]`` finite numbers.
      mask: ``[N]`` bool, True for real points.
      dimensions: width of the result; ``None`` keeps ``D``. Narrower data are padded with zeros.

    Returns:
      ``[N, dimensions]``, zeros where masked. No units.

    Example:
      >>> import jax.numpy as jnp
      >>> points = jnp.array([[0.0, 5.0], [4.0, 5.0], [5.0, 5.0]])
      >>> there = canonical(points, jnp.ones(3, bool))
      >>> here = canonical(3 * points[:, ::-1] + 7, jnp.ones(3, bool))
      >>> bool(jnp.allclose(there, here, atol=1e-5))
      True
    """
    if dimensions is None:
        dimensions = points.shape[1]
    weight = mask.astype(points.dtype)[:, None]
    count = jnp.maximum(weight.sum(), 1)
    near = (points - points[jnp.argmax(mask)][None, :]) * weight  # exact zeros if all are equal
    centred = (near - near.sum(axis=0, keepdims=True) / count) * weight
    largest = jnp.abs(centred).max()
    centred = centred / jnp.where(largest > 0, largest, 1)  # so that no square over- or underflows
    _, axes = jnp.linalg.eigh(centred.T @ centred / count)
    rotated = centred @ axes[:, ::-1]
    skewness = (rotated**3).sum(axis=0, keepdims=True)
    rotated = fit_dimensions(rotated * jnp.where(skewness < 0, -1, 1), dimensions)
    total = jnp.sqrt((rotated**2).sum() / count)
    return rotated / jnp.where(total > 0, total, 1)


def to_frame(points: Array, mask: Array, frame: Frame, dimensions: int) -> Array:
    """Points as the learner reads them: in the canonical frame, or as they are.

    Args:
      points: ``[N, D]``.
      mask: ``[N]`` bool.
      frame: ``"canonical"``, or ``"raw"`` to reproduce the paper as printed.
      dimensions: width of the result.

    Returns:
      ``[N, dimensions]``, zeros where masked.

    Raises:
      ValueError: if ``frame`` is neither.
    """
    if frame == "canonical":
        return canonical(points, mask, dimensions)
    if frame == "raw":
        return fit_dimensions(points * mask[:, None], dimensions)
    raise ValueError(f'frame must be "canonical" or "raw", got {frame!r}')


def framed(task: Task, frame: Frame, dimensions: int, num_clusters: int) -> Task:
    """A task as the learner trains on it: points in its frame, labels in its order.

    Args:
      task: one task.
      frame: see :func:`to_frame`.
      dimensions: the width of the learner's input.
      num_clusters: K.

    Returns:
      The task in that frame, its clusters sorted along the frame's first axis.
    """
    points = to_frame(task.points, task.mask, frame, dimensions)
    return sort_labels(task._replace(points=points), num_clusters)
