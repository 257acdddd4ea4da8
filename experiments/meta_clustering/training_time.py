"""Training time of the learners behind the tables of the recurrent clusterer.

Claim: with two trainings at a time, on two cores, all of them take less than six hours.

    python -m experiments.meta_clustering.training_time          # reads files: seconds
    python -m experiments.meta_clustering.training_time --smoke  # the same

Minutes are read from the headers of the committed weights, and from the records, in ``--out``, of
those experiments whose weights are not committed.
"""

from collections.abc import Iterator, Mapping

import numpy as np

from experiments.lib.curriculum import PARTS
from experiments.lib.markdown import markdown_table, number
from experiments.lib.paths import WEIGHTS
from experiments.lib.records import Record, read_records, record
from experiments.lib.runner import Options, main
from l2c_jax.training.weights import read_header

COMMITTED: Mapping[str, tuple[str, ...]] = {
    "Table 1": tuple(f"table1_seed{seed}" for seed in range(3)),
    "Table 1, as in the paper": tuple(f"table1_paper_seed{seed}" for seed in range(3)),
    "Table 2": tuple(f"table2_{name}" for name in ("iris", "ukm", "mnist")),
    "Figure 3": ("figure3",),
    "synthetic tasks, before Tables 3 and 4": tuple(path.stem for path, _ in PARTS),
}
"""Names of weight files."""
RECORDED = {"Table 3": "table3", "Table 4": "table4", "Ablations": "ablations"}
"""Names of experiments."""
SHARED_START = "learned (synthetic)"
HOURS, CORES = 6, 2


def measure(options: Options) -> list[Record]:
    """Minutes of every training, a record for each table."""
    paths = {
        what: [WEIGHTS / f"{name}.safetensors" for name in names]
        for what, names in COMMITTED.items()
    }
    found = {
        what: [read_header(path)["minutes"] for path in files if path.exists()]
        for what, files in paths.items()
    }
    for what, name in RECORDED.items():
        path = options.out / f"{name}.json"
        found[what] = list(recorded(read_records(path))) if path.exists() else []
    return [
        record(
            *("training_time", what, "learned", "minutes", minutes),
            seed=options.seed,
            extra={"total": float(np.sum(minutes))},
        )
        for what, minutes in found.items()
        if minutes
    ]


def recorded(records: list[Record]) -> Iterator[float]:
    """Training minutes in records, without the learner that all splits start from."""
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
        + markdown_table(["learners of", "learners", "minutes of one core, sum"], rows)
        + f"\n\n{number(hours, 1)} hours of one core; with two trainings at a time on {CORES} "
        f"cores {number(hours / CORES, 1)} hours, {verdict} than {HOURS}. The weights "
        '"universal" are not included; none of these tables needs them.\n'
    )


if __name__ == "__main__":
    main("training_time", measure)
