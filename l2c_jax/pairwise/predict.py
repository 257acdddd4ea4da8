"""Step 2 of learning to cluster: predict the similarity of all pairs of new points."""

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from l2c_jax.pairwise.networks import features, log_odds_of_terms, pair_terms
from l2c_jax.pairwise.points import checked_points
from l2c_jax.pairwise.similarity import Similarity
from l2c_jax.training.host import host_call
from l2c_jax.types import Array, ArrayLike

PairFunction: TypeAlias = Callable[[Any, Any], ArrayLike]
"""Any similarity G: two batches ``[N, ...]``, ``[M, ...]`` to probabilities of "same"
``[N, M]``; entry (i, j) depends on points i and j only."""

BLOCK = 256  # points per side of a block of pairs

_features = jax.jit(features, static_argnames=("backbone", "train"))
_terms = jax.jit(pair_terms, static_argnames=("backbone", "train"))
_log_odds = jax.jit(log_odds_of_terms, static_argnames="backbone")


def blocks(array: ArrayLike) -> Iterator[tuple[slice, Array]]:
    """Parts of ``BLOCK`` rows, the last one padded with zeros: one compiled program for all."""
    for start in range(0, len(array), BLOCK):
        part = jnp.asarray(array[start : start + BLOCK])
        rest = ((0, BLOCK - len(part)), *((0, 0),) * (part.ndim - 1))
        yield slice(start, start + len(part)), jnp.pad(part, rest)


def _learned(similarity: Similarity, sides: list[np.ndarray], adapt: bool) -> np.ndarray:
    """``[N, M]`` probabilities by the similarity network."""
    variables, backbone = similarity.variables, similarity.backbone
    if adapt:  # statistics of a whole batch
        read = [_features(variables, side, backbone=backbone, train=True) for side in sides]
    else:
        read = [
            jnp.concatenate(
                [
                    _features(variables, part, backbone=backbone, train=False)[
                        : where.stop - where.start
                    ]
                    for where, part in blocks(side)
                ]
            )
            for side in sides
        ]
    first, second = _terms(variables, read[0], read[-1], backbone=backbone, train=adapt)
    found = np.empty((len(first), len(second)), np.float32)
    for rows, left in blocks(first):
        for columns, right in blocks(second):
            part = jax.nn.sigmoid(_log_odds(variables, left, right, backbone=backbone))
            found[rows, columns] = part[: rows.stop - rows.start, : columns.stop - columns.start]
    return found


def checked_similarity(matrix: ArrayLike, shape: tuple[int, int]) -> ArrayLike:
    """Probabilities of "same" as float32; a JAX array stays on its device.

    Raises:
      ValueError: if the shape is another or a number lies outside [0, 1].
    """
    found: ArrayLike
    if isinstance(matrix, jax.Array):
        found = matrix.astype(jnp.float32)
    else:
        found = np.asarray(matrix, np.float32)
    if found.shape != shape:
        raise ValueError(f"similarities must have shape {list(shape)}, got {list(found.shape)}")
    if not ((found >= 0) & (found <= 1)).all():
        raise ValueError("similarities must be probabilities, in [0, 1]")
    return found


@host_call()
def predict_similarity(
    similarity: Similarity | PairFunction,
    first: ArrayLike,
    second: ArrayLike | None = None,
    *,
    adapt: bool = False,
) -> np.ndarray:
    """Step 2: G(x_i, y_j) = P(x_i and y_j are of one class) for all pairs of two batches.

    Args:
      similarity: G: a learned one, or any function of two batches, such as a classifier of pairs.
      first: ``[N, ...]``.
      second: ``[M, ...]``; ``None`` pairs the first batch with itself.
      adapt: batch norm of a learned similarity by the statistics of these batches, which adapts
        it to the new data, instead of by its running averages.

    Returns:
      ``[N, M]`` float32 in [0, 1]. A learned similarity is not exactly symmetric.

    Raises:
      ValueError: if points have the wrong shape or are not finite, or a function returns no
        ``[N, M]`` probabilities; if ``adapt`` is asked of a function.

    References:
      Hsu, Lv & Kira, *Learning to cluster in order to transfer across domains and tasks*, 2018.

    Example:
      >>> import numpy as np
      >>> near = lambda a, b: np.exp(-((a[:, None] - b[None]) ** 2).sum(axis=-1))
      >>> predict_similarity(near, np.array([[0.0], [1.0]])).round(2).tolist()
      [[1.0, 0.3700000047683716], [0.3700000047683716, 1.0]]
    """
    if isinstance(similarity, Similarity):
        given = [first] if second is None else [first, second]
        sides = [checked_points(side, similarity.backbone) for side in given]
        return _learned(similarity, sides, adapt)
    if adapt:
        raise ValueError("adapt is for learned similarities; a function has no batch norm")
    return np.asarray(evaluate(similarity, first, second))


@host_call()
def similarity_features(similarity: Similarity, points: ArrayLike) -> np.ndarray:
    """Features of a learned G's backbone, batch norm by the statistics of these points.

    Args:
      similarity: G.
      points: ``[N, ...]``.

    Returns:
      ``[N, F]`` float32.

    Raises:
      ValueError: if points have the wrong shape or are not finite.
    """
    array = checked_points(points, similarity.backbone)
    found = _features(similarity.variables, array, backbone=similarity.backbone, train=True)
    return np.asarray(found)


def evaluate(
    similarity: PairFunction, first: ArrayLike, second: ArrayLike | None = None
) -> ArrayLike:
    """A function of two batches on all pairs, in blocks of rows.

    Args:
      similarity: the function.
      first: ``[N, ...]``; a JAX array is given to the function as it is, anything else as a NumPy
        array.
      second: ``[M, ...]``; ``None``: the first.

    Returns:
      ``[N, M]`` float32; a JAX array on its device if the function returns JAX arrays.

    Raises:
      ValueError: if there are no points, or the function returns no ``[N, M]`` probabilities.

    Example:
      >>> evaluate(lambda a, b: jnp.eye(len(a), len(b)), np.zeros((2, 1))).tolist()
      [[1.0, 0.0], [0.0, 1.0]]
    """
    left = _as_array(first)
    right = left if second is None else _as_array(second)
    if not (left.ndim and len(left)):
        raise ValueError(f"at least 1 point is needed, got an array of shape {left.shape}")
    rows = [
        checked_similarity(similarity(part, right), (len(part), len(right)))
        for part in (left[start : start + BLOCK] for start in range(0, len(left), BLOCK))
    ]
    if all(isinstance(row, jax.Array) for row in rows):
        return jnp.concatenate(rows)
    return np.concatenate(rows)


def _as_array(points: ArrayLike) -> ArrayLike:
    return points if isinstance(points, jax.Array) else np.asarray(points)
