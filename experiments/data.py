"""Real data for the experiments, from a folder on this machine."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from l2c_jax.io.tables import standardised

ROOT = Path(__file__).parent.parent


class LabelledTable(NamedTuple):
    """A table with the class of each row."""

    name: str
    points: np.ndarray  # [N, D] float64, columns standardised
    labels: np.ndarray  # [N] int
    num_clusters: int  # K, classes among the rows


class RawTable(NamedTuple):
    """A table as it was collected, with the class of each row."""

    name: str
    points: np.ndarray  # [N, D] float64, NaN where missing; categories are numbered
    labels: np.ndarray  # [N] int in 0..K-1


def data_folder() -> Path:
    """Where the data lie: ``$L2C_DATA``, or ``shared/data`` beside the repository.

    Raises:
      FileNotFoundError: if neither is there.
    """
    for folder in (os.environ.get("L2C_DATA"), ROOT.parent / "shared" / "data"):
        if folder and Path(folder).is_dir():
            return Path(folder)
    raise FileNotFoundError("no data: set L2C_DATA to the folder that has tabular.npz")


def raw_tables(suits: Callable[[Mapping[str, Any]], bool]) -> Iterator[RawTable]:
    """The labelled tables of ``tabular.npz``, as they are.

    Args:
      suits: whether a table is wanted, from its entry in ``tabular_index.json``: among others
        its name ``key``, rows ``n``, columns ``d``, classes ``k``, and ``class_counts``.

    Yields:
      One table after another, in the order of the index.
    """
    folder = data_folder()
    index = json.loads((folder / "tabular_index.json").read_text())
    with np.load(folder / "tabular.npz") as arrays:
        for entry in filter(suits, index):
            points = arrays[f"{entry['key']}/X"].astype(np.float64)
            labels = np.unique(arrays[f"{entry['key']}/y"], return_inverse=True)[1]
            yield RawTable(entry["key"], points, labels)


def development_tables(
    *, most_points: int = 1000, most_clusters: int = 10, seed: int = 0
) -> Iterator[LabelledTable]:
    """The real labelled tables of ``tabular.npz``.

    Missing values become their column's mean, every column gets mean 0 and variance 1, constant
    columns are left out.

    Args:
      most_points: larger tables are sampled down to this, uniformly.
      most_clusters: tables of more classes are left out, and those of one.
      seed: of the sampling.

    Yields:
      One table after another.
    """
    for name, points, labels in raw_tables(lambda entry: 2 <= entry["k"] <= most_clusters):
        rows = np.random.default_rng(seed).permutation(len(points))[:most_points]
        points, labels = points[rows], np.unique(labels[rows], return_inverse=True)[1]
        means = np.nan_to_num(np.nanmean(points, axis=0))
        points = standardised(np.where(np.isnan(points), means, points))
        points = points[:, points.std(axis=0) > 0]
        if points.shape[1]:
            yield LabelledTable(name, points, labels, int(labels.max()) + 1)
