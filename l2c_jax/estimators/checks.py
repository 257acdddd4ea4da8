"""What the estimators check about their arguments before anything is computed."""

from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import validate_data


def check_integer(name: str, value: Any, least: int) -> None:
    """Refuse a parameter that is no integer, or too small.

    Raises:
      TypeError: if it is no integer.
      ValueError: if it is too small.

    Example:
      >>> check_integer("n_clusters", 2.5, 1)
      Traceback (most recent call last):
        ...
      TypeError: n_clusters must be an integer, got 2.5
    """
    if isinstance(value, bool | np.bool_) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")


def check_positive(name: str, value: Any) -> None:
    """Refuse a parameter that is no positive finite number.

    Raises:
      TypeError: if it is no number.
      ValueError: if it is not positive and finite.
    """
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a number, got {value!r}")
    if not 0 < float(value) < float("inf"):
        raise ValueError(f"{name} must be positive and finite, got {value}")


def seed_of(random_state: Any) -> int:
    """A seed: an integer itself, or a draw from the generator that ``random_state`` stands for.

    Args:
      random_state: an integer, a ``numpy.random.RandomState``, or ``None``.

    Returns:
      In 0 ... 2^32 - 1.

    Raises:
      ValueError: if it is something else.

    Example:
      >>> seed_of(7)
      7
    """
    try:
        generator = check_random_state(random_state)
    except ValueError as error:
        raise ValueError(f"random_state: {error}") from error
    if isinstance(random_state, Integral):
        return int(random_state)
    return int(generator.randint(2**31 - 1))


def checked_numbers(points: Any, least: int = 1) -> np.ndarray:
    """X as an array of finite real numbers with at least 2 axes.

    Args:
      points: an array, list or data frame.
      least: the smallest number of points allowed.

    Returns:
      ``[N, ...]``.

    Raises:
      ValueError: if X has another form, NaN or infinity, or no numbers.
      TypeError: if it is sparse.
    """
    from l2c_jax.pairwise.points import numbers

    array = numbers(points, "X")
    if array.ndim < 2:
        raise ValueError(
            "X must be a table [N, D] or images [N, H, W, C], got an array of shape "
            f"{array.shape}. Reshape your data: X.reshape(-1, 1) for a single column, "
            "X.reshape(1, -1) for a single row"
        )
    if len(array) < least:
        raise ValueError(f"X has n_samples={len(array)}, but at least {least} points are needed")
    if array.shape[1] == 0:
        raise ValueError(
            f"X has 0 feature(s) (shape={array.shape}) while a minimum of 1 is required."
        )
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ValueError("X must be finite; the input contains NaN or infinity")
    return array


def remember_columns(estimator: Any, given: Any, points: np.ndarray) -> None:
    """``n_features_in_`` and ``feature_names_in_`` of a table."""
    if points.ndim == 2:
        validate_data(estimator, given, reset=True, skip_check_array=True)


def check_columns(estimator: Any, given: Any, points: np.ndarray) -> None:
    """Refuse a table of other columns than those of ``fit``.

    Raises:
      ValueError: if their number or their names are others.
    """
    wanted = getattr(estimator, "n_features_in_", None)
    if points.ndim != 2 or wanted is None:
        return
    if points.shape[1] != wanted:
        raise ValueError(
            f"X has {points.shape[1]} features, but {type(estimator).__name__} is expecting "
            f"{wanted} features as input: points must have shape [N, {wanted}]"
        )
    validate_data(estimator, given, reset=False, skip_check_array=True)
