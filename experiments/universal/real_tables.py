"""The packaged weights on real tables: the number of classes given, and found."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from scipy.stats import rankdata
from tqdm import tqdm

from experiments.lib.baselines import BASELINES
from experiments.lib.baselines.selectors import SELECTORS
from experiments.lib.cache import Arrays
from experiments.lib.data import LabelledTable
from experiments.lib.markdown import markdown_table, measured, number
from experiments.lib.records import Record, record
from experiments.lib.runner import Options
from experiments.lib.splits import family, interval
from experiments.universal.common import (
    SETTINGS,
    cache_name,
    counted,
    run_config_of,
)
from l2c_jax.metrics import adjusted_rand_index
from l2c_jax.preprocessing import apply_preprocessing, fit_table_preprocessing
from l2c_jax.recurrent.config import ModelConfig
from l2c_jax.tabular.clusterer import adapt_table, predict_table
from l2c_jax.tabular.model import TabularModel
from l2c_jax.tabular.views import apply_view
from l2c_jax.training.weights import content_hash

SELECTED = {"k-means": "silhouette", "Gaussian mixture": "BIC", "k-means (gap)": "gap"}
ALWAYS = (2, 3)
"""Numbers of clusters that do not depend on the table."""
AIM, AIM_VIEW = 0.03, 0.015
"""Aims for the learner's ARI minus that of k-means and of the Gaussian mixture, k given; and minus
that of k-means in the same view."""
PREPROCESSED, SAME_VIEW = "learner's preprocessing", "same view"
GIVEN, FOUND = "real tables, k given", "real tables, k found"


def measure(
    model_of: Callable[[str], TabularModel], tables: list[LabelledTable], options: Options
) -> list[Record]:
    """Scores of every method on every table.

    Args:
      model_of: by the name of a table, the model whose judge has not seen its family.
      tables: labelled.
      options: of the run.
    """
    given, found = [], []
    counts: dict[str, list[int]] = {"truth": [table.num_clusters for table in tables]}
    for table in tqdm(tables, desc="tables"):
        model = model_of(table.name)
        answers = {
            **learned(table, model, options),
            **baselines(table, model.learner.config, options),
            **constants(table, options),
        }
        given.append(agreement(table, _part(answers, "given")))
        own = _part(answers, "found")
        found.append(agreement(table, own))
        for name, labels in own.items():
            counts.setdefault(name, []).append(len(np.unique(labels[labels >= 0])))
    return [
        *compared(GIVEN, tables, given, options),
        *compared(FOUND, tables, found, options),
        *counted(FOUND, counts, options),
    ]


def learned(table: LabelledTable, model: TabularModel, options: Options) -> Arrays:
    """Labels ``[N]`` of the learner, as ``given/learned`` and ``found/learned``; cached."""

    def compute() -> Arrays:
        points, k, answers = table.points, table.num_clusters, {}
        for part, given in {"given": k, "found": None}.items():
            fitted = adapt_table(model, points, given, seed=options.seed)
            answers[f"{part}/learned"] = predict_table(model, fitted, points).argmax(axis=1)
            if part == "given" and fitted.views is not None:
                inside = apply_view(fitted.views, fitted.view, points, k).astype(np.float64)
                labels = BASELINES["k-means"](inside, k, options.seed)
                answers[f"given/k-means ({SAME_VIEW})"] = labels
        return answers

    config = {
        "points": content_hash(table.points),
        "clusters": table.num_clusters,
        **run_config_of(model),
    }
    return options.cache.arrays(cache_name("learned", table.name, options), config, compute)


def baselines(table: LabelledTable, shape: ModelConfig, options: Options) -> Arrays:
    """Labels ``[N]`` of every baseline, as ``given/METHOD`` and ``found/METHOD``; cached.

    They do not depend on the parameters of the learner, but some on its preprocessing.
    """
    k, points, seed = table.num_clusters, table.points, options.seed

    def compute() -> Arrays:
        answers = {}
        for name, parameters in SETTINGS.items():
            answers[f"given/{name}"] = BASELINES[name](points, k, seed, **parameters)
        fitted = fit_table_preprocessing(points, shape.preprocessing, shape.dimensions)
        inside = apply_preprocessing(fitted, points).astype(np.float64)
        for name in ("k-means", "Gaussian mixture"):
            answers[f"given/{name} ({PREPROCESSED})"] = BASELINES[name](inside, k, seed)
        answers["found/HDBSCAN"] = BASELINES["HDBSCAN"](points, k, seed)
        for name, rule in SELECTED.items():
            found = SELECTORS[rule](points, shape.num_clusters, seed)
            method = name.split(" (")[0]
            answers[f"found/{method} ({rule})"] = BASELINES[method](points, found, seed)
        return answers

    config = {
        "points": content_hash(points),
        "clusters": [k, shape.num_clusters],
        "preprocessing": [shape.dimensions, shape.preprocessing],
        "methods": [SETTINGS, SELECTED],
    }
    return options.cache.arrays(cache_name("baselines", table.name, options), config, compute)


def constants(table: LabelledTable, options: Options) -> Arrays:
    """Labels ``[N]`` of k-means with the same number of clusters for every table."""
    return {
        f"found/k-means (always {k})": BASELINES["k-means"](table.points, k, options.seed)
        for k in ALWAYS
    }


def _part(answers: Arrays, part: str) -> Arrays:
    """The answers whose names begin with a part, without it."""
    return {
        name.removeprefix(f"{part}/"): found
        for name, found in answers.items()
        if name.startswith(f"{part}/")
    }


def agreement(table: LabelledTable, answers: dict[str, np.ndarray]) -> dict[str, float]:
    """Adjusted Rand index of every answer."""
    return {name: adjusted_rand_index(table.labels, found) for name, found in answers.items()}


def compared(
    dataset: str, tables: Sequence[LabelledTable], found: list[dict[str, float]], options: Options
) -> Iterator[Record]:
    """Means over tables, mean ranks, and differences to the learner with bootstrap intervals.

    The records have the value of every table, for other comparisons.
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


def render(records: list[Record]) -> str:
    """Both tables, for RESULTS.md."""
    given, found = (table_of(records, dataset) for dataset in (GIVEN, FOUND))
    families = next(entry["families"] for entry in records if "families" in entry)
    return (
        '## The packaged weights "universal" on real tables\n\n'
        f"{given}\n\nThe number of classes is given. {aims(records, True)}\n\n{found}\n\n"
        "The number of clusters is found: by the learner as the most probable one, for "
        "k-means by the silhouette or the gap statistic, for the Gaussian mixture by BIC, by "
        "HDBSCAN itself (its noise counts as one cluster in the index, not in the number); always "
        f"2 and always 3 do not depend on the table. {aims(records, False)}\n\n"
        "Columns standardised, at most 1,000 rows per table. In brackets: 95 % bootstrap "
        f"intervals over the {families} families of near-copies. Baselines have one setting for "
        "all tables: k-means with 10 starts, spectral on 10 nearest neighbors. With the learner's "
        "preprocessing a method has the input of the learner, principal axes of clipped columns; "
        "that part of the difference to k-means is due to the preprocessing, not to the network; "
        "k-means (same view) has the input that the judge chose. The learner was trained on "
        "synthetic tasks alone. Its judge is cross-fitted: for each of five groups of families, "
        "it learned from synthetic tasks and from the tables of the other groups. The prior, the "
        "views and the settings of the judge were chosen with these tables in view "
        "([ATTEMPTS.md](ATTEMPTS.md)); the intervals do not include these choices.\n"
    )


def aims(records: list[Record], given: bool) -> str:
    """The aims, and whether they are reached, in words."""
    dataset = GIVEN if given else FOUND
    wanted = (
        {"k-means": AIM, "Gaussian mixture": AIM, f"k-means ({SAME_VIEW})": AIM_VIEW}
        if given
        else {"HDBSCAN": 0.0, "k-means (silhouette)": 0.0}
    )
    said = []
    for other, least in wanted.items():
        entry = next(
            e for e in records if (e["dataset"], e["metric"]) == (dataset, f"ARI above {other}")
        )
        word = "reached" if entry["mean"] > least else "missed"
        if word == "reached" and entry["low"] <= least:
            word = "reached by the mean, not by the whole interval"
        points = f"{number(100 * least, 1)} points above" if least else "above"
        said.append(f"{points} {other}: {word} ({number(100 * entry['mean'], 1)})")
    return f"Aims, ARI x100: {'; '.join(said)}."


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
