"""Shared by the parts of ``zero_shot``: labels, cache entries, counts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from experiments.lib.cache import file_name
from experiments.lib.records import Record, record
from experiments.lib.runner import Options
from l2c_jax.tabular.clusterer import TabularConfig, adapt_table, predict_table
from l2c_jax.tabular.model import TabularModel
from l2c_jax.training.weights import content_hash

SETTINGS: dict[str, dict[str, Any]] = {
    "k-means": {},
    "Gaussian mixture": {},
    "spectral": {"neighbours": 10},
    "Ward": {},
    "Genie": {},
}
"""Baselines that are given the number of clusters, each with one setting for all data sets."""


def labels_of(model: TabularModel, points: np.ndarray, k: int | None, seed: int) -> np.ndarray:
    """``[N]`` labels, as ``MetaClusterer(k).fit_predict`` gives them; ``k=None``: k is found."""
    adapted = adapt_table(model, points, k, seed=seed)
    return predict_table(model, adapted, points).argmax(axis=1)


def run_config_of(model: TabularModel) -> dict[str, Any]:
    """All that the labels of a table follow from, except for the table."""
    return {"learner": content_hash(model), "reading": asdict(TabularConfig())}


def cache_name(part: str, name: str, options: Options) -> str:
    """The name of a part of the work in the cache."""
    return f"zero_shot/seed{options.seed}/{part}/{file_name(name)}"


def counted(
    dataset: str, found: Mapping[str, Sequence[int]], options: Options
) -> Iterator[Record]:
    """How often the number of clusters is exact, and within one.

    Args:
      dataset: of the records.
      found: numbers by method, and the true ones as ``truth``.
      options: with the seed.

    Yields:
      The records, method by method.
    """
    for name, numbers in found.items():
        if name == "truth":
            continue
        off = np.abs(np.array(numbers) - np.array(found["truth"]))
        shared: dict[str, Any] = {"seed": options.seed}
        yield record("zero_shot", dataset, name, "exact number", off == 0, **shared)
        yield record("zero_shot", dataset, name, "within one", off <= 1, **shared)
