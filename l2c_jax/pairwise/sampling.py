"""Pair labels, class-balanced episodes and batches; all but the class index run inside jit."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from l2c_jax.types import Array, ArrayLike, Key


class ClassIndex(NamedTuple):
    """The points of every class: C classes, L points in the largest."""

    members: Array  # [C, L] int32, indices of points; row c is filled up to sizes[c]
    sizes: Array  # [C] int32, points of each class


def pair_labels(labels: Array) -> Array:
    """Similarity labels of all ordered pairs: S_ij = [y_i = y_j].

    S does not name the classes, so a function that predicts it applies to other classes too.

    Args:
      labels: ``[N]`` int.

    Returns:
      S, ``[N, N]`` bool; the diagonal is True.

    References:
      Hsu, Lv & Kira, *Learning to cluster in order to transfer across domains and tasks*, 2018.

    Example:
      >>> import jax.numpy as jnp
      >>> pair_labels(jnp.array([4, 4, 9])).astype(int).tolist()
      [[1, 1, 0], [1, 1, 0], [0, 0, 1]]
    """
    return labels[:, None] == labels[None, :]


def index_by_class(labels: ArrayLike, per_class: int = 1) -> ClassIndex:
    """The points of every class, for :func:`draw_episode`; runs on the host.

    Args:
      labels: ``[N]``, any values that can be compared.
      per_class: m, points of each class in an episode; the smallest class needs as many.

    Returns:
      Classes in the order of the sorted labels.

    Raises:
      ValueError: if labels are no vector, have fewer than two classes, or a class has fewer than
        ``per_class`` points.

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
            "one class has no dissimilar pairs"
        )
    if count.min() < per_class:
        raise ValueError(
            f"every class needs at least {per_class} points, the number per class of an episode; "
            f"class {names[count.argmin()]} has {count.min()}"
        )
    members = np.zeros((names.size, count.max()), np.int32)
    members[np.arange(count.max())[None, :] < count[:, None]] = np.argsort(index, kind="stable")
    return ClassIndex(jnp.asarray(members), jnp.asarray(count, jnp.int32))


def draw_episode(key: Key, index: ClassIndex, classes: int, per_class: int) -> Array:
    """A class-balanced batch: c classes uniformly, m points of each, without replacement.

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
    rank = jax.random.uniform(key_points, (classes, index.members.shape[1]), jnp.float32)
    real = (
        jnp.arange(index.members.shape[1], dtype=jnp.int32)[None, :] < index.sizes[chosen][:, None]
    )
    first = jnp.argsort(jnp.where(real, rank, 2.0), axis=1)[:, :per_class]
    return jnp.take_along_axis(index.members[chosen], first, axis=1).reshape(-1)


def epoch_length(size: int, batch: int) -> int:
    """Batches in one epoch: ceil(size / batch).

    Example:
      >>> epoch_length(660, 100), epoch_length(30, 100)
      (7, 1)
    """
    return -(-size // batch)


def draw_batch(key: Key, step: Array | int, size: int, batch: int) -> Array:
    """The batch of a step; every epoch has a new random order of the points.

    With L = :func:`epoch_length`, step t takes part t mod L of the permutation drawn from
    ``fold_in(key, t // L)``. Every part has N // L points; the rest, fewer than L points, is
    skipped in this epoch.

    Args:
      key: of the whole run; the same key and step give the same batch.
      step: t, counted over all epochs.
      size: N, static.
      batch: the most points of a batch, static.

    Returns:
      ``[n]`` int32 indices of points, all different.
    """
    length = epoch_length(size, batch)
    order = jax.random.permutation(jax.random.fold_in(key, step // length), size)
    width = size // length
    return jax.lax.dynamic_slice_in_dim(order, step % length * width, width)
