"""Start: seconds of the first answer of a process, of later ones, and of the first drawn tasks.

Claim: with kept programs a fresh process answers about 1,000 x 10 within 2 s, with none within
4.5 s; a later call takes at most .8 s with the number of clusters found and .25 s with it given;
20 tables of 20 shapes compile nothing; the broad prior's first batch is there within 15 s, that of
a mixture with labelled tables within 30 s.

    python -m experiments.bench.start             # minutes
    python -m experiments.bench.start --smoke     # one repeat, a small mixture

Every start is a process of its own, with one thread for OpenMP. The programs run one after
another in every repeat, so that a slow minute of the machine affects all. Stages of a start:
imports, reading the weights, and the call of ``fit`` without them.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator

import numpy as np

from experiments.bench.start_workers import FOUND, GIVEN
from experiments.lib.markdown import by_key, markdown_table, number
from experiments.lib.paths import ROOT
from experiments.lib.records import Record, record
from experiments.lib.runner import Options, main
from l2c_jax.training import runtime
from l2c_jax.training.program_files import VARIABLE

REPEATS = 5
TABLE = "1,000 x 10"
STAGES = ("imports", "weights", "fit", "processor")
EMPTY, FILLED = "fresh process, no programs kept", "fresh process, programs kept"
MANY = "20 tables of 20 shapes, k found and given"
OURS, OTHER = "learned", "k-means"
SOURCES = {"prior": "broad prior", "mixture": "broad prior and labelled tables"}
TARGETS = {EMPTY: 4.5, FILLED: 2.0, FOUND: 0.8, GIVEN: 0.25}
"""Seconds, at most."""
FIRST = {"prior": 15.0, "mixture": 30.0}
"""Seconds to the first batch, at most."""


def ask(program: str, folder: str, *arguments: str) -> dict:
    """What one program of :mod:`experiments.bench.start_workers` reports."""
    left_out = (*runtime.VARIABLES, "JAX_COMPILATION_CACHE_DIR", "JAX_ENABLE_COMPILATION_CACHE")
    environment = {name: value for name, value in os.environ.items() if name not in left_out}
    environment |= {VARIABLE: folder, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "experiments.bench.start_workers", program, *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env=environment, cwd=ROOT
    )
    return json.loads(done.stdout.splitlines()[-1])


def measure(options: Options) -> list[Record]:
    """All records."""
    return [*starts(options), *draws(options)]


def starts(options: Options) -> Iterator[Record]:
    """Seconds of starts and later calls, and what the many tables compiled."""
    found: dict[tuple[str, str, str], list[float]] = {}

    def keep(dataset: str, method: str, seconds: dict[str, float]) -> None:
        for metric, value in seconds.items():
            found.setdefault((dataset, method, metric), []).append(value)

    with tempfile.TemporaryDirectory() as kept:
        for repeat in range(1 if options.smoke else REPEATS):
            with tempfile.TemporaryDirectory() as nothing:
                keep(EMPTY, OURS, ask("fit", nothing))
            if repeat == 0:
                ask("fit", kept)
            keep(FILLED, OURS, ask("fit", kept))
            keep("fresh process", OTHER, ask("kmeans", kept))
            later = ask("later", kept, "2" if options.smoke else "7")
            for dataset in (FOUND, GIVEN):
                keep(dataset, OURS, {"seconds": float(np.median(later[dataset]))})
    with tempfile.TemporaryDirectory() as nothing:
        tables = ask("tables", nothing, "3" if options.smoke else "20")
    for (dataset, method, metric), values in found.items():
        name = f"{TABLE}, {dataset}"
        extra = {"median": float(np.median(values))}
        yield record("start", name, method, metric, values, seed=options.seed, extra=extra)
    for metric in ("compilations of the first calls", "compilations after"):
        values = [float(tables[metric])]
        yield record("start", MANY, OURS, metric, values, seed=options.seed)


def draws(options: Options) -> Iterator[Record]:
    """Seconds to the first batch of tasks, and tasks per second afterwards."""
    for source, dataset in SOURCES.items():
        with tempfile.TemporaryDirectory() as folder:
            done = ask("draws", folder, source, "8" if options.smoke else "256", str(options.seed))
        for metric, values in done.items():
            yield record("start", dataset, OURS, metric, values, seed=options.seed)


def render(records: list[Record]) -> str:
    """Both tables, for RESULTS.md."""
    found = by_key(records, "dataset", "method", "metric")
    rows = []
    for dataset, method in dict.fromkeys((e["dataset"], e["method"]) for e in records):
        if (dataset, method, "seconds") in found:
            stages = [found.get((dataset, method, stage)) for stage in STAGES]
            target = TARGETS.get(dataset.removeprefix(f"{TABLE}, "))
            rows.append(
                [
                    *(dataset, method),
                    number(found[dataset, method, "seconds"]["median"], 2),
                    "" if target is None else f"{target:g}",
                    *("" if stage is None else number(stage["median"], 2) for stage in stages),
                ]
            )
    drawn = [
        [
            dataset,
            number(found[dataset, OURS, "seconds to the first batch"]["mean"], 1),
            f"{FIRST[source]:g}",
            number(found[dataset, OURS, "seconds of compiling"]["mean"], 1),
            number(found[dataset, OURS, "tasks per second"]["mean"], 0),
        ]
        for source, dataset in SOURCES.items()
    ]
    before = found[MANY, OURS, "compilations of the first calls"]["mean"]
    after = found[MANY, OURS, "compilations after"]["mean"]
    header = ["", "", "seconds", "at most", *STAGES[:-1], "of all cores"]
    return (
        "## Start\n\n"
        + markdown_table(header, rows)
        + f"\n\nMedian seconds of the whole program, of its stages, and the processor's seconds "
        "on all cores, which depend less on other programs. "
        f"{MANY}: {before:g} compilations in the first call of each, {after:g} in all others.\n\n"
        + markdown_table(
            ["tasks from", "first batch, s", "at most", "of it compiling, s", "tasks per second"],
            drawn,
        )
        + "\n"
    )


if __name__ == "__main__":
    main("start", measure)
