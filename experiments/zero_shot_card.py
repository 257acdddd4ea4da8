"""The model card of the packaged weights, in their header: what they can do, where they fail."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from l2c_jax.recurrent.learner import Learner, load_learner, save_learner
from l2c_jax.report import Record
from l2c_jax.tabular.clusterer import SAMPLE

SHOWN = {"ARI", "exact number", "within one"}
"""Metrics that the card tells."""
LIMITS = (
    "1 to {num_clusters} clusters; asked for a given number it uses exactly that many",
    "reads the first {dimensions} principal axes of the standardised columns, their tails cut "
    "off; what only shows on later axes is lost",
    "studies at most {sample} rows, drawn at random, and labels the others one by one",
    "numbers only: categories have to be encoded, missing values filled in",
    "P(k | X) is calibrated on its prior, which no real table need be like",
)


def card(learner: Learner, records: Sequence[Record]) -> dict[str, Any]:
    """Scores, limits and known failures.

    Args:
      learner: the weights.
      records: of ``experiments.zero_shot``.

    Returns:
      ``scores``: of the learner, by data set and metric; ``limits``; ``known_failures``: data
      sets on which a designed method is better by more than two standard errors of the paired
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
        if mine is None or entry["method"] == "learned" or "frame" in entry["method"]:
            continue
        gain = entry.get("gain", mine["mean"] - entry["mean"])
        if gain < -2 * entry.get("gain_stderr", 0.0) and gain < 0:
            failures.append(
                f"{entry['dataset']}: {entry['metric']} {mine['mean']:.3f}, "
                f"{entry['method']} {entry['mean']:.3f}"
            )
    model = learner.model
    told = {
        "num_clusters": model.num_clusters,
        "dimensions": model.dimensions,
        "sample": f"{SAMPLE:,}",
    }
    limits = [limit.format(**told) for limit in LIMITS]
    return {"scores": scores, "limits": limits, "known_failures": failures}


def write_card(path: Path, records: Sequence[Record]) -> None:
    """Put the card into the header of a weight file; the weights stay as they are.

    Args:
      path: the file.
      records: of ``experiments.zero_shot``.
    """
    learner = load_learner(path)
    header = {**learner.header, "card": card(learner, records)}
    save_learner(path, learner._replace(header=header))
