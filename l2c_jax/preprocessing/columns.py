"""Columns with mean 0 and variance 1: the one standardizer of this library.

Every function works on NumPy arrays, on the host, and on JAX arrays, inside ``jit``.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from l2c_jax.types import ArrayLike

_LARGEST = 1e9  # scaled values on the host end here, so that no product overflows


class ColumnScaling(NamedTuple):
    """``(x - shift) * inverse`` for each column, then clipped to ``[-limit, limit]``."""

    shift: ArrayLike  # [D], means
    inverse: ArrayLike  # [D], inverse standard deviations; 0 for constant columns
    limit: ArrayLike | None = None  # [D], where scaled columns are clipped


class ColumnBounds(NamedTuple):
    """Where columns are clipped before they are scaled, or what is beyond is drawn in."""

    low: ArrayLike  # [D]
    high: ArrayLike  # [D]
    unit: ArrayLike | None = None  # [D], of the distance beyond; None: columns are clipped


def fit_bounds(points: ArrayLike, mask: ArrayLike | None = None) -> ColumnBounds:
    """Bounds that a few wild values of a column cannot move.

    With :math:`q` the 5 % and 95 % quantiles, :math:`q_{05} - w` and :math:`q_{95} + w` with
    :math:`w = q_{95} - q_{05}`: 4.9 standard deviations for normal columns. Where
    :math:`w = 0` the 1 % and 99 % quantiles, and where they are equal, too, no bounds. The
    smallest and the largest value are never quantiles of three or more values.

    Args:
      points: ``[N, D]``.
      mask: ``[N]`` bool; ``None``: all rows are real.

    Returns:
      The bounds, infinite where there are none.

    Example:
      >>> import numpy as np
      >>> column = np.append(np.arange(100.0), 1e9)[:, None]
      >>> [bound.tolist() for bound in fit_bounds(column)[:2]]
      [[-85.0], [185.0]]
    """
    xp = namespace(points)
    mask = xp.ones(len(points), bool) if mask is None else mask
    ordered = xp.sort(xp.where(mask[:, None], points, xp.inf), axis=0)
    last = xp.maximum(mask.sum() - 1, 0)

    def between(share: float) -> tuple[Any, Any]:
        trimmed = xp.minimum(xp.ceil(share * last).astype(np.int32), last // 2)
        return ordered[trimmed], ordered[last - trimmed]

    (low, high), (outer_low, outer_high) = between(0.05), between(0.01)
    low, high = (
        xp.where(high > low, inner, outer)
        for inner, outer in ((low, outer_low), (high, outer_high))
    )
    width = high - low
    wide = width > 0
    return ColumnBounds(xp.where(wide, low - width, -xp.inf), xp.where(wide, high + width, xp.inf))


def with_unit(bounds: ColumnBounds) -> ColumnBounds:
    """Bounds beyond which distances are drawn in, so that a group of rows far away stays one.

    The unit is a third of :math:`w`: 1.1 standard deviations for normal columns.
    """
    xp = namespace(bounds.low)
    width = bounds.high - bounds.low
    return bounds._replace(unit=xp.where(xp.isfinite(width), width / 9, 1))


def apply_bounds(bounds: ColumnBounds, points: ArrayLike) -> Any:
    """Columns within their bounds.

    Args:
      bounds: without a unit, columns are clipped; with a unit u, a distance :math:`t` beyond a
        bound becomes :math:`u \\log(1 + t / u)`.
      points: ``[N, D]``.

    Returns:
      ``[N, D]``.

    Example:
      >>> import numpy as np
      >>> bounds = ColumnBounds(np.zeros(1), np.ones(1), np.ones(1))
      >>> apply_bounds(bounds, np.array([[0.5], [np.e], [-1e9]])).round(2).tolist()
      [[0.5], [2.0], [-20.72]]
    """
    xp = namespace(points)
    inside = xp.clip(points, bounds.low[None, :], bounds.high[None, :])
    if bounds.unit is None:
        return inside
    unit = bounds.unit[None, :]
    with np.errstate(over="ignore"):
        beyond = xp.minimum(xp.abs(points - inside) / unit, xp.finfo(points.dtype).max)
    return inside + xp.sign(points - inside) * unit * xp.log1p(beyond)


def standardize(points: ArrayLike, mask: ArrayLike | None = None) -> Any:
    """Every column with mean 0 and variance 1 over the real points; constant columns are zeros.

    Args:
      points: ``[N, D]``; a NumPy array is standardized on the host in float64.
      mask: ``[N]`` bool, or ``None`` for all.

    Returns:
      ``[N, D]`` of the same kind of array, zeros where masked.

    Example:
      >>> import numpy as np
      >>> print(standardize(np.array([[1.0, 5.0], [3.0, 5.0]])))
      [[-1.  0.]
       [ 1.  0.]]
    """
    if isinstance(points, np.ndarray):
        points = np.asarray(points, np.float64)
        points = points / magnitude(points)
    scaling = fit_columns(points, mask)
    if mask is None:
        return apply_columns(scaling, points)
    return apply_masked(scaling, points, mask.astype(points.dtype)[:, None])


def fit_columns(
    points: ArrayLike, mask: ArrayLike | None = None, *, common: bool = False
) -> ColumnScaling:
    """Means and inverse standard deviations of the columns.

    Args:
      points: ``[N, D]`` of moderate size (float32: standard deviations far above 1e-6; float64:
        above 1e-13).
      mask: ``[N]``, or ``[N, D]`` where single values are missing; ``None`` for all.
      common: one standard deviation for all columns, the root of their mean variance.

    Returns:
      The scaling; its inverse is 0 for constant columns.
    """
    xp = namespace(points)
    if mask is None:
        mask = xp.ones(len(points), bool)
    weight = mask.astype(points.dtype)
    if weight.ndim == 1:
        weight, count = weight[:, None], weight.sum()
    else:
        count = weight.sum(axis=0, keepdims=True)
    count = xp.maximum(count, 1)
    mean = (points * weight).sum(axis=0, keepdims=True) / count
    centered = (points - mean) * weight
    variance = (centered**2).sum(axis=0, keepdims=True) / count
    varies = variance > (1e-12 if points.dtype == np.float32 else 1e-26)
    if common:
        variance = xp.broadcast_to(variance.mean(keepdims=True), variance.shape)
    safe = xp.where(varies, variance, 1)
    inverse = xp.where(varies, jax.lax.rsqrt(safe) if xp is jnp else 1 / np.sqrt(safe), 0)
    return ColumnScaling(mean[0], inverse[0])


def apply_columns(scaling: ColumnScaling, points: ArrayLike, grid: float | None = None) -> Any:
    """``(x - shift) * inverse``, rounded to a grid if there is one, and clipped.

    Args:
      scaling: from :func:`fit_columns`.
      points: ``[N, D]``.
      grid: scaled values are rounded to multiples of this.

    Returns:
      ``[N, D]``.
    """
    xp = namespace(points)
    with np.errstate(over="ignore"):
        scaled = (points - scaling.shift[None, :]) * scaling.inverse[None, :]
    if grid is not None:
        scaled = xp.round(xp.clip(scaled, -_LARGEST, _LARGEST) / grid) * grid
    if scaling.limit is not None:
        scaled = xp.clip(scaled, -scaling.limit[None, :], scaling.limit[None, :])
    return scaled


def apply_masked(scaling: ColumnScaling, points: ArrayLike, real: ArrayLike) -> Any:
    """``(x - shift) * real * inverse`` with ``real`` 1 for real points and 0 for padding."""
    return (points - scaling.shift[None, :]) * real * scaling.inverse[None, :]


def fit_width(points: ArrayLike, dimensions: int) -> Any:
    """The first columns, or all of them and zeros: ``[N, D]`` to ``[N, dimensions]``.

    Example:
      >>> import jax.numpy as jnp
      >>> fit_width(jnp.ones((2, 1)), 3).tolist()
      [[1.0, 0.0, 0.0], [1.0, 0.0, 0.0]]
    """
    kept = points[:, :dimensions]
    return namespace(points).pad(kept, ((0, 0), (0, dimensions - kept.shape[1])))


def namespace(points: ArrayLike) -> Any:
    """The module for an array: NumPy for a NumPy array, or else ``jax.numpy``."""
    return np if isinstance(points, np.ndarray) else jnp


def magnitude(table: np.ndarray, *, common: bool = False) -> np.ndarray:
    """``[D]``, the largest absolute value of each column, or of all of them; never 0."""
    largest = np.abs(table).max(axis=0)
    if common:
        largest = np.full_like(largest, largest.max())
    return np.where(largest > 0, largest, 1.0)
