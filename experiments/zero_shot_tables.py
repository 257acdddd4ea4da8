"""The packaged weights on real tables: the number of classes told, and left to be found."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import rankdata
from tqdm import tqdm

from experiments.data import LabelledTable
from experiments.harness import RUNS, Options
from experiments.kept import Answer, file_name, kept_arrays
from l2c_jax.baselines import BASELINES
from l2c_jax.baselines.counts import COUNTS
from l2c_jax.evaluate import record
from l2c_jax.metrics import adjusted_rand_index
from l2c_jax.recurrent.learner import Learner
from l2c_jax.recurrent.model import ModelConfig
from l2c_jax.recurrent.table import label_table, study_table
from l2c_jax.recurrent.table_frame import enter_frame, table_frame
from l2c_jax.report import Record, markdown_table, measured, number
from l2c_jax.weights import fingerprint

TOLD: dict[str, dict[str, Any]] = {
    "k-means": {},
    "Gaussian mixture": {},
    "spectral": {"neighbours": 10},
    "Ward": {},
    "DEC": {"dropout": 0.0},
}
"""Baselines that are told the number of classes, each at one setting for all tables."""
GUESSED = {"k-means": "silhouette", "Gaussian mixture": "BIC", "k-means (gap)": "gap"}
FRAME = "in the learner's frame"
RESAMPLES = 10_000
SMOKE = {"hidden": (8,), "pretraining": 2, "finetuning": 2, "interval": 2, "refreshes": 1}


def measure(learner: Learner, tables: list[LabelledTable], options: Options) -> list[Record]:
    """Scores of every method on every table."""
    told, guessed = [], []
    counts: dict[str, list[int]] = {"truth": [table.num_clusters for table in tables]}
    for table in tqdm(tables, desc="tables"):
        found = {**learned(table, learner, options), **designed(table, learner.model, options)}
        told.append(agreement(table, _part(found, "told")))
        guesses = _part(found, "found")
        guessed.append(agreement(table, guesses))
        for name, labels in guesses.items():
            counts.setdefault(name, []).append(len(np.unique(labels[labels >= 0])))
    return [
        *compared("real tables, k told", tables, told, options),
        *compared("real tables, k found", tables, guessed, options),
        *counted("real tables, k found", counts, options),
    ]


def learned(table: LabelledTable, learner: Learner, options: Options) -> Answer:
    """Labels ``[N]`` of the learner, as ``told/learned`` and ``found/learned``; kept."""

    def compute() -> Answer:
        told = {"told": table.num_clusters, "found": None}
        return {
            f"{part}/learned": labels_of(learner, table.points, k, options.seed)
            for part, k in told.items()
        }

    story = {
        "points": fingerprint(table.points),
        "clusters": table.num_clusters,
        "learner": fingerprint(learner.params),
    }
    return kept_arrays(place("learned", table.name, options), story, compute)


def designed(table: LabelledTable, model: ModelConfig, options: Options) -> Answer:
    """Labels ``[N]`` of every baseline, as ``told/METHOD`` and ``found/METHOD``; kept.

    None depends on the learner, but for the frame that it reads.
    """
    k, points, seed = table.num_clusters, table.points, options.seed

    def compute() -> Answer:
        answers = {}
        for name, parameters in TOLD.items():
            given = SMOKE if options.smoke and name == "DEC" else parameters
            answers[f"told/{name}"] = BASELINES[name](points, k, seed, **given)
        frame = table_frame(points, model.dimensions, model.frame)
        inside = enter_frame(frame, points).astype(np.float64)
        for name in ("k-means", "Gaussian mixture"):
            answers[f"told/{name} ({FRAME})"] = BASELINES[name](inside, k, seed)
        answers["found/HDBSCAN"] = BASELINES["HDBSCAN"](points, k, seed)
        for name, rule in GUESSED.items():
            found = COUNTS[rule](points, model.num_clusters, seed)
            method = name.split(" (")[0]
            answers[f"found/{method} ({rule})"] = BASELINES[method](points, found, seed)
        return answers

    story = {
        "points": fingerprint(points),
        "clusters": [k, model.num_clusters],
        "frame": [model.dimensions, model.frame],
        "methods": [TOLD, GUESSED],
    }
    return kept_arrays(place("designed", table.name, options), story, compute)


def place(part: str, name: str, options: Options, ending: str = "npz") -> Path | None:
    """Where a part of the work is kept, so that a run that was stopped goes on."""
    folder = RUNS / "zero_shot" / f"seed{options.seed}" / part
    return None if options.smoke else folder / f"{file_name(name)}.{ending}"


def _part(answers: Answer, part: str) -> Answer:
    """The answers whose names begin with a part, without it."""
    return {
        name.removeprefix(f"{part}/"): found
        for name, found in answers.items()
        if name.startswith(f"{part}/")
    }


def labels_of(learner: Learner, points: np.ndarray, k: int | None, seed: int) -> np.ndarray:
    """``[N]``, as ``MetaClusterer(k).fit_predict`` gives them."""
    known = study_table(learner, points, num_clusters=k, seed=seed)
    return label_table(learner, known, points).argmax(axis=1)


def agreement(table: LabelledTable, answers: dict[str, np.ndarray]) -> dict[str, float]:
    """Adjusted Rand index of every answer."""
    return {name: adjusted_rand_index(table.labels, found) for name, found in answers.items()}


def compared(
    dataset: str, tables: Sequence[LabelledTable], found: list[dict[str, float]], options: Options
) -> Iterator[Record]:
    """Means over tables, mean ranks, and differences to the learner with bootstrap intervals.

    The single values go along, so that anyone can compare them anew.
    """
    names = list(found[0])
    values = np.array([[row[name] for name in names] for row in found])  # [tables, methods]
    ranks = rankdata(-values, axis=1)
    shared: dict[str, Any] = {"seed": options.seed}
    for column, name in enumerate(names):
        by_table = zip(tables, values[:, column].tolist(), strict=True)
        own = {"values": {table.name: round(value, 4) for table, value in by_table}}
        score, rank = values[:, column], ranks[:, column]
        yield record("zero_shot", dataset, name, "ARI", score, extra=own, **shared)
        yield record("zero_shot", dataset, name, "rank by ARI", rank, **shared)
    for column, name in enumerate(names[1:], start=1):
        gain = values[:, 0] - values[:, column]
        low, high = interval(gain, options.seed)
        extra = {"low": low, "high": high}
        metric = f"ARI above {name}"
        yield record("zero_shot", dataset, "learned", metric, gain, extra=extra, **shared)


def counted(
    dataset: str, found: Mapping[str, Sequence[int]], options: Options
) -> Iterator[Record]:
    """How often the number of clusters is right, and within one.

    Args:
      dataset: of the records.
      found: numbers by method, and the true ones as ``truth``.
      options: the seed.

    Returns:
      The records, method by method.
    """
    for name, numbers in found.items():
        if name == "truth":
            continue
        off = np.abs(np.array(numbers) - np.array(found["truth"]))
        shared: dict[str, Any] = {"seed": options.seed}
        yield record("zero_shot", dataset, name, "exact number", off == 0, **shared)
        yield record("zero_shot", dataset, name, "within one", off <= 1, **shared)


def interval(values: np.ndarray, seed: int) -> tuple[float, float]:
    """95 % bootstrap interval of the mean: tables are drawn anew, with replacement."""
    draws = np.random.default_rng(seed).integers(values.size, size=(RESAMPLES, values.size))
    low, high = np.quantile(values[draws].mean(axis=1), [0.025, 0.975])
    return float(low), float(high)


def render(records: list[Record]) -> str:
    """Both tables, for RESULTS.md."""
    told, found = (
        table_of(records, dataset) for dataset in ("real tables, k told", "real tables, k found")
    )
    return (
        '## The packaged weights "universal" on real tables, zero-shot\n\n'
        f"{told}\n\nTold the number of classes.\n\n{found}\n\nThe number of clusters left to the "
        "method: the learner by its own P(k | X), k-means by the silhouette or the gap "
        "statistic, the Gaussian mixture by BIC, HDBSCAN by itself (what it calls noise counts "
        "as a cluster of its own in the index, not in the number).\n\n"
        "Columns standardised, at most 1,000 rows of a table. The differences: mean over tables, "
        "with a 95 % bootstrap interval over tables. Baselines at one setting for all tables: "
        "k-means with 10 starts, spectral on 10 nearest neighbours. In the learner's frame a "
        "method sees what the learner reads, principal axes of columns with their tails cut "
        "off: what the frame does for it is not the learner's merit. No real table was used in "
        "training; the development tables did serve to choose between priors.\n"
    )


def table_of(records: list[Record], dataset: str) -> str:
    """One table: methods by scores."""
    rows: dict[str, dict[str, Record]] = {}
    for entry in records:
        if entry["dataset"] == dataset:
            rows.setdefault(entry["method"], {})[entry["metric"]] = entry
    gains, body = rows["learned"], []
    for name, row in rows.items():
        gain, above = gains.get(f"ARI above {name}"), "-"
        if gain is not None:
            ends = (number(100 * gain["low"], 1), number(100 * gain["high"], 1))
            above = f"{number(100 * gain['mean'], 1)} ({ends[0]} to {ends[1]})"
        cells = [name, measured(row["ARI"]), measured(row["rank by ARI"], 2), above]
        if "exact number" in row:
            cells += [measured(row["exact number"], 2), measured(row["within one"], 2)]
        body.append(cells)
    header = [
        f"{gains['ARI']['n']} {dataset}",
        *("ARI", "mean rank", "learned above it, ARI x100"),
    ]
    if "exact number" in gains:
        header += ["exact k", "within one"]
    return markdown_table(header, body)
