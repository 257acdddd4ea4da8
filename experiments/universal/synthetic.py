"""The packaged weights on synthetic tasks: their own prior, its families, and others."""

from collections.abc import Iterator
from dataclasses import asdict, replace
from functools import partial
from typing import Any, TypeAlias

import jax
import numpy as np
from tqdm import tqdm

from experiments.lib.baselines import BASELINES
from experiments.lib.baselines.selectors import SELECTORS
from experiments.lib.evaluation import draw_tasks
from experiments.lib.markdown import markdown_table, measured, number
from experiments.lib.records import Record, record
from experiments.lib.runner import Options
from experiments.universal.common import (
    SETTINGS,
    cache_name,
    counted,
    labels_of,
    run_config_of,
)
from l2c_jax.metrics import adjusted_rand_index
from l2c_jax.recurrent.evaluation import oracle_labels, score_tasks
from l2c_jax.tabular.clusterer import TabularConfig, adapt_table
from l2c_jax.tabular.model import TabularModel
from l2c_jax.tasks.base import Task
from l2c_jax.tasks.corruptions import CORRUPTIONS
from l2c_jax.tasks.description import from_description
from l2c_jax.tasks.families import SHAPES
from l2c_jax.tasks.gaussian import GaussianTasks
from l2c_jax.tasks.prior import BroadPrior

COUNT = 60
ONE = TabularConfig(replace(TabularConfig().inference, orders=1))
"""One order: what is measured is P(k | X), which has orders of its own."""
OTHER = "section 4.1, held out"
EASY = 0.05
"""Error of the Bayes oracle below which the clusters of a task count as separable."""
DATASET = "held-out tasks, oracle error under .05"
METHODS = SETTINGS
RULES = {
    "k-means (silhouette)": "silhouette",
    "Gaussian mixture (BIC)": "BIC",
    "k-means (gap)": "gap",
}
"""Methods that select the number of clusters, and their rules."""
SPECTRAL_FAILS = ("rings", "moons", "swirled", "anisotropic")
"""Families on which the aim is an ARI above spectral clustering."""
AIMS = {"exact number": 0.55, "within one": 0.85}
"""Aims for how often the number of clusters is found."""
NATS = "P(k | X), nats"
Scores: TypeAlias = dict[str, dict[str, list]]
"""By kind and method, one number per task."""


def families(prior: BroadPrior) -> dict[str, BroadPrior]:
    """The prior, each of its shapes alone without changes, and Gaussians with one change."""
    none: dict[str, Any] = {f"{name}_prob": 0.0 for name in CORRUPTIONS}
    found = {"its own prior": prior}
    for shape in SHAPES:
        weights: dict[str, Any] = {f"{name}_weight": float(name == shape) for name in SHAPES}
        found[shape.replace("_", " ")] = replace(prior, **{**none, **weights})
    gaussians: dict[str, Any] = {f"{name}_weight": float(name == "gaussian") for name in SHAPES}
    found["swirled"] = replace(prior, **{**none, **gaussians, "swirled_prob": 1.0})
    found["anisotropic"] = replace(prior, **{**none, **gaussians, "anisotropy": 3.0})
    return found


# has an exact posterior; shares only the swirls with the prior. The judge learns from the same
# generator with other settings (recipe.JUDGED)
HELD_OUT = GaussianTasks(
    *(128, 4, 8), min_dimensions=2, min_clusters=1, theta=4.0, anisotropy=1.0, num_swirls=1
)


def measure(model: TabularModel, options: Options) -> list[Record]:
    """ARI with k given on every family; numbers of clusters found on held-out tasks."""
    count = 4 if options.smoke else COUNT
    prior = prior_of(model)
    chosen = families(prior)
    if options.smoke:
        chosen = dict(list(chosen.items())[:1])
    shared = {**run_config_of(model), "methods": METHODS, "count": count}
    records: list[Record] = []
    for name, config in tqdm(chosen.items(), desc="families"):
        compute = partial(scores_on, name, config, model, options, calibrate=config is prior)
        own = {**shared, "tasks": asdict(config)}
        found = options.cache.json(cache_name("families", name, options), own, compute)
        records += agreements(name, found["given"], options)
        records += calibration_records(name, found["calibration"], entropy(config), options)
    own = {**shared, "tasks": asdict(HELD_OUT), "oracle": EASY}
    compute = partial(scores_held_out, model, options)
    found = options.cache.json(cache_name("families", OTHER, options), own, compute)
    records += agreements(OTHER, found["given"], options)
    counts = found["counts"]
    common = int(np.bincount(counts["truth"]).argmax())
    counts[f"constant ({common})"] = [common] * len(counts["truth"])
    return [*records, *counted(DATASET, counts, options)]


def scores_on(
    name: str, config: BroadPrior, model: TabularModel, options: Options, *, calibrate: bool
) -> Scores:
    """ARI of every method on fresh tasks; optionally calibration of P(k | X)."""
    tasks = drawn(config, options.seed, 4 if options.smoke else COUNT)
    own = calibration(tasks, model, options) if calibrate else {}
    return {"given": given_k(name, tasks, model, options), "calibration": own}


def scores_held_out(model: TabularModel, options: Options) -> Scores:
    """ARI of every method on tasks of section 4.1, and numbers of clusters on easy ones."""
    some, easy = held_out(model, options)
    counts = numbers_found(easy, model, options)
    some = some[: 4 if options.smoke else COUNT]
    return {"given": given_k(OTHER, some, model, options), "counts": counts}


def calibration_records(
    name: str, found: dict[str, list[float]], nats: float, options: Options
) -> Iterator[Record]:
    """The records of :func:`calibration`; ``nats``: entropy of the number of clusters."""
    for metric, values in found.items():
        metric = f"P(k | X), {metric}"
        extra = {"entropy_of_k": nats} if metric == NATS else {}
        yield record(
            *("zero_shot", f"tasks: {name}", "learned", metric, values),
            seed=options.seed,
            extra=extra,
        )


def entropy(prior: BroadPrior) -> float:
    """Entropy of the number of clusters under the prior, in nats."""
    p = np.array(prior.num_clusters_weights) / np.sum(prior.num_clusters_weights)
    return float(-np.sum(p[p > 0] * np.log(p[p > 0])))


def prior_of(model: TabularModel) -> BroadPrior:
    """The prior in the header of the learner, alone or as a part of a mixture."""
    tasks = model.learner.metadata.tasks or {}
    parts = [from_description(part) for part in tasks.get("distributions", [tasks])]
    return next(part for part in parts if isinstance(part, BroadPrior))


def drawn(config: BroadPrior, seed: int, count: int) -> list[Task]:
    """Fresh tasks, without padding."""
    keys = jax.random.split(jax.random.fold_in(jax.random.key(seed), 3_000_017), count)
    tasks = jax.jit(jax.vmap(config.sample))(keys)
    return unpadded(tasks)


def unpadded(tasks: Task) -> list[Task]:
    """A batch of tasks as single ones, without masked points and constant columns."""
    found = []
    for points, labels, mask in zip(*map(np.asarray, tasks), strict=True):
        rows = np.asarray(points[mask], np.float64)
        rows = rows[:, rows.std(axis=0) > 0] if rows.std() > 0 else rows[:, :1]
        found.append(Task(rows, labels[mask], mask[mask]))  # type: ignore[arg-type]
    return found


def given_k(
    name: str, tasks: list[Task], model: TabularModel, options: Options
) -> dict[str, list[float]]:
    """ARI of every method with k given; tasks of one cluster are left out."""
    found: dict[str, list[float]] = {"learned": [], **{method: [] for method in METHODS}}
    for task in tqdm(tasks, desc=name, leave=False):
        points, labels = np.asarray(task.points), np.asarray(task.labels)
        k = len(np.unique(labels))
        if k == 1:
            continue
        answers = {"learned": labels_of(model, points, k, options.seed)}
        for method, parameters in METHODS.items():
            answers[method] = BASELINES[method](points, k, options.seed, **parameters)
        for method, answer in answers.items():
            found[method].append(adjusted_rand_index(labels, answer))
    return found


def agreements(name: str, found: dict[str, list[float]], options: Options) -> Iterator[Record]:
    """The records of one family, with paired differences of the learner to every other method."""
    own = np.array(found["learned"])
    for method, values in found.items():
        extra = {}
        if method != "learned":
            gain = own - np.array(values)
            extra = {"gain": gain.mean(), "gain_stderr": gain.std(ddof=1) / gain.size**0.5}
        yield record(
            "zero_shot", f"tasks: {name}", method, "ARI", values, seed=options.seed, extra=extra
        )


def calibration(
    tasks: list[Task], model: TabularModel, options: Options
) -> dict[str, list[float]]:
    """Negative log P(k | X) of the true k, and confidence minus accuracy of its mode."""
    nats, surplus = [], []
    for task in tqdm(tasks, desc="P(k | X)", leave=False):
        truth = len(np.unique(np.asarray(task.labels)))
        adapted = adapt_table(model, np.asarray(task.points), config=ONE, seed=options.seed)
        p = adapted.count_probabilities
        assert p is not None
        nats.append(float(-np.log(p[truth - 1] + 1e-12)))
        surplus.append(float(p.max() - (p.argmax() + 1 == truth)))
    return {"nats": nats, "confidence above accuracy": surplus}


def held_out(model: TabularModel, options: Options) -> tuple[list[Task], list[Task]]:
    """Tasks of another generator: all, and those whose clusters are separable."""
    config = HELD_OUT
    most = model.learner.config.num_clusters
    if config.num_clusters > most:
        config = replace(config, num_clusters=most)
    tasks, mixtures = draw_tasks(config, options.seed, 20 if options.smoke else 4 * COUNT)
    error = score_tasks(tasks, oracle_labels(tasks, mixtures))["error"]
    chosen = np.flatnonzero((error < EASY) | options.smoke)[: 4 if options.smoke else COUNT]
    found = unpadded(tasks)
    return found, [found[i] for i in chosen]


def numbers_found(easy: list[Task], model: TabularModel, options: Options) -> dict[str, list[int]]:
    """The true numbers of clusters of separable tasks, and those that every method finds."""
    most = model.learner.config.num_clusters
    found: dict[str, list[int]] = {"truth": [], "learned": [], **{name: [] for name in RULES}}
    for task in tqdm(easy, desc="number of clusters"):
        points = np.asarray(task.points)
        found["truth"].append(len(np.unique(np.asarray(task.labels))))
        found["learned"].append(len(np.unique(labels_of(model, points, None, options.seed))))
        scaled = points / points.std()
        for name, rule in RULES.items():
            found[name].append(int(SELECTORS[rule](scaled, most, options.seed)))
    return found


def render(records: list[Record]) -> str:
    """Both tables, for RESULTS.md."""
    rows: dict[str, dict[str, Record]] = {}
    counts: dict[str, dict[str, Record]] = {}
    calibrated: dict[str, Record] = {}
    for entry in records:
        if entry["metric"].startswith("P(k | X), "):
            calibrated[entry["metric"].removeprefix("P(k | X), ")] = entry
        elif entry["dataset"].startswith("tasks: "):
            rows.setdefault(entry["dataset"][7:], {})[entry["method"]] = entry
        elif entry["dataset"].startswith("held-out"):
            counts.setdefault(entry["method"], {})[entry["metric"]] = entry
    methods = list(next(iter(rows.values())))
    body = [
        [name, measured(row["learned"]), *(against(row[m]) for m in methods[1:])]
        for name, row in rows.items()
    ]
    numbers = [
        [name, measured(row["exact number"], 2), measured(row["within one"], 2)]
        for name, row in counts.items()
    ]
    exact, nats = counts["learned"]["exact number"], calibrated["nats"]
    return (
        '## "universal" on synthetic tasks\n\n'
        + markdown_table(["ARI, k given (learned above it)", *methods], body)
        + "\n\nFresh tasks of the prior; of each of its shapes without changes; of Gaussian "
        "clusters with one change; and of the generator of section 4.1, which is not in the "
        "prior, but from which, with other settings, the judge learned. Tasks of one cluster are "
        "left out. Mean over tasks; in brackets the paired "
        f"difference of the learner ± standard error. {aims(rows, counts)}\n\n"
        "On its own prior the mean of -log P(k | X) at the true k is "
        f"{measured(nats, 2)} nats; with the prior's own frequencies of k it is "
        f"{number(nats['entropy_of_k'], 2)}. Confidence minus accuracy of the most probable k: "
        f"{measured(calibrated['confidence above accuracy'], 2)}.\n\n"
        + markdown_table(["number of clusters", "exact", "within one"], numbers)
        + f"\n\n{exact['n']} tasks of the generator of section 4.1 (1 to 8 clusters in 2 to 4 "
        "dimensions, larger numbers more frequent) with an error of the Bayes oracle under .05. "
        "The constant is the most frequent true number among them. The learner's number is the "
        "most probable one of P(k | X).\n"
    )


def against(entry: Record) -> str:
    """A mean, and the paired difference of the learner."""
    gain, spread = number(entry["gain"]), number(entry["gain_stderr"])
    return f"{number(entry['mean'])} ({'+' if entry['gain'] > 0 else ''}{gain} ± {spread})"


def aims(rows: dict[str, dict[str, Record]], counts: dict[str, dict[str, Record]]) -> str:
    """The aims, and whether they are reached, in words."""
    wanted = [("its own prior", "Gaussian mixture"), *((n, "spectral") for n in SPECTRAL_FAILS)]
    said = []
    for name, other in wanted:
        entry = rows.get(name, {}).get(other)
        if entry is not None:
            clear = abs(entry["gain"]) > 2 * entry["gain_stderr"]
            word = "reached" if entry["gain"] > 0 else "missed"
            said.append(f"{name} above {other}: {word if clear else 'not distinguishable'}")
    for metric, least in AIMS.items():
        mean = counts["learned"][metric]["mean"]
        word = "reached" if mean >= least else "missed"
        said.append(f"{metric} in {number(100 * least, 0)} %: {word} ({number(100 * mean, 0)} %)")
    return f"Aims: {'; '.join(said)}. Distinguishable: by two standard errors."
