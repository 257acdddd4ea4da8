"""Checks of parameters, with their names in the message."""

from numbers import Integral
from typing import Any


def check_count(name: str, value: Any, *, optional: bool = False) -> None:
    """Refuse a parameter that is no whole number of at least 1.

    Args:
      name: of the parameter.
      value: of the parameter.
      optional: whether ``None`` is allowed.

    Raises:
      TypeError: if it is of another type; True and False are no numbers here.
      ValueError: if it is below 1.

    Example:
      >>> check_count("n_clusters", 2.5)
      Traceback (most recent call last):
        ...
      TypeError: n_clusters must be a whole number of at least 1, got 2.5 (float)
    """
    if value is None and optional:
        return
    expected = f"{name} must be a whole number of at least 1{' or None' if optional else ''}"
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise TypeError(f"{expected}, got {value!r} ({type(value).__name__})")
    if value < 1:
        raise ValueError(f"{expected}, got {value}")
