"""Records: one line of a results file, and the files."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from l2c_jax.atomic import replacing
from l2c_jax.types import ArrayLike

Record: TypeAlias = dict[str, Any]
"""One line of a results file: what was measured, its mean, standard error and count."""

RENAMED = {
    "(in the learner's frame)": "(learner's preprocessing)",
    "(own frame)": "(own preprocessing)",
    "(raw frame)": "(raw coordinates)",
    "(one visiting order)": "(one order)",
    " visiting order": " order",
    "the visiting orders": "the orders",
    "(one pass)": "(one epoch)",
    "(four passes)": "(four epochs)",
    "k told": "k given",
}
"""Words in records of release 1, and what they are called now."""


def summary(values: ArrayLike | Sequence[float]) -> dict[str, Any]:
    """Mean, standard error of the mean, and number of values.

    Example:
      >>> summary([1.0, 3.0])
      {'mean': 2.0, 'stderr': 1.0, 'n': 2}
    """
    found = np.asarray(values, np.float64)
    stderr = float(found.std(ddof=1) / np.sqrt(found.size)) if found.size > 1 else None
    return {"mean": float(found.mean()), "stderr": stderr, "n": int(found.size)}


def record(
    experiment: str,
    dataset: str,
    method: str,
    metric: str,
    values: ArrayLike | Sequence[float],
    *,
    seed: int,
    extra: Mapping[str, Any] | None = None,
) -> Record:
    """One line of a results file.

    Args:
      experiment: name of the experiment, a key of :data:`experiments.lib.registry.MODULES`.
      dataset: what was clustered.
      method: the clusterer; variants in brackets.
      metric: a name of :data:`l2c_jax.metrics.METRICS`, or another with its unit.
      values: ``[n]``, one number per task, run or split.
      seed: the seed of the values.
      extra: ``paper``, the paper's number if it has one, and any other field of the record.

    Returns:
      A dictionary for JSON.
    """
    return {
        "experiment": experiment,
        "dataset": dataset,
        "method": method,
        "metric": metric,
        **summary(values),
        "paper": None,
        "seed": seed,
        **(extra or {}),
    }


def write_records(path: str | Path, records: Sequence[Record]) -> None:
    """Write a results file: a JSON list with one record per line."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(json.dumps(record) for record in records)
    with replacing(path) as draft:
        draft.write_text(f"[\n{lines}\n]\n")


def read_records(path: str | Path) -> list[Record]:
    """Read a results file; names of release 1 are replaced by today's (:data:`RENAMED`)."""
    return [_renamed(entry) for entry in json.loads(Path(path).read_text())]


def _renamed(entry: Mapping[str, Any]) -> Record:
    found = dict(entry)
    for field in ("dataset", "method", "metric", "against"):
        for old, new in RENAMED.items():
            if field in found:
                found[field] = found[field].replace(old, new)
    return found
