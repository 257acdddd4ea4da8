"""Task distributions as JSON, for headers and run configurations, and back."""

from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from typing import Any

from l2c_jax.tasks.base import TaskDistribution
from l2c_jax.tasks.gaussian import GaussianTasks
from l2c_jax.tasks.mixture import TaskMixture
from l2c_jax.tasks.prior import BroadPrior
from l2c_jax.tasks.tables import TableTasks
from l2c_jax.training.weights import content_hash

_KINDS = {"GaussianTasks": GaussianTasks, "BroadPrior": BroadPrior}
_RELEASE1 = {
    "swirls": "num_swirls",
    "count_weights": "num_clusters_weights",
    "gaussian": "gaussian_weight",
    "heavy_tails": "heavy_tails_weight",
    "skewed": "skewed_weight",
    "uniform": "uniform_weight",
    "rings": "rings_weight",
    "moons": "moons_weight",
    "unequal": "size_imbalance",
    "swirled": "swirled_prob",
    "warped": "warped_prob",
    "bent_columns": "skewed_columns_prob",
    "discretised": "discretized_columns_prob",
    "irrelevant": "irrelevant_columns_prob",
    "outliers": "outliers_prob",
}


def describe(distribution: TaskDistribution) -> dict[str, Any]:
    """A distribution as JSON can hold it.

    Args:
      distribution: any. Tables are named by the content hash of their pool; a foreign object by
        its fields if it is a dataclass, or else by its ``repr``.

    Returns:
      ``{"kind": name of the class, ...}``.

    Example:
      >>> describe(GaussianTasks(num_points=50))["kind"]
      'GaussianTasks'
    """
    kind = {"kind": type(distribution).__name__}
    if isinstance(distribution, TableTasks):
        own = [f.name for f in fields(distribution) if f.name != "pool"]
        numbers = {name: getattr(distribution, name) for name in own}
        return {**kind, **numbers, "pool": content_hash(distribution.pool)}
    if isinstance(distribution, TaskMixture):
        parts = [describe(part) for part in distribution.distributions]
        return {**kind, "weights": list(distribution.weights), "distributions": parts}
    if is_dataclass(distribution) and not isinstance(distribution, type):
        return {**kind, **asdict(distribution)}
    sizes = {name: getattr(distribution, name) for name in ("num_points", "dimensions")}
    sizes["num_clusters"] = distribution.num_clusters
    plain = type(distribution).__repr__ is object.__repr__  # has a memory address in it
    return {**kind, **sizes} | ({} if plain else {"repr": repr(distribution)})


def from_description(description: Mapping[str, Any]) -> TaskDistribution | None:
    """A distribution from its description, or from the header of a weight file of release 1.

    Args:
      description: from :func:`describe`, or the ``tasks`` of an old header.

    Returns:
      The distribution; ``None`` for tables, mixtures and foreign objects, whose data no header
      holds.

    Example:
      >>> from_description({"kind": "GaussianTasks", "num_points": 50}).num_points
      50
      >>> from_description({"num_points": 50, "theta": 2.0, "swirls": 1}).num_swirls
      1
    """
    found = dict(description)
    kind = found.pop("kind", None)
    if kind is None:
        kind = next(
            (name for mark, name in (("theta", "GaussianTasks"), ("unequal", "BroadPrior"))
             if mark in found),
            None,
        )  # fmt: skip
        found = {_RELEASE1.get(name, name): value for name, value in found.items()}
    if kind not in _KINDS:
        return None
    lists = {k: tuple(v) if isinstance(v, list) else v for k, v in found.items()}
    try:
        return _KINDS[kind](**lists)
    except TypeError:  # of another version
        return None
