r"""Coordinates of the points: scaled columns, clipped, on principal axes.

One definition serves both places where points reach a learner. Inside ``jit``, a drawn task is
preprocessed in its own precision by :func:`fit_preprocessing`. On the host, a table is
preprocessed in float64 by :func:`fit_table_preprocessing`, so that float32 loses nothing that
matters. Both fit a :class:`Preprocessing`; :func:`apply_preprocessing` maps any rows with it.

With :math:`x` a row, :math:`\mu, \sigma` the means and deviations of the columns, :math:`c` the
clipping limit, :math:`V` the principal axes and :math:`s` the total scale:

.. math::
    u = (x - \mu) / \sigma, \qquad
    v = (\mathrm{clip}(u, -c, c) - \mu') / \sigma', \qquad
    z = (v - \bar v) V / s

``"raw"`` keeps :math:`x`, ``"principal"`` maps :math:`x` (or :math:`u`) to :math:`z`, and
``"clipped"`` uses all three steps. ``"robust"`` does so after the values of each column were
clipped to the bounds of :func:`~l2c_jax.preprocessing.columns.fit_bounds`, and ``"columns"`` ends
after these bounds and :math:`u`.
"""

from typing import Any, Literal, NamedTuple, TypeAlias

import jax.numpy as jnp
import numpy as np

from l2c_jax.preprocessing.axes import PrincipalAxes, fit_axes, project, table_axes
from l2c_jax.preprocessing.columns import (
    ColumnBounds,
    ColumnScaling,
    apply_bounds,
    apply_columns,
    apply_masked,
    fit_bounds,
    fit_columns,
    fit_width,
    magnitude,
    with_unit,
)
from l2c_jax.types import Array, ArrayLike

Kind: TypeAlias = Literal["principal", "clipped", "robust", "columns", "raw"]
KINDS: tuple[Kind, ...] = ("principal", "clipped", "robust", "columns", "raw")
GRID = 2.0**-20
"""On the host, scaled values are rounded to multiples of this, so that a shifted or rescaled
column gives the same values in spite of its rounding."""
CLIP = 2.0
"""Where clipped columns end, in standard deviations from their mean."""


class Preprocessing(NamedTuple):
    """A fitted map from rows to the points that a learner reads; a pytree of arrays."""

    magnitude: ArrayLike | None  # [D], columns are divided by it first; None: by nothing
    columns: ColumnScaling | None  # None: columns stay as they are
    clipped: ColumnScaling | None  # scales the clipped columns once more
    principal: PrincipalAxes | None  # None: the first columns are kept, or zeros are added
    bounds: ColumnBounds | None = None  # columns are brought within them before all else


def fit_preprocessing(
    points: Array, mask: Array, kind: Kind, dimensions: int | None = None
) -> Preprocessing:
    """Fit on the points of one task, in their own precision; for ``jit`` and ``vmap``.

    A cloud of points that is moved, scaled by one number or rotated gives the same result with
    ``"principal"``. Axes come in order of decreasing variance, and each has a positive third
    moment. The total scale is the square root of the summed variances of the axes kept. One
    point, or points that are all equal, become zeros.

    Args:
      points: ``[N, D]`` finite numbers.
      mask: ``[N]`` bool, True for real points.
      kind: ``"principal"``; ``"clipped"``, the same after scaling and clipping the columns;
        ``"robust"``, the same after bounds; ``"columns"``, bounds and scaling alone, with what is
        beyond the bounds drawn in instead of clipped; ``"raw"``, as in the paper.
      dimensions: width of the result; ``None`` keeps D. Narrower points are padded with zeros.

    Returns:
      The fitted map.

    Raises:
      ValueError: if ``kind`` is none of :data:`KINDS`.

    Example:
      >>> import jax.numpy as jnp
      >>> points = jnp.array([[0.0, 5.0], [4.0, 5.0], [5.0, 5.0]])
      >>> mask = jnp.ones(3, bool)
      >>> there = preprocess(points, mask, "principal", 2)
      >>> here = preprocess(3 * points[:, ::-1] + 7, mask, "principal", 2)
      >>> bool(jnp.allclose(there, here, atol=1e-5))
      True
    """
    return _fit(points, mask, kind, dimensions)[0]


def fit_table_preprocessing(
    table: np.ndarray, kind: Kind, dimensions: int, *, standardize: bool = True
) -> Preprocessing:
    """Fit on a table, in float64 on the host.

    The steps of :func:`fit_preprocessing` after every column was given variance 1. Units, offsets
    and the order of the columns do not matter: scaled values are rounded to :data:`GRID`, and the
    axes are computed from columns sorted by their third and fourth moments.

    Args:
      table: ``[N, D]`` float64, finite.
      kind: as for :func:`fit_preprocessing`.
      dimensions: width of the result.
      standardize: ``False`` leaves the columns in proportion to each other.

    Returns:
      The fitted map, NumPy arrays in float64.

    Raises:
      ValueError: if ``kind`` is none of :data:`KINDS`.

    Example:
      >>> import numpy as np
      >>> table = np.random.default_rng(0).normal(size=(50, 3))
      >>> moved = 1e7 + 1e-3 * table[:, ::-1]
      >>> here, there = (
      ...     apply_preprocessing(fit_table_preprocessing(t, "principal", 2), t)
      ...     for t in (table, moved)
      ... )
      >>> bool(np.abs(here - there).max() < 1e-4)
      True
    """
    check_kind(kind)
    if kind == "raw" and not standardize:
        return Preprocessing(None, None, None, None)
    bounds = fit_bounds(table) if kind in ("robust", "columns") else None
    bounded = table if bounds is None else apply_bounds(bounds, table)
    largest = magnitude(bounded, common=not standardize)
    columns = fit_columns(bounded / largest, common=not standardize)
    if kind == "columns" and bounds is not None:
        bounds = with_unit(bounds)
    fitted = Preprocessing(largest, columns, None, None, bounds)
    if kind in ("raw", "columns"):
        return fitted
    points = scale_columns(fitted, table)
    if kind in ("clipped", "robust"):
        columns = columns._replace(limit=CLIP * points.std(axis=0))
        fitted = fitted._replace(columns=columns)
        again = fit_columns(scale_columns(fitted, table))
        inverse = again.inverse if standardize else np.ones_like(again.inverse)
        fitted = fitted._replace(clipped=ColumnScaling(again.shift, inverse))
        points = scale_columns(fitted, table)
    order = column_order(points)
    axes = np.zeros((table.shape[1], dimensions))
    found = table_axes(points[:, order], min(dimensions, table.shape[1]))
    axes[order, : found.shape[1]] = found
    return fitted._replace(principal=PrincipalAxes(np.zeros(len(axes)), np.ones(()), axes))


def column_order(points: np.ndarray) -> np.ndarray:
    """``[D]``, columns sorted by their third and fourth moments, so that their order in the table
    does not matter.

    Args:
      points: ``[N, D]``, centered.
    """
    return np.lexsort(np.round(np.stack([(points**p).mean(axis=0) for p in (4, 3)]), 6))


def apply_preprocessing(
    preprocessing: Preprocessing, points: ArrayLike, dimensions: int | None = None
) -> Any:
    """Map rows, each by itself.

    Args:
      preprocessing: fitted on these rows, or on others with the same columns.
      points: ``[N, D]``. A NumPy array is mapped on the host, in its own precision.
      dimensions: width of the result where no axes were fitted (``"raw"``); ``None`` keeps D.

    Returns:
      ``[N, dimensions]`` without units; for a NumPy array float32 NumPy.
    """
    if not isinstance(points, np.ndarray):
        scaled = scale_columns(preprocessing, points)
        if preprocessing.principal is not None:
            return project(preprocessing.principal, scaled)
        return scaled if dimensions is None else fit_width(scaled, dimensions)
    scaled = scale_columns(preprocessing, points)
    if preprocessing.principal is not None:
        shift, scale, axes = map(np.asarray, preprocessing.principal)
        # summed in one order, so that a row's result does not depend on the other rows
        scaled = np.einsum("nd,dk->nk", (scaled - shift[None, :]) / scale, axes)
    elif dimensions is not None:
        scaled = fit_width(scaled, dimensions)
    largest = np.finfo(np.float32).max / 1e6
    return np.clip(scaled, -largest, largest).astype(np.float32)


def fit_and_apply(
    points: Array, mask: Array, kind: Kind, dimensions: int
) -> tuple[Preprocessing, Array]:
    """:func:`fit_preprocessing`, and the points on which it was fitted, mapped.

    Args:
      points: ``[N, D]``.
      mask: ``[N]`` bool.
      kind: see :func:`fit_preprocessing`.
      dimensions: width of the result.

    Returns:
      The fitted map, and ``[N, dimensions]``, zeros where masked.
    """
    fitted, scaled = _fit(points, mask, kind, dimensions)
    if fitted.principal is None:
        return fitted, fit_width(scaled * mask[:, None].astype(points.dtype), dimensions)
    real = mask[:, None].astype(points.dtype)
    return fitted, project(fitted.principal, scaled) * real


def preprocess(points: Array, mask: Array, kind: Kind, dimensions: int) -> Array:
    """The points of :func:`fit_and_apply`.

    Args:
      points: ``[N, D]``.
      mask: ``[N]`` bool.
      kind: see :func:`fit_preprocessing`.
      dimensions: width of the result.

    Returns:
      ``[N, dimensions]``, zeros where masked.
    """
    return fit_and_apply(points, mask, kind, dimensions)[1]


def check_kind(kind: str) -> None:
    """Refuse what is no kind of preprocessing.

    Raises:
      ValueError: if ``kind`` is not one of :data:`KINDS`.
    """
    if kind not in KINDS:
        raise ValueError(f"preprocessing must be one of {KINDS}, got {kind!r}")


def scale_columns(fitted: Preprocessing, points: ArrayLike) -> Any:
    """All steps before the axes."""
    if fitted.bounds is not None:
        points = apply_bounds(fitted.bounds, points)
    if fitted.magnitude is not None:
        with np.errstate(over="ignore"):
            points = points / fitted.magnitude
    if fitted.columns is not None:
        grid = None if fitted.magnitude is None else GRID
        points = apply_columns(fitted.columns, points, grid)
    if fitted.clipped is not None:
        points = apply_columns(fitted.clipped, points)
    return points


def _fit(
    points: Array, mask: Array, kind: Kind, dimensions: int | None
) -> tuple[Preprocessing, Array]:
    """The fitted map, and the points after all its steps before the axes."""
    check_kind(kind)
    dimensions = points.shape[1] if dimensions is None else dimensions
    columns = clipped = bounds = None
    if kind == "raw":
        return Preprocessing(None, None, None, None), points
    real = mask.astype(points.dtype)[:, None]
    if kind == "columns":
        bounds = fit_bounds(points, mask)
        columns = fit_columns(apply_bounds(bounds, points) * real, mask)
        bounds = with_unit(bounds)
        scaled = apply_masked(columns, apply_bounds(bounds, points), real)
        return Preprocessing(None, columns, None, None, bounds), scaled
    if kind == "robust":
        bounds = fit_bounds(points, mask)
        points = apply_bounds(bounds, points) * real
    if kind in ("clipped", "robust"):
        columns = fit_columns(points, mask)
        scaled = apply_masked(columns, points, real)
        columns = columns._replace(limit=jnp.full_like(columns.shift, CLIP))
        points = jnp.clip(scaled, -CLIP, CLIP)
        clipped = fit_columns(points, mask)
        points = apply_masked(clipped, points, real)
    axes = fit_axes(points, mask, dimensions)
    return Preprocessing(None, columns, clipped, axes, bounds), points
