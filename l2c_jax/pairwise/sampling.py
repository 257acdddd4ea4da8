"""Labels to pairs, and batches to draw pairs from: everything but the table runs inside jit."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from l2c_jax.types import Array, ArrayLike, Key


class ClassIndex(NamedTuple):
    """Which points belong to which class. C classes, L points in the largest."""

    members: Array  # [C, L] int32, indices of points; a class's first ``sizes`` are real
    sizes: Array  # [C] int32, points of each class


def pair_labels(labels: Array) -> Array:
    """Whether two points have the same label, for all ordered pairs.

    From ``{point: label}`` to ``{(point, point): similar or not}``, which says nothing of the
    classes themselves and so carries over to others.

    Args:
      labels: ``[N]`` int.

    Returns:
      ``[N, N]`` bool; the diagonal is True.

    Example:
      >>> import jax.numpy as jnp
      >>> pair_labels(jnp.array([4, 4, 9])).astype(int).tolist()
      [[1, 1, 0], [1, 1, 0], [0, 0, 1]]
    """
    return labels[:, None] == labels[None, :]


def index_by_class(labels: ArrayLike, per_class: int = 1) -> ClassIndex:
    """The table that episodes are drawn from, on the host.

    Args:
      labels: ``[N]``, any values that can be compared.
      per_class: points of a class in an episode; every class must have as many.

    Returns:
      The points of every class, in the order of the sorted labels.

    Raises:
      ValueError: if labels are no vector, name fewer than two classes, or leave a class with
        fewer than ``per_class`` points.

    Example:
      >>> index = index_by_class(["b", "a", "b"])
      >>> index.members.tolist(), index.sizes.tolist()
      ([[1, 0], [0, 2]], [1, 2])
    """
    labels = np.asarray(labels)
    if labels.ndim != 1:
        raise ValueError(f"labels must be a vector, got shape {labels.shape}")
    names, index, count = np.unique(labels, return_inverse=True, return_counts=True)
    if names.size < 2:
        raise ValueError(
            f"labels must name at least 2 classes, got {names.size}: "
            "from one class no dissimilar pair can be learned"
        )
    if count.min() < per_class:
        raise ValueError(
            f"every class needs at least {per_class} points, as many as an episode takes of it; "
            f"class {names[count.argmin()]} has {count.min()}"
        )
    members = np.zeros((names.size, count.max()), np.int32)
    members[np.arange(count.max())[None, :] < count[:, None]] = np.argsort(index, kind="stable")
    return ClassIndex(jnp.asarray(members), jnp.asarray(count, jnp.int32))


def draw_episode(key: Key, index: ClassIndex, classes: int, per_class: int) -> Array:
    """A class-balanced batch: some classes, and some points of each, without repetition.

    Args:
      key: consumed.
      index: from :func:`index_by_class`.
      classes: c, at most C; static.
      per_class: m, at most the points of the smallest class; static.

    Returns:
      ``[c * m]`` int32 indices of points, class by class.

    Example:
      >>> import jax, numpy as np
      >>> labels = np.array([0, 0, 0, 1, 1, 2, 2])
      >>> chosen = draw_episode(jax.random.key(0), index_by_class(labels), 2, 2)
      >>> len(set(chosen.tolist())), np.unique(labels[chosen], return_counts=True)[1].tolist()
      (4, [2, 2])
    """
    key_classes, key_points = jax.random.split(key)
    chosen = jax.random.permutation(key_classes, index.sizes.shape[0])[:classes]
    rank = jax.random.uniform(key_points, (classes, index.members.shape[1]))
    real = jnp.arange(index.members.shape[1])[None, :] < index.sizes[chosen][:, None]
    first = jnp.argsort(jnp.where(real, rank, 2.0), axis=1)[:, :per_class]
    return jnp.take_along_axis(index.members[chosen], first, axis=1).reshape(-1)


def epoch_length(size: int, batch: int) -> int:
    """Batches in one epoch: as few as hold all points, none of them larger than ``batch``.

    Example:
      >>> epoch_length(660, 100), epoch_length(30, 100)
      (7, 1)
    """
    return -(-size // batch)


def draw_batch(key: Key, step: Array | int, size: int, batch: int) -> Array:
    """The batch of a step, when every epoch visits the points in a new random order.

    The batches of an epoch are of one size, ``size // epoch_length(size, batch)``; the few
    points that are left over are left out of this epoch.

    Args:
      key: of the whole run; the same key and step give the same batch.
      step: counted over all epochs.
      size: N, static.
      batch: the most points of a batch, static.

    Returns:
      ``[n]`` int32 indices of points, all different.
    """
    length = epoch_length(size, batch)
    order = jax.random.permutation(jax.random.fold_in(key, step // length), size)
    width = size // length
    return jax.lax.dynamic_slice_in_dim(order, step % length * width, width)
