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
from experiments.splits import family
from l2c_jax.baselines import BASELINES
from l2c_jax.baselines.counts import COUNTS
from l2c_jax.evaluate import record
from l2c_jax.metrics import adjusted_rand_index
from l2c_jax.preprocessing.table_frame import enter_frame, table_frame
from l2c_jax.recurrent.learner import Learner
from l2c_jax.recurrent.model import ModelConfig
from l2c_jax.report import Record, markdown_table, measured, number
from l2c_jax.tabular.clusterer import (
    COUNT_ORDERS,
    READ,
    SAMPLE,
    SUREST,
    label_table,
    study_table,
)
from l2c_jax.training.weights import fingerprint

TOLD: dict[str, dict[str, Any]] = {
    "k-means": {},
    "Gaussian mixture": {},
    "spectral": {"neighbours": 10},
    "Ward": {},
    "DEC": {"dropout": 0.0},
}
"""Baselines that are told the number of classes, each at one setting for all tables."""
GUESSED = {"k-means": "silhouette", "Gaussian mixture": "BIC", "k-means (gap)": "gap"}
ALWAYS = (2, 3)
"""Numbers that a method which looks at no table could give."""
AIM = 0.02
"""By how much the learner's ARI shall lie above k-means' and the Gaussian mixture's, k told."""
FRAME = "in the learner's frame"
RESAMPLES = 10_000
SMOKE = {"hidden": (8,), "pretraining": 2, "finetuning": 2, "interval": 2, "refreshes": 1}


def measure(learner: Learner, tables: list[LabelledTable], options: Options) -> list[Record]:
    """Scores of every method on every table."""
    told, guessed = [], []
    counts: dict[str, list[int]] = {"truth": [table.num_clusters for table in tables]}
    for table in tqdm(tables, desc="tables"):
        found = {
            **learned(table, learner, options),
            **designed(table, learner.model, options),
            **unseeing(table, options),
        }
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
        **story_of(learner),
    }
    return kept_arrays(place("learned", table.name, options), story, compute)


def story_of(learner: Learner) -> dict[str, Any]:
    """All that the learner's answer about a table follows from, but for the table."""
    reading = [SAMPLE, READ, SUREST, COUNT_ORDERS]
    return {"learner": fingerprint(learner.params), "reading": reading}


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


def unseeing(table: LabelledTable, options: Options) -> Answer:
    """Labels ``[N]`` of k-means with the same number of clusters for every table."""
    return {
        f"found/k-means (always {k})": BASELINES["k-means"](table.points, k, options.seed)
        for k in ALWAYS
    }


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
    groups = [family(table.name) for table in tables]

    def line(method: str, metric: str, column: np.ndarray, **more: Any) -> Record:
        low, high = interval(column, options.seed, groups)
        extra = {"low": low, "high": high, "families": len(set(groups)), **more}
        return record("zero_shot", dataset, method, metric, column, seed=options.seed, extra=extra)

    for column, name in enumerate(names):
        by_table = zip(tables, values[:, column].tolist(), strict=True)
        own = {table.name: round(value, 4) for table, value in by_table}
        yield line(name, "ARI", values[:, column], values=own)
        yield line(name, "rank by ARI", ranks[:, column])
    for column, name in enumerate(names[1:], start=1):
        yield line("learned", f"ARI above {name}", values[:, 0] - values[:, column])


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


def interval(values: np.ndarray, seed: int, groups: Sequence[str]) -> tuple[float, float]:
    """95 % bootstrap interval of the mean: groups of tables are drawn anew, with replacement.

    Args:
      values: one a table.
      seed: of the draws.
      groups: the family of every table, whose members are nearly the same table.

    Returns:
      Its ends.
    """
    _, member = np.unique(groups, return_inverse=True)
    sums, sizes = np.bincount(member, values), np.bincount(member)
    draws = np.random.default_rng(seed).integers(sizes.size, size=(RESAMPLES, sizes.size))
    means = sums[draws].sum(axis=1) / sizes[draws].sum(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def render(records: list[Record]) -> str:
    """Both tables, for RESULTS.md."""
    told, found = (
        table_of(records, dataset) for dataset in ("real tables, k told", "real tables, k found")
    )
    families = next(entry["families"] for entry in records if "families" in entry)
    return (
        '## The packaged weights "universal" on real tables, zero-shot\n\n'
        f"{told}\n\nTold the number of classes. {aims(records, True)}\n\n{found}\n\n"
        "The number of clusters left to the "
        "method: the learner by its own P(k | X), k-means by the silhouette or the gap "
        "statistic, the Gaussian mixture by BIC, HDBSCAN by itself (what it calls noise counts "
        "as a cluster of its own in the index, not in the number); always 2 and always 3 look at "
        f"no table to tell. {aims(records, False)}\n\n"
        "Columns standardised, at most 1,000 rows of a table. In brackets: 95 % bootstrap "
        f"intervals over the {families} families of tables that are nearly the same. Baselines "
        "at one setting for all tables: "
        "k-means with 10 starts, spectral on 10 nearest neighbours. In the learner's frame a "
        "method sees what the learner reads, principal axes of columns with their tails cut "
        "off: what the frame does for it is not the learner's merit. No real table was used in "
        "training; priors, frame and number of axes were chosen on these tables "
        "([ATTEMPTS.md](../ATTEMPTS.md)), which no interval holds.\n"
    )


def aims(records: list[Record], told: bool) -> str:
    """What was aimed at, and whether it is reached, in words."""
    dataset = f"real tables, k {'told' if told else 'found'}"
    wanted = (
        {"k-means": AIM, "Gaussian mixture": AIM}
        if told
        else {"HDBSCAN": 0.0, "k-means (silhouette)": 0.0}
    )
    said = []
    for other, least in wanted.items():
        entry = next(
            e for e in records if (e["dataset"], e["metric"]) == (dataset, f"ARI above {other}")
        )
        word = "reached" if entry["mean"] > least else "missed"
        if word == "reached" and entry["low"] <= least:
            word = "the mean is, the interval is not"
        points = f"{number(100 * least, 0)} points above" if least else "above"
        said.append(f"{points} {other}: {word} ({number(100 * entry['mean'], 1)})")
    return f"Aimed at, ARI x100: {'; '.join(said)}."


def between(entry: Record, scale: float = 1, digits: int = 3) -> str:
    """A mean with its interval."""
    mean, low, high = (number(scale * entry[key], digits) for key in ("mean", "low", "high"))
    return f"{mean} ({low} to {high})"


def table_of(records: list[Record], dataset: str) -> str:
    """One table: methods by scores."""
    rows: dict[str, dict[str, Record]] = {}
    for entry in records:
        if entry["dataset"] == dataset:
            rows.setdefault(entry["method"], {})[entry["metric"]] = entry
    gains, body = rows["learned"], []
    for name, row in rows.items():
        gain = gains.get(f"ARI above {name}")
        above = "-" if gain is None else between(gain, 100, 1)
        cells = [name, between(row["ARI"]), between(row["rank by ARI"], 1, 2), above]
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
