"""The packaged weights: stability of their partitions, and durations."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from tqdm import tqdm

from experiments.lib.baselines import BASELINES
from experiments.lib.data import LabelledTable
from experiments.lib.markdown import markdown_table, measured, number
from experiments.lib.records import Record, record
from experiments.lib.runner import Options
from experiments.universal.common import SETTINGS, cache_name, labels_of, run_config_of
from l2c_jax.metrics import adjusted_rand_index
from l2c_jax.tabular.clusterer import adapt_table, predict_table
from l2c_jax.tabular.model import TabularModel
from l2c_jax.training import runtime
from l2c_jax.training.weights import content_hash

EVERY = 10
"""All methods are timed on every tenth table."""
REAL = "a real table"
DIFFERENCE = "difference of the ARI, two seeds"
AIM = 0.01
"""For that difference on real tables, in the mean."""
FRESH = """
import time
start = time.perf_counter()
import numpy as np
from l2c_jax.training import runtime
runtime.use_compilation_cache()
from l2c_jax.estimators.meta_clusterer import MetaClusterer
MetaClusterer(random_state=0).fit_predict(np.random.default_rng(0).normal(size=(1000, 10)))
print(time.perf_counter() - start)
"""


def measure(model: TabularModel, tables: list[LabelledTable], options: Options) -> list[Record]:
    """Stability on the tables and on separated clusters; seconds."""
    return [
        *stability(model, tables, options),
        *seconds_of_all(model, tables[::EVERY], options),
        *seconds(model, options),
    ]


def stability(
    model: TabularModel, tables: list[LabelledTable], options: Options
) -> Iterator[Record]:
    """ARI between the partitions of a table and of the same table changed; cached."""
    rng = np.random.default_rng(options.seed)
    separated = [
        blobs(rng, model.learner.config.num_clusters) for _ in range(2 if options.smoke else 30)
    ]
    real = [(table.points, table.labels) for table in tables]
    for dataset, clouds in {"separated clusters": separated, "real tables": real}.items():
        config = {**run_config_of(model), "clouds": content_hash(clouds)}
        compute = partial(unchanged, dataset, clouds, model, options.seed)
        found = options.cache.json(cache_name("stability", dataset, options), config, compute)
        names = [table.name for table in tables] if clouds is real else [""] * len(clouds)
        off = found.pop(DIFFERENCE)
        yield record(
            "zero_shot", f"seeds, {dataset}", "learned", DIFFERENCE, off, seed=options.seed
        )
        for change, values in found.items():
            equal = np.array(values) == 1
            others = [name for name, same in zip(names, equal, strict=True) if name and not same]
            extra = {"identical": float(np.mean(equal)), "others": others}
            yield record(
                "zero_shot",
                f"stability, {dataset}",
                "learned",
                f"ARI after {change}",
                values,
                seed=options.seed,
                extra=extra,
            )


def unchanged(
    name: str, clouds: list[tuple[np.ndarray, np.ndarray]], model: TabularModel, seed: int
) -> dict[str, list[float]]:
    """ARI between the partitions before and after each change, by change and cloud; and how much
    the ARI with the labels differs between two seeds."""
    rng = np.random.default_rng(seed)
    found: dict[str, list[float]] = {}
    for points, labels in tqdm(clouds, desc=f"stability, {name}"):
        k = len(np.unique(labels))
        first = labels_of(model, points, k, seed)
        columns, rows = rng.permutation(points.shape[1]), rng.permutation(len(points))
        unit = 10 ** rng.uniform(-3, 3, points.shape[1])
        moved = ((points + rng.normal(size=points.shape[1])) * unit)[:, columns]
        answers = {
            "columns shifted, scaled and reordered": labels_of(model, moved, k, seed),
            "rows shuffled": labels_of(model, points[rows], k, seed)[np.argsort(rows)],
            "another seed of the orders": labels_of(model, points, k, seed + 1),
        }
        for change, answer in answers.items():
            found.setdefault(change, []).append(adjusted_rand_index(first, answer))
        one, other = (adjusted_rand_index(labels, answer) for answer in (first, answer))
        found.setdefault(DIFFERENCE, []).append(abs(one - other))
    return found


def blobs(rng: np.random.Generator, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Well separated round clusters, and their labels."""
    k = int(rng.integers(2, min(6, most) + 1))
    labels = np.arange(300) % k
    return rng.normal(size=(300, 5)) + 6 * rng.normal(size=(k, 5))[labels], labels


def seconds_of_all(
    model: TabularModel, tables: list[LabelledTable], options: Options
) -> Iterator[Record]:
    """Duration of every method on one table, the number of classes given."""
    methods: dict[str, Callable[[np.ndarray, int], Any]] = {
        "learned": lambda points, k: labels_of(model, points, k, options.seed)
    }
    for name, parameters in {**SETTINGS, "HDBSCAN": {}}.items():
        methods[name] = partial(BASELINES[name], seed=options.seed, **parameters)
    for name, method in methods.items():
        times = []
        for table in tqdm(tables, desc=f"seconds, {name}", leave=False):
            if name == "learned":  # compiled for tables of this size
                method(table.points, table.num_clusters)
            start = time.perf_counter()
            method(table.points, table.num_clusters)
            times.append(time.perf_counter() - start)
        yield record("zero_shot", REAL, name, "seconds", times, seed=options.seed)


def seconds(model: TabularModel, options: Options) -> Iterator[Record]:
    """Duration of adapting and labelling: compiled, for a large table, and in a fresh process."""
    rng = np.random.default_rng(options.seed)

    def answer(rows: int, k: int | None = None) -> float:
        table = rng.normal(size=(rows, 10))
        start = time.perf_counter()
        adapted = adapt_table(model, table, k)
        predict_table(model, adapted, table)
        return time.perf_counter() - start

    size = 100 if options.smoke else 1000
    answer(size)
    shared: dict[str, Any] = {"seed": options.seed}
    repeats = 2 if options.smoke else 7
    times = [answer(size) for _ in range(repeats)]
    yield record("zero_shot", "1,000 x 10, warm", "learned", "seconds", times, **shared)
    answer(size, 3)
    times = [answer(size, 3) for _ in range(repeats)]
    yield record("zero_shot", "1,000 x 10, warm, k given", "learned", "seconds", times, **shared)
    if options.smoke:
        return
    large = [answer(1_000_000)]
    yield record("zero_shot", "1,000,000 x 10, warm", "learned", "seconds", large, **shared)
    with tempfile.TemporaryDirectory() as folder:
        for name in ("empty", "filled"):
            dataset = f"1,000 x 10, fresh process, compilation cache {name}"
            times = [fresh(folder) for _ in range(1 if name == "empty" else 3)]
            yield record("zero_shot", dataset, "learned", "seconds", times, **shared)


def fresh(cache: str) -> float:
    """Seconds from import to answer in a new process."""
    environment = {k: v for k, v in os.environ.items() if k not in runtime.VARIABLES}
    environment["JAX_COMPILATION_CACHE_DIR"] = cache
    done = subprocess.run(
        [sys.executable, "-c", FRESH], capture_output=True, text=True, check=True, env=environment
    )
    return float(done.stdout.split()[-1])


def exceptions(stable: list[Record]) -> str:
    """The tables whose partition depends on the order of columns or rows, in words."""
    moved = [
        entry for entry in stable if "columns" in entry["metric"] or "rows" in entry["metric"]
    ]
    names = sorted({name for entry in moved for name in entry["others"]})
    if not names:
        return "The partition of no table depends on units or order."
    return (
        f"Tables whose partition depends on the order of columns or rows: {', '.join(names)}. If "
        "columns have equal moments, as in full factorial designs, the principal axes are not "
        "unique."
    )


def _seeds(records: list[Record]) -> str:
    """How much the index of a table depends on the seed, in words."""
    found = next(e for e in records if e["dataset"] == "seeds, real tables")
    word = "reached" if found["mean"] <= AIM else "missed"
    return (
        "Between two seeds of the orders, the ARI with the classes of a real table differs by "
        f"{measured(found)} in the mean; aim {number(AIM, 2)}: {word}."
    )


def render(records: list[Record]) -> str:
    """Both tables, for RESULTS.md."""
    stable = [entry for entry in records if entry["dataset"].startswith("stability, ")]
    body = [
        [
            entry["dataset"].removeprefix("stability, "),
            entry["metric"].removeprefix("ARI after "),
            measured(entry),
            number(100 * entry["identical"], 0),
            str(entry["n"]),
        ]
        for entry in stable
    ]
    timed = [entry for entry in records if entry["metric"] == "seconds"]
    methods = [[e["method"], measured(e, 2)] for e in timed if e["dataset"] == REAL]
    count = next((e["n"] for e in timed if e["dataset"] == REAL), 0)
    times = [[e["dataset"], measured(e, 2)] for e in timed if e["dataset"] != REAL]
    header = ["data", "change", "ARI of both partitions", "identical, %", "n"]
    return (
        '## "universal": stability and durations\n\n'
        + markdown_table(header, body)
        + "\n\nThe number of clusters is given. Only the last change is meant to change the "
        f"result. {exceptions(stable)} {_seeds(records)}\n\n"
        + markdown_table(["table", "seconds"], times)
        + "\n\nThe number of clusters is found, unless it is given.\n\n"
        + markdown_table(["method", "seconds per table"], methods)
        + f"\n\nMean over {count} of the real tables, the number of classes given. Compilation of "
        "the learner, once per padded size of a table, is not included.\n"
    )
