"""Discovery: new classes in a table, by a similarity learned on the other classes.

Claim: rows of classes without any label are clustered better by a similarity learned on other
classes of the same table than by k-means, if classes differ in the same way.

    python -m experiments.pairwise.discovery          # half an hour on one core
    python -m experiments.pairwise.discovery --smoke  # seconds, a table of scikit-learn

Every split of every table is cached in ``runs/``: a run that was stopped goes on with the same
command. Training the similarity of a table takes seconds; none is committed.
"""

import dataclasses
import json
from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

import numpy as np
from sklearn.datasets import load_digits, load_wine
from tqdm import tqdm

from experiments.lib.baselines import BASELINES
from experiments.lib.cache import Arrays, file_name
from experiments.lib.data import data_folder
from experiments.lib.markdown import by_key, markdown_table, measured
from experiments.lib.records import Record, record
from experiments.lib.runner import Options, main
from experiments.pairwise.pair_baselines import agglomerative
from experiments.pairwise.steps import Loss, adapted_features, clustered
from l2c_jax.metrics import scores
from l2c_jax.pairwise.backbones import MLP
from l2c_jax.pairwise.config import ConstrainedConfig, SimilarityConfig
from l2c_jax.pairwise.learn import learn_similarity
from l2c_jax.pairwise.predict import predict_similarity
from l2c_jax.preprocessing import standardize
from l2c_jax.training.loop import RunOptions
from l2c_jax.training.weights import content_hash

TABLES = ("satimage", "sleep", "eucalyptus", "robot-nav-sensor-readings-2")
SPLITS = 5  # of each table's classes, at random
PER_CLASS = 500  # rows, at most
HIDDEN = (128, 128)
BATCH = 100  # rows of a training step, the same number of each known class
TRAINING = SimilarityConfig(iterations=3000)
CLUSTERING = ConstrainedConfig(epochs=100)
MANY = 20  # clusters, where the true number is not given
LEARNED: dict[str, tuple[Loss, int | None]] = {
    "learned (MCL, true K)": ("mcl", None),
    "learned (KCL, true K)": ("kcl", None),
    f"learned (MCL, K={MANY})": ("mcl", MANY),
}


class Discovery(NamedTuple):
    """A table in two parts without a common class."""

    name: str
    known: np.ndarray  # [M, D], labelled
    known_labels: np.ndarray  # [M] int
    new: np.ndarray  # [N, D], to cluster
    new_labels: np.ndarray  # [N] int, for the scores

    @property
    def num_clusters(self) -> int:
        """The true K of the new part."""
        return len(np.unique(self.new_labels))


def split(
    name: str, points: np.ndarray, labels: np.ndarray, known: np.ndarray, seed: int
) -> Discovery:
    """The rows of known classes and the others, columns standardised over both.

    Args:
      name: of the table.
      points: ``[N, D]``; NaN, a missing value, is replaced by the mean of its column.
      labels: ``[N]`` int.
      known: the known classes.
      seed: of the sample of rows, at most ``PER_CLASS`` of each class.

    Returns:
      Both parts.

    Example:
      >>> labels = np.array([0, 1, 2, 3, 2, 3])
      >>> found = split("t", labels[:, None] * 1.0, labels, np.array([0, 1]), 0)
      >>> sorted(found.known_labels.tolist()), sorted(found.new_labels.tolist())
      ([0, 1], [2, 2, 3, 3])
    """
    rng = np.random.default_rng(seed)
    rows = np.concatenate(
        [rng.permutation(np.flatnonzero(labels == c))[:PER_CLASS] for c in np.unique(labels)]
    )
    points, labels = points[rows].astype(np.float64), labels[rows]
    means = np.nan_to_num(np.nanmean(points, axis=0))
    points = standardize(np.where(np.isnan(points), means, points))
    points = points[:, points.std(axis=0) > 0]
    own = np.isin(labels, known)
    return Discovery(name, points[own], labels[own], points[~own], labels[~own])


def digits_of_two_halves(seed: int) -> Discovery:
    """scikit-learn's digits as a table of pixels: 0 to 5 known, 6 to 9 new."""
    points, labels = load_digits(return_X_y=True)
    return split("digits 0-5 → 6-9", points, labels, np.arange(6), seed)


def discoveries(options: Options) -> Iterator[tuple[str, list[Discovery]]]:
    """Every table with its splits.

    Raises:
      FileNotFoundError: if there is no folder of data.
    """
    seeds = [options.seed + number for number in range(SPLITS)]
    if options.smoke:
        points, labels = load_wine(return_X_y=True)
        both = np.concatenate([labels, labels + 3])  # a table of 6 classes, the last 3 moved
        moved = np.concatenate([points, points + points.std(axis=0)])
        yield "wine", [split("wine", moved, both, np.arange(3), options.seed)]
        return
    yield "digits 0-5 → 6-9", [digits_of_two_halves(seed) for seed in seeds]
    folder = data_folder()
    index = {e["key"]: e for e in json.loads((folder / "tabular_index.json").read_text())}
    with np.load(folder / "tabular.npz") as arrays:
        for name in TABLES:
            points = arrays[f"{name}/X"]
            labels = np.unique(arrays[f"{name}/y"], return_inverse=True)[1]
            count = index[name]["k"]
            splits = []
            for seed in seeds:
                known = np.random.default_rng(seed).permutation(count)[: (count + 1) // 2]
                splits.append(split(name, points, labels, known, seed))
            kinds = f"{name}, {(count + 1) // 2} → {count // 2} of {count}"
            yield kinds, splits


class Trainings(NamedTuple):
    """Trainings of one split."""

    training: SimilarityConfig
    clustering: ConstrainedConfig
    methods: tuple[str, ...]  # of the learned ones


def recipe_of(data: Discovery, seed: int, options: Options) -> Trainings:
    """The trainings of one split: batches have the same number of rows of every known class."""
    training, clustering, methods = TRAINING, CLUSTERING, tuple(LEARNED)
    if options.smoke:
        training = dataclasses.replace(training, iterations=2, log_every=2)
        clustering = dataclasses.replace(clustering, epochs=1)
        methods = methods[:1]
    sizes = np.unique(data.known_labels, return_counts=True)[1]
    per_class = min(int(sizes.min()), BATCH // len(sizes))
    training = dataclasses.replace(training, seed=seed, classes=len(sizes), per_class=per_class)
    return Trainings(training, dataclasses.replace(clustering, seed=seed), methods)


def answers(data: Discovery, recipe: Trainings, *, progress: bool) -> Arrays:
    """Labels ``[N]`` of the new rows by method.

    Raises:
      SystemExit: if a signal stopped it.
    """
    backbone = MLP(columns=data.known.shape[1], hidden=HIDDEN)
    similarity, finished = learn_similarity(
        data.known, data.known_labels, backbone, recipe.training, run=RunOptions(progress=progress)
    )
    if not finished:
        raise SystemExit("stopped; the same command goes on after the last complete split")
    k, seed = data.num_clusters, recipe.clustering.seed
    found: Arrays = {}
    for method in recipe.methods:
        loss, many = LEARNED[method]
        config = dataclasses.replace(recipe.clustering, num_clusters=many or k, loss=loss)
        found[method] = clustered(similarity, data.new, config, progress=progress)["labels"]
    for method in ("k-means", "Gaussian mixture", "Ward"):
        found[method] = BASELINES[method](data.new, k, seed)
    features = adapted_features(similarity, data.new)
    found["k-means (G's features)"] = BASELINES["k-means"](features, k, seed)
    pairs = predict_similarity(similarity, data.new, adapt=True)
    found["agglomerative (G's answers)"] = agglomerative(pairs, k)
    return found


def scores_of(data: Discovery, seed: int, options: Options) -> dict[str, dict[str, float]]:
    """Scores of every method on one split; its labels are cached."""
    recipe = recipe_of(data, seed, options)
    config = {
        "data": content_hash((data.known, data.known_labels, data.new)),
        "hidden": HIDDEN,
        "training": dataclasses.asdict(recipe.training),
        "clustering": dataclasses.asdict(recipe.clustering),
    }
    name = f"discovery/{file_name(data.name)}_seed{seed}"
    compute = partial(answers, data, recipe, progress=not options.smoke)
    found = options.cache.arrays(name, config, compute)
    return {method: scores(data.new_labels, labels) for method, labels in found.items()}


def measure(options: Options) -> list[Record]:
    """Accuracy and ARI of every method on every table, over its splits."""
    lines: list[Record] = []
    for name, splits in tqdm(discoveries(options), desc="tables", total=1 + len(TABLES)):
        scored = [scores_of(data, options.seed + n, options) for n, data in enumerate(splits)]
        sizes = [len(data.new) for data in splits]
        training = dataclasses.asdict(TRAINING)
        extra = {"rows": round(float(np.mean(sizes))), "training": training}
        for method in scored[0]:
            for metric, values in (
                ("accuracy", [1 - one[method]["error"] for one in scored]),
                ("ARI", [one[method]["ARI"] for one in scored]),
            ):
                own = {**extra, "values": [round(value, 4) for value in values]}
                row = ("discovery", name, method, metric, values)
                lines.append(record(*row, seed=options.seed, extra=own))
    return lines


def render(records: list[Record]) -> str:
    """The section of RESULTS.md."""
    found = by_key(records, "dataset", "method", "metric")
    methods = list(dict.fromkeys(r["method"] for r in records))
    rows = []
    for dataset in dict.fromkeys(r["dataset"] for r in records):
        cells = []
        for method in methods:
            both = [found[dataset, method, metric] for metric in ("accuracy", "ARI")]
            cells.append(" / ".join(measured(entry, 1, scale=100) for entry in both))
        rows.append([dataset, *cells])
    first, true_k = records[0], [m for m in LEARNED if LEARNED[m][1] is None]
    better = [
        dataset
        for dataset in dict.fromkeys(r["dataset"] for r in records)
        if found[dataset, "k-means", "ARI"]["mean"]
        < max(found[dataset, m, "ARI"]["mean"] for m in true_k if (dataset, m, "ARI") in found)
    ]
    return (
        "## New classes in a table\n\n"
        + markdown_table(["accuracy % / ARI x100", *methods], rows)
        + "\n\nA similarity learned on the rows of some classes clusters the rows of the others: "
        f"means over {first['n']} splits ± standard error, at most {PER_CLASS} rows per class, "
        "columns standardised. Every split has other known classes, drawn at random; for the "
        "digits, it has other rows. The number of new classes is given, except where K is in the "
        "name of the method.\n\nTables on which the better of *learned (MCL, true K)* and "
        "*learned (KCL, true K)* has a larger mean ARI than k-means: "
        f"{', '.join(better) or 'none'} ({len(better)} of {len(rows)}).\n"
    )


if __name__ == "__main__":
    main("discovery", measure)
