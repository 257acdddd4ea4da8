"""Principal axes over their total scale, of one task or of a table."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from l2c_jax.preprocessing.columns import fit_width
from l2c_jax.types import Array, ArrayLike

FLAT_AXIS = 1e-6
"""On the host, an axis with less than this share of the total scale holds only rounding errors,
as where one column repeats another, and becomes zeros."""


class PrincipalAxes(NamedTuple):
    """``(x - shift) / scale @ axes``."""

    shift: ArrayLike  # [D], the mean of the points
    scale: ArrayLike  # [], their largest coordinate; first, so that no square overflows
    axes: ArrayLike  # [D, dimensions], principal axes over the total scale


def project(principal: PrincipalAxes, points: Array) -> Array:
    """``[N, dimensions]``, points on the axes."""
    return (points - principal.shift[None, :]) / principal.scale @ principal.axes


def fit_axes(points: Array, mask: Array, dimensions: int) -> PrincipalAxes:
    """Principal axes of the real points of one task."""
    weight = mask.astype(points.dtype)[:, None]
    count = jnp.maximum(weight.sum(), 1)
    first = points[jnp.argmax(mask)]
    near = (points - first[None, :]) * weight  # exact zeros if all are equal
    mean = near.sum(axis=0) / count
    centered = (near - mean[None, :]) * weight
    largest = jnp.abs(centered).max()
    scale = jnp.where(largest > 0, largest, 1)  # so that no square over- or underflows
    centered = centered / scale
    _, axes = jnp.linalg.eigh(centered.T @ centered / count)
    axes = axes[:, ::-1]
    rotated = centered @ axes
    skewness = (rotated**3).sum(axis=0, keepdims=True)
    axes = fit_width(axes * jnp.where(skewness < 0, -1, 1), dimensions)
    total = jnp.sqrt(((centered @ axes) ** 2).sum() / count)
    return PrincipalAxes(first + mean, scale, axes / jnp.where(total > 0, total, 1))


def table_axes(points: np.ndarray, dimensions: int) -> np.ndarray:
    """``[D, dimensions]``, the axes of :func:`fit_axes` for centered points in float64.

    Axes that hold rounding errors only are zeros. Tables with more columns than rows use the
    smaller matrix of scalar products.
    """
    rows, columns = points.shape
    if columns <= rows:
        vectors = np.linalg.eigh(points.T @ points)[1]
    else:
        values, left = np.linalg.eigh(points @ points.T)
        vectors = points.T @ left / np.sqrt(np.where(values > 1e-12, values, np.inf))
    axes = vectors[:, ::-1][:, :dimensions]
    projected = points @ axes
    axes = axes * np.where((projected**3).sum(axis=0) < 0, -1, 1)
    spread = np.sqrt((projected**2).sum(axis=0) / rows)
    total = np.sqrt((spread**2).sum())
    return axes * (spread > FLAT_AXIS * total) / (total if total > 0 else 1)
