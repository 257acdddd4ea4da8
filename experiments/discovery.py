"""New classes in a table: a similarity learned on some classes finds the others.

Claim: rows of classes that were never labelled are clustered better by a similarity learned on
other classes of the same table than by k-means, where classes differ in the same way.

    python -m experiments.discovery          # half an hour on one core
    python -m experiments.discovery --smoke  # seconds, on a table that comes with scikit-learn

Every split of every table is kept under ``runs/``: a run that was stopped goes on with the same
command. A similarity of a table takes seconds to learn; none is shipped.
"""

import dataclasses
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.datasets import load_digits, load_wine
from tqdm import tqdm

from experiments.data import data_folder
from experiments.harness import RUNS, Options, main
from experiments.kept import Answer, file_name, kept_arrays
from experiments.pair_rivals import agglomerative
from experiments.pairwise_runs import Loss, adapted_features, clustered
from l2c_jax.baselines import BASELINES
from l2c_jax.evaluate import record, scores
from l2c_jax.io.tables import standardised
from l2c_jax.pairwise.backbones import MLP
from l2c_jax.pairwise.constrained import ClusterConfig
from l2c_jax.pairwise.predict import predict_similarity
from l2c_jax.pairwise.similarity import SimilarityConfig, learn_similarity
from l2c_jax.report import Record, markdown_table, measured
from l2c_jax.training.weights import fingerprint

TABLES = ("satimage", "sleep", "eucalyptus", "robot-nav-sensor-readings-2")
SPLITS = 5  # of each table's classes, at random
PER_CLASS = 500  # rows, at most
HIDDEN = (128, 128)
EPISODE = 100  # rows of a training step, as many of each known class
TRAINING = SimilarityConfig(iterations=3000)
CLUSTERING = ClusterConfig(epochs=100)
MANY = 20  # clusters, where the true number is not told
LEARNED: dict[str, tuple[Loss, int | None]] = {
    "learned (MCL, true K)": ("mcl", None),
    "learned (KCL, true K)": ("kcl", None),
    f"learned (MCL, K={MANY})": ("mcl", MANY),
}


class Discovery(NamedTuple):
    """A table in two parts that share no class."""

    name: str
    known: np.ndarray  # [M, D], labelled
    known_labels: np.ndarray  # [M] int
    new: np.ndarray  # [N, D], to be clustered
    new_labels: np.ndarray  # [N] int, to compare with

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
      points: ``[N, D]``, NaN for missing values, which become their column's mean.
      labels: ``[N]`` int.
      known: the known classes.
      seed: of the rows that are taken, at most ``PER_CLASS`` of each class.

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
    points = standardised(np.where(np.isnan(points), means, points))
    points = points[:, points.std(axis=0) > 0]
    own = np.isin(labels, known)
    return Discovery(name, points[own], labels[own], points[~own], labels[~own])


def digits_of_two_halves(seed: int) -> Discovery:
    """scikit-learn's digits as a table of pixels: 0 to 5 known, 6 to 9 to be found."""
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


def answers(
    data: Discovery,
    training: SimilarityConfig,
    clustering: ClusterConfig,
    methods: tuple[str, ...],
    *,
    progress: bool,
) -> Answer:
    """Labels ``[N]`` of the new rows by method, ``methods`` of the learned ones.

    Raises:
      SystemExit: if a signal stopped it.
    """
    trunk = MLP(columns=data.known.shape[1], hidden=HIDDEN)
    similarity, finished = learn_similarity(
        data.known, data.known_labels, trunk, training, progress=progress
    )
    if not finished:
        raise SystemExit("stopped; the same command goes on after the last whole split")
    found: Answer = {}
    for method in methods:
        loss, told = LEARNED[method]
        k = told or data.num_clusters
        config = dataclasses.replace(clustering, num_clusters=k, loss=loss)
        found[method] = clustered(similarity, data.new, config, progress=progress)["labels"]
    k, seed = data.num_clusters, clustering.seed
    for method in ("k-means", "Gaussian mixture", "Ward"):
        found[method] = BASELINES[method](data.new, k, seed)
    read = adapted_features(similarity, data.new)
    found["k-means (G's features)"] = BASELINES["k-means"](read, k, seed)
    said = predict_similarity(similarity, data.new, adapt=True)
    found["agglomerative (G's answers)"] = agglomerative(said, k)
    return found


def measure(options: Options) -> list[Record]:
    """Accuracy and ARI of every method on every table, over its splits."""
    lines: list[Record] = []
    training, clustering, methods = TRAINING, CLUSTERING, tuple(LEARNED)
    if options.smoke:
        training = dataclasses.replace(training, iterations=2, log_every=2)
        clustering = dataclasses.replace(clustering, epochs=1)
        methods = methods[:1]
    for name, splits in tqdm(discoveries(options), desc="tables", total=1 + len(TABLES)):
        found: dict[str, list[dict[str, float]]] = {}
        for number_of_split, data in enumerate(splits):
            seed = options.seed + number_of_split
            classes = len(np.unique(data.known_labels))
            least = int(np.unique(data.known_labels, return_counts=True)[1].min())
            learning = dataclasses.replace(
                training, seed=seed, classes=classes, per_class=min(least, EPISODE // classes)
            )
            config = dataclasses.replace(clustering, seed=seed)
            path = None if options.smoke else answer_file(data.name, seed)
            story = {
                "data": fingerprint((data.known, data.known_labels, data.new)),
                "hidden": HIDDEN,
                "training": dataclasses.asdict(learning),
                "clustering": dataclasses.asdict(config),
            }
            compute = partial(answers, data, learning, config, methods, progress=not options.smoke)
            for method, labels in kept_arrays(path, story, compute).items():
                found.setdefault(method, []).append(scores(data.new_labels, labels))
        sizes = [len(data.new) for data in splits]
        extra = {"rows": round(float(np.mean(sizes))), "training": dataclasses.asdict(training)}
        for method, scored in found.items():
            for metric, values in (
                ("accuracy", [1 - one["error"] for one in scored]),
                ("ARI", [one["ARI"] for one in scored]),
            ):
                own = {**extra, "values": [round(value, 4) for value in values]}
                lines.append(
                    record(
                        "discovery",
                        name,
                        method,
                        metric,
                        np.array(values),
                        seed=options.seed,
                        extra=own,
                    )
                )
    return lines


def answer_file(name: str, seed: int) -> Path:
    """Where a split's answers are kept."""
    return RUNS / "discovery" / f"{file_name(name)}_seed{seed}.npz"


def render(records: list[Record]) -> str:
    """The section of RESULTS.md."""
    found = {(r["dataset"], r["method"], r["metric"]): r for r in records}
    methods = list(dict.fromkeys(r["method"] for r in records))
    rows = []
    for dataset in dict.fromkeys(r["dataset"] for r in records):
        cells = []
        for method in methods:
            both = [found[dataset, method, metric] for metric in ("accuracy", "ARI")]
            cells.append(" / ".join(measured(entry, 1, scale=100) for entry in both))
        rows.append([dataset, *cells])
    first, told = records[0], [method for method in LEARNED if LEARNED[method][1] is None]
    better = [
        dataset
        for dataset in dict.fromkeys(r["dataset"] for r in records)
        if found[dataset, "k-means", "ARI"]["mean"]
        < max(found[dataset, m, "ARI"]["mean"] for m in told if (dataset, m, "ARI") in found)
    ]
    return (
        "## New classes in a table\n\n"
        + markdown_table(["accuracy % / ARI x100", *methods], rows)
        + "\n\nA similarity learned on the rows of some classes clusters the rows of the others: "
        f"means over {first['n']} splits, at most {PER_CLASS} rows a class, columns "
        "standardised. Which classes are known is drawn anew for every split, but for the "
        "digits, where the rows are. Methods are told the number of new classes, except where "
        f"K is printed. ± is the standard error over splits.\n\nAbove k-means by the ARI, with "
        f"the better of both losses and the number told: {', '.join(better) or 'none'} "
        f"({len(better)} of {len(rows)}).\n"
    )


if __name__ == "__main__":
    main("discovery", (__doc__ or "").split("\n")[0], measure)
