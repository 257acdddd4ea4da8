"""Deprecated: backbones live in :mod:`l2c_jax.pairwise.backbones` since version 0.2."""

import warnings
from typing import Any

from l2c_jax.pairwise import backbones, points

_NAMES = {
    "MLP": backbones.MLP,
    "VGGS": backbones.VGGS,
    "default_trunk": backbones.default_backbone,
    "as_float": points.as_float,
    "checked_points": points.checked_points,
}


def __getattr__(name: str) -> Any:
    """A name of release 1, with a warning."""
    if name not in _NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    new: Any = _NAMES[name]
    text = f"{__name__}.{name} is {new.__module__}.{new.__name__} now"
    warnings.warn(text, DeprecationWarning, stacklevel=2)
    return new
