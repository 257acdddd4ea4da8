"""The packaged weights at every size: far blobs, no structure, rare clusters, wild cells."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from tqdm import tqdm

from experiments.lib.markdown import markdown_table, measured, number
from experiments.lib.records import Record, record
from experiments.lib.runner import Options
from experiments.universal.common import cache_name, labels_of, run_config_of
from l2c_jax.metrics import adjusted_rand_index
from l2c_jax.tabular.model import TabularModel

EXACT, INDEX = "exact number", "ARI"
RARE = {"990 + 10": (990, 10), "980 + 10 + 10": (980, 10, 10), "400 + 4": (400, 4)}
RARE |= {"500 + 50 + 20": (500, 50, 20)}
AIMS = {"far blobs": 0.95, "no structure": 0.8, "rare": 0.98, "wild cell": 0.95}


def measure(model: TabularModel, options: Options) -> list[Record]:
    """All four parts, cached one by one."""
    records = []
    parts: list[tuple[str, Callable[[TabularModel, Options], dict[str, list[float]]], str]] = [
        ("far blobs", far_blobs, EXACT),
        ("no structure", no_structure, EXACT),
        ("rare", rare, INDEX),
        ("wild cell", wild_cell, INDEX),
    ]
    for name, compute, metric in tqdm(parts, desc="sizes"):
        config = run_config_of(model)
        bound = partial(compute, model, options)
        found = options.cache.json(cache_name("sizes", name, options), config, bound)
        for dataset, values in found.items():
            records.append(
                record(
                    *("zero_shot", f"{name}: {dataset}", "learned", metric, values),
                    seed=options.seed,
                )
            )
    return records


def far_blobs(model: TabularModel, options: Options) -> dict[str, list[float]]:
    """How often 2 to 6 blobs, 12 deviations apart, are counted right, by number of rows."""
    rng = np.random.default_rng(options.seed)
    found: dict[str, list[float]] = {}
    for rows in (60,) if options.smoke else (60, 200, 1000, 2000, 20_000):
        for k in (2, 3, 4, 5, 6):
            for _ in range(1 if options.smoke else 4):
                centers = _apart(rng, k)
                labels = np.arange(rows) % k
                points = rng.normal(size=(rows, 2)) + 12 * centers[labels]
                answer = labels_of(model, points, None, options.seed)
                found.setdefault(f"{rows:,} rows", []).append(float(answer.max() + 1 == k))
    return found


def _apart(rng: np.random.Generator, k: int) -> np.ndarray:
    """``[k, 2]``, no two closer than .7."""
    while True:
        centers = rng.normal(size=(k, 2))
        gaps = np.linalg.norm(centers[:, None] - centers[None], axis=2) + 9 * np.eye(k)
        if gaps.min() > 0.7:
            return centers


def no_structure(model: TabularModel, options: Options) -> dict[str, list[float]]:
    """How often uniform noise and one Gaussian of 300 rows are one cluster."""
    rng = np.random.default_rng(options.seed)
    found: dict[str, list[float]] = {}
    for columns in (2, 5):
        for name, draw in (("uniform", rng.uniform), ("Gaussian", rng.normal)):
            for _ in range(2 if options.smoke else 10):
                answer = labels_of(model, draw(size=(300, columns)), None, options.seed)
                found.setdefault(f"{name}, {columns} columns", []).append(float(answer.max() == 0))
    return found


def rare(model: TabularModel, options: Options) -> dict[str, list[float]]:
    """ARI with k given for clusters of 1 % of the rows, 20 deviations away."""
    rng = np.random.default_rng(options.seed)
    found: dict[str, list[float]] = {}
    for name, sizes in RARE.items():
        for columns in (2, 5):
            for _ in range(1 if options.smoke else 5):
                labels = np.repeat(np.arange(len(sizes)), sizes)
                centers = 20 * np.linalg.qr(rng.normal(size=(columns, columns)))[0]
                centers = np.concatenate([np.zeros((1, columns)), centers])[: len(sizes)]
                points = rng.normal(size=(len(labels), columns)) + centers[labels]
                answer = labels_of(model, points, len(sizes), options.seed)
                found.setdefault(name, []).append(adjusted_rand_index(labels, answer))
    return found


def wild_cell(model: TabularModel, options: Options) -> dict[str, list[float]]:
    """ARI of three clusters in which one cell is far away."""
    rng = np.random.default_rng(options.seed)
    found: dict[str, list[float]] = {}
    for size in (1e3, 1e6, 1e9):
        for columns in (2, 5):
            for _ in range(1 if options.smoke else 5):
                labels = np.arange(120) % 3
                centers = (
                    5 * np.eye(3, columns) if columns > 2 else np.array([[0, 0], [5, 0], [0, 5]])
                )
                points = 0.3 * rng.normal(size=(120, columns)) + centers[labels]
                points[7, 0] = size
                answer = labels_of(model, points, 3, options.seed)
                found.setdefault(f"{size:g}", []).append(adjusted_rand_index(labels, answer))
    return found


def render(records: list[Record]) -> str:
    """The table, for RESULTS.md."""
    chosen = [entry for entry in records if entry["dataset"].split(": ")[0] in AIMS]
    body = [
        [entry["dataset"], entry["metric"], measured(entry, 2), str(entry["n"])]
        for entry in chosen
    ]
    return (
        '## "universal" at every size\n\n'
        + markdown_table(["data", "metric", "learned", "n"], body)
        + "\n\nFar blobs and no structure: k is found. Rare clusters (20 standard deviations "
        f"away) and three clusters with one wild cell: k is given. {' '.join(_aims(chosen))}\n"
    )


def _aims(chosen: list[Record]) -> Iterator[str]:
    for name, least in AIMS.items():
        own = [entry for entry in chosen if entry["dataset"].startswith(f"{name}: ")]
        mean = float(np.average([e["mean"] for e in own], weights=[e["n"] for e in own]))
        word = "reached" if mean >= least else "missed"
        yield f"Aim for {name}, {number(least, 2)} in the mean: {word} ({number(mean, 2)})."
