"""The model card of the weights "universal": scores, limits and known failures."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from experiments.lib.records import Record
from l2c_jax.tabular.clusterer import TabularConfig
from l2c_jax.tabular.model import TabularModel

SHOWN = {"ARI", "exact number", "within one"}
"""Metrics in the card."""
LIMITS = (
    "1 to {num_clusters} clusters; if a number is given, exactly that many are used",
    "four views of at most {dimensions} coordinates: principal axes of the clipped columns and of "
    "their ranks, a random walk on the graph of nearest neighbors, path distances",
    "adapts to at most {sample} rows, and labels the others one by one",
    "no cluster of fewer than 4 rows is recognised, nor of less than about .4 % of a large table",
)


def card(model: TabularModel, records: Sequence[Record]) -> dict[str, Any]:
    """Scores, limits and known failures.

    Args:
      model: the weights.
      records: of ``experiments.universal.zero_shot``.

    Returns:
      ``scores``: of the learner, by data set and metric; ``limits``; ``known_failures``: data
      sets on which a baseline is better by more than two standard errors of the paired
      difference, or, of found numbers, better at all.
    """
    own = {
        (entry["dataset"], entry["metric"]): entry
        for entry in records
        if entry["method"] == "learned" and entry["metric"] in SHOWN
    }
    scores = {
        f"{dataset}: {metric}": {key: entry[key] for key in ("mean", "stderr", "n")}
        for (dataset, metric), entry in own.items()
    }
    failures = []
    for entry in records:
        mine = own.get((entry["dataset"], entry["metric"]))
        if mine is None or entry["method"] == "learned" or "preprocessing" in entry["method"]:
            continue
        gain = entry.get("gain", mine["mean"] - entry["mean"])
        if gain < -2 * entry.get("gain_stderr", 0.0) and gain < 0:
            failures.append(
                f"{entry['dataset']}: {entry['metric']} {mine['mean']:.3f}, "
                f"{entry['method']} {entry['mean']:.3f}"
            )
    config = model.learner.config
    numbers = {
        "num_clusters": config.num_clusters,
        "dimensions": config.dimensions,
        "sample": f"{TabularConfig().rows(model):,}",
    }
    limits = [limit.format(**numbers) for limit in LIMITS]
    return {"scores": scores, "limits": limits, "known_failures": failures}


def with_card(model: TabularModel, records: Sequence[Record]) -> TabularModel:
    """The model with the card in its learner's metadata; parameters are not changed.

    Args:
      model: the weights.
      records: of ``experiments.universal.zero_shot``.

    Returns:
      The model.
    """
    learner = model.learner
    extra = {**learner.metadata.extra, "card": card(model, records)}
    metadata = replace(learner.metadata, extra=extra)
    return replace(model, learner=replace(learner, metadata=metadata))
