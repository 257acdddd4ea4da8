"""Points as the networks take them: checked, and converted in double precision on the host."""

import jax.numpy as jnp
import numpy as np

from l2c_jax.pairwise.backbones import Backbone
from l2c_jax.types import Array, ArrayLike


def is_for_images(backbone: Backbone) -> bool:
    """Whether points are images: one point has three axes."""
    return len(backbone.shape) == 3


def checked_points(
    points: ArrayLike, backbone: Backbone, least: int = 1, name: str = "points"
) -> np.ndarray:
    """Points on the host, of a type that the networks take.

    Integer images of every type have one scale, that of uint8: 0 to 255; in images of type bool,
    True is 255. What the backbone names as its ``offset`` is subtracted in double precision.

    Args:
      points: ``[N, ...]``.
      backbone: has the shape of one point, and perhaps an offset.
      least: the smallest N allowed.
      name: of the argument, for messages.

    Returns:
      ``[N, ...]`` float32; integer images as uint8.

    Raises:
      ValueError: if the shape is another, points are too few, a number is not finite or no
        number, or integer images exceed 0 to 255.

    Example:
      >>> from l2c_jax.pairwise.backbones import MLP
      >>> checked_points([[1e8 + 0.25]], MLP(columns=1, offset=(1e8,))).tolist()
      [[0.25]]
    """
    array = numbers(points, name)
    if array.shape[1:] != backbone.shape or array.ndim != len(backbone.shape) + 1:
        wanted = ", ".join(("N", *map(str, backbone.shape)))
        raise ValueError(f"{name} must have shape [{wanted}] for {backbone}, got {array.shape}")
    if len(array) < least:
        raise ValueError(f"at least {least} points are needed, got {len(array)}")
    if is_for_images(backbone) and array.dtype.kind in "bui":
        return _pixels(array, name)
    offset = getattr(backbone, "offset", ())
    if np.any(offset):
        array = array.astype(np.float64) - np.asarray(offset)
    array = array.astype(np.float32)
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite; found NaN or infinity")
    return array


def numbers(points: ArrayLike, name: str = "points") -> np.ndarray:
    """An array of real numbers on the host.

    Args:
      points: an array, list or data frame.
      name: of the argument, for messages.

    Returns:
      Of type bool, integer or floating point.

    Raises:
      ValueError: if it holds something else, or masked values.
    """
    if isinstance(points, np.ma.MaskedArray) and np.ma.is_masked(points):
        raise ValueError(f"{name} must have no masked values")
    if hasattr(points, "toarray"):
        raise TypeError(f"{name} is a sparse matrix; dense data are needed: use X.toarray()")
    array = np.asarray(points)
    if array.dtype.kind == "O":
        try:
            array = array.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise type(error)(f"{name} must be numbers: {error}") from error
    if array.dtype.kind not in "buif" and not jnp.issubdtype(array.dtype, jnp.floating):
        complex_ = "Complex data not supported: " if array.dtype.kind == "c" else ""
        raise ValueError(
            f"{complex_}{name} must be real numbers, got an array of type {array.dtype}"
        )
    return array


def checked_labels(labels: ArrayLike, size: int, name: str = "labels") -> np.ndarray:
    """Labels on the host, none of them missing.

    Args:
      labels: ``[N]``, of any type that can be compared.
      size: N.
      name: of the argument, for messages.

    Returns:
      ``[N]``.

    Raises:
      ValueError: if they are no vector of this length, or some are missing: NaN, None, NaT, NA or
        masked.

    Example:
      >>> checked_labels([1.0, float("nan")], 2)
      Traceback (most recent call last):
        ...
      ValueError: labels must not be missing; 1 of 2 are
    """
    array = np.asarray(labels)
    if array.shape != (size,):
        raise ValueError(f"{name} must be as many as the points, {size}; got shape {array.shape}")
    missing = np.array([_is_missing(value) for value in array.tolist()], bool)
    if array.dtype.kind in "mM":
        missing = np.isnat(array)
    if isinstance(labels, np.ma.MaskedArray):
        missing = np.ma.getmaskarray(labels)
    if missing.any():
        raise ValueError(f"{name} must not be missing; {missing.sum()} of {size} are")
    return array


def as_float(points: Array) -> Array:
    """Points as float32; uint8 is divided by 255."""
    return points.astype(jnp.float32) / 255 if points.dtype == jnp.uint8 else points


def _pixels(images: np.ndarray, name: str) -> np.ndarray:
    """Integer images as uint8."""
    if images.dtype == np.uint8:
        return images
    if images.dtype == np.bool_:
        return images.astype(np.uint8) * np.uint8(255)
    least, most = (images.min(), images.max()) if images.size else (0, 0)
    if least < 0 or most > 255:
        raise ValueError(
            f"{name}: integer images must lie in 0 to 255, got {least} to {most} of type "
            f"{images.dtype}; divide images of another range by its maximum, to floats"
        )
    return images.astype(np.uint8)


def _is_missing(value: object) -> bool:
    """Whether a label is None, NaN or pandas' NA."""
    if value is None:
        return True
    try:
        return bool(value != value)  # NaN is not itself
    except TypeError:  # the truth of pandas' NA is undefined
        return True
