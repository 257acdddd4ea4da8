"""Baselines over grids of settings: the best one, and whether it lies at the edge of its grid."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from experiments.lib.baselines import BASELINES
from l2c_jax.metrics import error_rate

Setting: TypeAlias = Mapping[str, Any]
"""Parameters of a baseline by name."""
ORACLE_ROW = "DBSCAN (oracle parameters)"
"""DBSCAN with, for each sample, the setting of least error on that sample: no user can know it."""
QUICK_DEC = {"hidden": (8,), "pretraining": 2, "finetuning": 2, "interval": 2, "refreshes": 1}
"""DEC's parameters in smoke runs."""


class Sample(NamedTuple):
    """One labelled data set for the baselines."""

    points: np.ndarray  # [N, D] float64
    labels: np.ndarray  # [N] int, 0 ... K-1
    num_clusters: int  # K
    seed: int  # of the starts


def errors_of(method: str, setting: Setting, samples: Sequence[Sample]) -> np.ndarray:
    """``[n]`` errors of one baseline with one setting on n samples."""
    cluster = BASELINES[method]
    errors = [
        error_rate(
            sample.labels, cluster(sample.points, sample.num_clusters, sample.seed, **setting)
        )
        for sample in samples
    ]
    return np.array(errors)


def best_of(method: str, grid: Sequence[Setting], samples: Sequence[Sample]) -> Setting:
    """The setting of least mean error on some samples; a grid of one setting is not tried."""
    if len(grid) == 1:
        return grid[0]
    means = [errors_of(method, setting, samples).mean() for setting in grid]
    return grid[int(np.argmin(means))]


def oracle_errors(method: str, grid: Sequence[Setting], samples: Sequence[Sample]) -> np.ndarray:
    """``[n]`` errors where every sample has its own best setting, chosen by its labels."""
    return np.min([errors_of(method, setting, samples) for setting in grid], axis=0)


def at_edge(grid: Sequence[Setting], chosen: Setting) -> list[str]:
    """The numeric parameters of a setting with the least or largest value of the grid.

    Parameters with fewer than three values in the grid do not count.

    Example:
      >>> grid = [{"eps": eps, "n": n} for eps in (0.1, 0.2, 0.3) for n in (5, 10, 20)]
      >>> at_edge(grid, {"eps": 0.2, "n": 20})
      ['n=20']
    """
    found = []
    for name, value in chosen.items():
        tried = sorted({setting[name] for setting in grid if name in setting})
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if number and len(tried) > 2 and value in (tried[0], tried[-1]):
            found.append(f"{name}={value}")
    return found
