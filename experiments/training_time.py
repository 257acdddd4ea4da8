"""How long the learners of the recurrent clusterer's tables were trained.

Claim: one after another on each of two cores, all of them take less than six hours.

    python -m experiments.training_time          # reads headers and records: seconds
    python -m experiments.training_time --smoke  # the same

Minutes are those in the headers of the shipped weights, and in the records of experiments that
ship only some of theirs, or none; those are read where this one's record goes.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from experiments.harness import WEIGHTS, Options, main
from experiments.real_training import PARTS
from l2c_jax.evaluate import record
from l2c_jax.report import Record, markdown_table, number, read_records
from l2c_jax.training.weights import read_header

SHIPPED: Mapping[str, tuple[Path, ...]] = {
    "Table 1": tuple(WEIGHTS / f"table1_seed{seed}.safetensors" for seed in range(3)),
    "Table 2": tuple(WEIGHTS / f"table2_{name}.safetensors" for name in ("iris", "ukm", "mnist")),
    "Figure 3": (WEIGHTS / "figure3.safetensors",),
    "synthetic tasks, from where Tables 3 and 4 go on": tuple(path for path, *_ in PARTS),
}
RECORDED = {"Table 3": "table3", "Table 4": "table4", "Ablations": "ablations"}
SHARED_START = "learned (synthetic)"
HOURS, CORES = 6, 2


def measure(options: Options) -> list[Record]:
    """Minutes of every learner, a record for what they were trained for."""
    found = {
        what: [read_header(path)["minutes"] for path in paths if path.exists()]
        for what, paths in SHIPPED.items()
    }
    for what, name in RECORDED.items():
        path = options.out / f"{name}.json"
        found[what] = list(told(read_records(path))) if path.exists() else []
    return [
        record(
            *("training_time", what, "learned", "minutes", minutes),
            seed=options.seed,
            extra={"total": float(np.sum(minutes))},
        )
        for what, minutes in found.items()
        if minutes
    ]


def told(records: list[Record]) -> Iterator[float]:
    """Training minutes that records tell of, but for the learner that all splits begin from."""
    for entry in records:
        if entry["method"] != SHARED_START:
            yield from entry.get("training_minutes", ())


def render(records: list[Record]) -> str:
    """The table, for RESULTS.md."""
    rows = [[r["dataset"], str(r["n"]), number(r["total"], 0)] for r in records]
    hours = sum(r["total"] for r in records) / 60
    verdict = "less" if hours / CORES < HOURS else "not less"
    return (
        "## Training time\n\n"
        + markdown_table(["learners of", "learners", "minutes of one core, all together"], rows)
        + f"\n\n{number(hours, 1)} hours of one core; two trainings at a time on {CORES} cores, "
        f"as these were made, {number(hours / CORES, 1)} hours, {verdict} than {HOURS}. "
        'Not in it: the weights "universal", which none of these tables needs.\n'
    )


if __name__ == "__main__":
    main("training_time", (__doc__ or "").split("\n")[0], measure)
