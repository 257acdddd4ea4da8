"""The coordinates in which a learner meets its points: canonical, or raw as in the paper."""

from typing import Literal, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp

from l2c_jax.types import Array

Frame: TypeAlias = Literal["canonical", "winsorised", "raw"]
FRAMES: tuple[Frame, ...] = ("canonical", "winsorised", "raw")
LIMIT = 2.0
"""Where :func:`winsorised` columns end, in standard deviations from their mean."""


def standardised(points: Array, mask: Array) -> Array:
    """Every column with mean 0 and variance 1 over the real points; constant columns are zeros.

    Args:
      points: ``[N, D]``.
      mask: ``[N]`` bool.

    Returns:
      ``[N, D]``, zeros where masked.
    """
    weight = mask.astype(points.dtype)[:, None]
    count = jnp.maximum(weight.sum(), 1)
    mean = (points * weight).sum(axis=0, keepdims=True) / count
    centred = (points - mean) * weight
    variance = (centred**2).sum(axis=0, keepdims=True) / count
    return centred * jnp.where(variance > 1e-12, jax.lax.rsqrt(variance + 1e-20), 0.0)


def winsorised(points: Array, mask: Array) -> Array:
    """Standardised columns whose values end :data:`LIMIT` standard deviations from their mean.

    A column of two values stays what it is; long tails no longer decide where the axes point.

    Args:
      points: ``[N, D]``.
      mask: ``[N]`` bool.

    Returns:
      ``[N, D]``, columns of mean 0 and variance 1, zeros where masked.

    Example:
      >>> import jax.numpy as jnp
      >>> column, mask = jnp.exp(jnp.linspace(0, 6, 100))[:, None], jnp.ones(100, bool)
      >>> [round(float(f(column, mask).max()), 1) for f in (standardised, winsorised)]
      [3.4, 2.4]
    """
    clipped = jnp.clip(standardised(points, mask), -LIMIT, LIMIT)
    return standardised(clipped, mask)


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


class CanonicalMap(NamedTuple):
    """An affine map into the canonical frame of some cloud: :func:`apply_map`."""

    shift: Array  # [D], the cloud's mean
    scale: Array  # [], its largest coordinate after that; applied first, so that nothing overflows
    axes: Array  # [D, dimensions], principal axes over the total scale


def canonical_map(points: Array, mask: Array, dimensions: int | None = None) -> CanonicalMap:
    """The map into the canonical frame of a cloud, for its own points or new ones.

    Centre, rotate to the principal axes, keep the first of them, divide by the total scale. The
    same cloud of points, wherever it lies, however large it is and whichever way it is turned,
    comes out the same: the learner never has to learn those symmetries. Axes come in order of
    falling variance, and each points the way its third moment is positive. The total scale is
    the square root of the summed variances of the axes kept.

    Degenerate data stay finite: one point, or points that are all equal, become zeros.

    Args:
      points: ``[N, D]`` finite numbers.
      mask: ``[N]`` bool, True for real points.
      dimensions: width of the result; ``None`` keeps ``D``. Narrower data are padded with zeros.

    Returns:
      The map.
    """
    if dimensions is None:
        dimensions = points.shape[1]
    weight = mask.astype(points.dtype)[:, None]
    count = jnp.maximum(weight.sum(), 1)
    first = points[jnp.argmax(mask)]
    near = (points - first[None, :]) * weight  # exact zeros if all are equal
    mean = near.sum(axis=0) / count
    centred = (near - mean[None, :]) * weight
    largest = jnp.abs(centred).max()
    scale = jnp.where(largest > 0, largest, 1)  # so that no square over- or underflows
    centred = centred / scale
    _, axes = jnp.linalg.eigh(centred.T @ centred / count)
    axes = axes[:, ::-1]
    rotated = centred @ axes
    skewness = (rotated**3).sum(axis=0, keepdims=True)
    axes = fit_dimensions(axes * jnp.where(skewness < 0, -1, 1), dimensions)
    total = jnp.sqrt(((centred @ axes) ** 2).sum() / count)
    return CanonicalMap(first + mean, scale, axes / jnp.where(total > 0, total, 1))


def apply_map(frame: CanonicalMap, points: Array) -> Array:
    """Points in a cloud's canonical frame, one by one.

    Args:
      frame: from :func:`canonical_map`.
      points: ``[N, D]``.

    Returns:
      ``[N, dimensions]``. No units.
    """
    return (points - frame.shift[None, :]) / frame.scale @ frame.axes


def canonical(points: Array, mask: Array, dimensions: int | None = None) -> Array:
    """Points in their own canonical frame; see :func:`canonical_map`.

    Args:
      points: ``[N, D]`` finite numbers.
      mask: ``[N]`` bool, True for real points.
      dimensions: width of the result; ``None`` keeps ``D``.

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
    return apply_map(canonical_map(points, mask, dimensions), points) * mask[:, None]


def to_frame(points: Array, mask: Array, frame: Frame, dimensions: int) -> Array:
    """Points as the learner reads them: in a canonical frame, or as they are.

    Args:
      points: ``[N, D]``.
      mask: ``[N]`` bool.
      frame: ``"canonical"``; ``"winsorised"``, the canonical frame of :func:`winsorised` columns,
        for tables; or ``"raw"`` to reproduce the paper as printed.
      dimensions: width of the result.

    Returns:
      ``[N, dimensions]``, zeros where masked.

    Raises:
      ValueError: if there is no such frame.
    """
    if frame == "canonical":
        return canonical(points, mask, dimensions)
    if frame == "winsorised":
        return canonical(winsorised(points, mask), mask, dimensions)
    if frame == "raw":
        return fit_dimensions(points * mask[:, None], dimensions)
    raise ValueError(f"frame must be one of {FRAMES}, got {frame!r}")
