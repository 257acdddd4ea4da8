"""The packaged weights on synthetic tasks: their own prior, its families, and others."""

from collections.abc import Iterator
from dataclasses import asdict, fields, replace
from functools import partial
from typing import Any, TypeAlias

import jax
import numpy as np
from tqdm import tqdm

from experiments.harness import Options
from experiments.kept import kept
from experiments.zero_shot_tables import counted, labels_of, place, story_of
from l2c_jax.baselines import BASELINES
from l2c_jax.baselines.counts import COUNTS
from l2c_jax.evaluate import draw_tasks, oracle_labels, record, scores_of_tasks
from l2c_jax.metrics import adjusted_rand_index
from l2c_jax.recurrent.learner import Learner
from l2c_jax.report import Record, markdown_table, measured, number
from l2c_jax.tabular.clusterer import study_table
from l2c_jax.tasks.base import Task
from l2c_jax.tasks.families import CHANGES, SHAPES
from l2c_jax.tasks.gaussian import TaskConfig
from l2c_jax.tasks.prior import PriorConfig, draw_prior_task

COUNT = 200
OTHER = "section 4.1, held out"
EASY = 0.05
"""Oracle error below which the number of clusters can be seen at all."""
DATASET = "held-out tasks, oracle error under .05"
METHODS: dict[str, dict[str, Any]] = {
    "k-means": {},
    "Gaussian mixture": {},
    "spectral": {"neighbours": 10},
    "Ward": {},
}

RULES = {
    "k-means (silhouette)": "silhouette",
    "Gaussian mixture (BIC)": "BIC",
    "k-means (gap)": "gap",
}
"""Methods that find the number of clusters, and by which rule."""
SPECTRAL_FAILS = ("rings", "moons", "swirled", "anisotropic")
"""Families on which the learner shall be above spectral clustering."""
AIMS = {"exact number": 0.5, "within one": 0.8}
"""How often the number of clusters shall be found."""
NATS = "P(k | X), nats"
Scores: TypeAlias = dict[str, dict[str, list]]
"""By kind and method, a number a task."""


def families(prior: PriorConfig) -> dict[str, PriorConfig]:
    """The prior, each of its shapes alone without changes, and Gaussians with one change."""
    none: dict[str, Any] = dict.fromkeys(CHANGES, 0.0)
    found = {"its own prior": prior}
    for shape in SHAPES:
        weights: dict[str, Any] = {name: float(name == shape) for name in SHAPES}
        found[shape.replace("_", " ")] = replace(prior, **{**none, **weights})
    gaussians: dict[str, Any] = {name: float(name == "gaussian") for name in SHAPES}
    found["swirled"] = replace(prior, **{**none, **gaussians, "swirled": 1.0})
    found["anisotropic"] = replace(prior, **{**none, **gaussians, "anisotropy": 3.0})
    return found


# with an exact posterior; apart from swirls, nothing here is drawn as in the prior
HELD_OUT = TaskConfig(
    *(128, 4, 8), min_dimensions=2, min_clusters=1, theta=4.0, anisotropy=1.0, swirls=1
)


def measure(learner: Learner, options: Options) -> list[Record]:
    """ARI with k told on every family; numbers of clusters found on held-out tasks."""
    count = 4 if options.smoke else COUNT
    prior = prior_of(learner)
    chosen = families(prior)
    if options.smoke:
        chosen = dict(list(chosen.items())[:1])
    story = {**story_of(learner), "methods": METHODS, "count": count}
    records: list[Record] = []
    for name, config in tqdm(chosen.items(), desc="families"):

        def scores(name: str = name, config: PriorConfig = config) -> Scores:
            tasks = drawn(config, options.seed, count)
            chances = calibration(tasks, learner, options) if config is prior else {}
            return {"told": told(name, tasks, learner, options), "chances": chances}

        own = {**story, "tasks": asdict(config)}
        found = kept(place("families", name, options, "json"), own, scores)
        records += agreements(name, found["told"], options)
        for metric, values in found["chances"].items():
            metric = f"P(k | X), {metric}"
            extra = {"entropy_of_k": entropy(config)} if metric == NATS else {}
            records.append(
                record(
                    *("zero_shot", f"tasks: {name}", "learned", metric, values),
                    seed=options.seed,
                    extra=extra,
                )
            )

    def others() -> Scores:
        some, easy = held_out(learner, options)
        counts = numbers_found(easy, learner, options)
        return {"told": told(OTHER, some[:count], learner, options), "counts": counts}

    own = {**story, "tasks": asdict(HELD_OUT), "oracle": EASY}
    found = kept(place("families", OTHER, options, "json"), own, others)
    records += agreements(OTHER, found["told"], options)
    counts = found["counts"]
    common = int(np.bincount(counts["truth"]).argmax())
    counts[f"constant ({common})"] = [common] * len(counts["truth"])
    return [*records, *counted(DATASET, counts, options)]


def entropy(prior: PriorConfig) -> float:
    """Nats of the number of clusters itself, for who does not look at the points."""
    chances = np.array(prior.count_weights) / np.sum(prior.count_weights)
    return float(-np.sum(chances[chances > 0] * np.log(chances[chances > 0])))


def prior_of(learner: Learner) -> PriorConfig:
    """The prior that the header names."""
    own = learner.header["tasks"]
    values: dict[str, Any] = {
        field.name: tuple(own[field.name])
        if isinstance(own[field.name], list)
        else own[field.name]
        for field in fields(PriorConfig)
    }
    return PriorConfig(**values)


def drawn(config: PriorConfig, seed: int, count: int) -> list[Task]:
    """Fresh tasks, without padding."""
    keys = jax.random.split(jax.random.fold_in(jax.random.key(seed), 3_000_017), count)
    tasks = jax.jit(jax.vmap(partial(draw_prior_task, config=config)))(keys)
    return unpadded(tasks)


def unpadded(tasks: Task) -> list[Task]:
    """A batch of tasks as single ones, real points and columns in use only."""
    found = []
    for points, labels, mask in zip(*map(np.asarray, tasks), strict=True):
        rows = np.asarray(points[mask], np.float64)
        rows = rows[:, rows.std(axis=0) > 0] if rows.std() > 0 else rows[:, :1]
        found.append(Task(rows, labels[mask], mask[mask]))  # type: ignore[arg-type]
    return found


def told(
    name: str, tasks: list[Task], learner: Learner, options: Options
) -> dict[str, list[float]]:
    """ARI of every method, each told the number of clusters; tasks of one cluster left out."""
    found: dict[str, list[float]] = {"learned": [], **{method: [] for method in METHODS}}
    for task in tqdm(tasks, desc=name, leave=False):
        points, labels = np.asarray(task.points), np.asarray(task.labels)
        k = len(np.unique(labels))
        if k == 1:
            continue
        answers = {"learned": labels_of(learner, points, k, options.seed)}
        for method, parameters in METHODS.items():
            answers[method] = BASELINES[method](points, k, options.seed, **parameters)
        for method, answer in answers.items():
            found[method].append(adjusted_rand_index(labels, answer))
    return found


def agreements(name: str, found: dict[str, list[float]], options: Options) -> Iterator[Record]:
    """The records of one family, with the learner's gain over every other method."""
    own = np.array(found["learned"])
    for method, values in found.items():
        extra = {}
        if method != "learned":
            gain = own - np.array(values)
            extra = {"gain": gain.mean(), "gain_stderr": gain.std(ddof=1) / gain.size**0.5}
        yield record(
            "zero_shot", f"tasks: {name}", method, "ARI", values, seed=options.seed, extra=extra
        )


def calibration(tasks: list[Task], learner: Learner, options: Options) -> dict[str, list[float]]:
    """Whether P(k | X) says how often the most probable number is right."""
    nats, surplus = [], []
    for task in tqdm(tasks, desc="P(k | X)", leave=False):
        truth = len(np.unique(np.asarray(task.labels)))
        known = study_table(learner, np.asarray(task.points), orders=1, seed=options.seed)
        chances = known.count_probabilities
        assert chances is not None
        nats.append(float(-np.log(chances[truth - 1] + 1e-12)))
        surplus.append(float(chances.max() - (chances.argmax() + 1 == truth)))
    return {"nats": nats, "confidence above accuracy": surplus}


def held_out(learner: Learner, options: Options) -> tuple[list[Task], list[Task]]:
    """Tasks of another generator: some, and those that can be solved."""
    config = HELD_OUT
    most = learner.model.num_clusters
    if config.num_clusters > most:
        config = replace(config, num_clusters=most)
    tasks, mixtures = draw_tasks(config, options.seed, 20 if options.smoke else 4 * COUNT)
    error = scores_of_tasks(tasks, oracle_labels(tasks, mixtures))["error"]
    chosen = np.flatnonzero((error < EASY) | options.smoke)[: 4 if options.smoke else COUNT]
    found = unpadded(tasks)
    return found, [found[i] for i in chosen]


def numbers_found(easy: list[Task], learner: Learner, options: Options) -> dict[str, list[int]]:
    """The numbers of clusters found where they can be seen, by every method; and the truth."""
    most = learner.model.num_clusters
    found: dict[str, list[int]] = {"truth": [], "learned": [], **{name: [] for name in RULES}}
    for task in tqdm(easy, desc="number of clusters"):
        points = np.asarray(task.points)
        found["truth"].append(len(np.unique(np.asarray(task.labels))))
        found["learned"].append(len(np.unique(labels_of(learner, points, None, options.seed))))
        scaled = points / points.std()
        for name, rule in RULES.items():
            found[name].append(int(COUNTS[rule](scaled, most, options.seed)))
    return found


def render(records: list[Record]) -> str:
    """Both tables, for RESULTS.md."""
    rows: dict[str, dict[str, Record]] = {}
    counts: dict[str, dict[str, Record]] = {}
    chances: dict[str, Record] = {}
    for entry in records:
        if entry["metric"].startswith("P(k | X), "):
            chances[entry["metric"].removeprefix("P(k | X), ")] = entry
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
    exact, nats = counts["learned"]["exact number"], chances["nats"]
    return (
        '## "universal" on synthetic tasks\n\n'
        + markdown_table(["ARI, k told (learned above it)", *methods], body)
        + "\n\nFresh tasks of the prior, of each of its shapes with no other change, and of "
        "Gaussian clusters with one change; and tasks of the generator of section 4.1, which is "
        "not the prior's. Tasks of one cluster are left out. Mean over tasks; in brackets what "
        "the learner has more on the same tasks, ± standard error. "
        f"{aims(rows, counts)}\n\n"
        "On its own prior P(k | X) gives the true number "
        f"{measured(nats, 2)} nats; who always gave the prior's own frequencies would need "
        f"{number(nats['entropy_of_k'], 2)}. The most probable number is right in a share "
        f"of the tasks that lies {measured(chances['confidence above accuracy'], 2)} below the "
        "mean probability it is given.\n\n"
        + markdown_table(["number of clusters", "exact", "within one"], numbers)
        + f"\n\n{exact['n']} tasks of the generator of section 4.1 (1 to 8 clusters in 2 to 4 "
        "dimensions, larger numbers more frequent) with a Bayes oracle's error under .05. The "
        "constant is the most frequent true number among them. The learner's is the median of "
        "P(k | X).\n"
    )


def against(entry: Record) -> str:
    """A mean, and what the learner has more."""
    gain, spread = number(entry["gain"]), number(entry["gain_stderr"])
    return f"{number(entry['mean'])} ({'+' if entry['gain'] > 0 else ''}{gain} ± {spread})"


def aims(rows: dict[str, dict[str, Record]], counts: dict[str, dict[str, Record]]) -> str:
    """What was aimed at, and whether it is reached, in words."""
    wanted = [("its own prior", "Gaussian mixture"), *((n, "spectral") for n in SPECTRAL_FAILS)]
    said = []
    for name, other in wanted:
        entry = rows.get(name, {}).get(other)
        if entry is not None:
            sure = abs(entry["gain"]) > 2 * entry["gain_stderr"]
            word = "reached" if entry["gain"] > 0 else "missed"
            said.append(f"{name} above {other}: {word if sure else 'not distinguishable'}")
    for metric, least in AIMS.items():
        mean = counts["learned"][metric]["mean"]
        word = "reached" if mean >= least else "missed"
        said.append(f"{metric} in {number(100 * least, 0)} %: {word} ({number(100 * mean, 0)} %)")
    return f"Aimed at: {'; '.join(said)}. Distinguishable: by two standard errors."
