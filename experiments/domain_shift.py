"""The same classes with another look: digits of one source clustered by a similarity of another.

Claim: clusters found by a similarity that was learned on one source of digits agree with the
digits of another source better than a classifier trained on the first source tells them, where
the two look different enough, and better than k-means.

    python -m experiments.domain_shift            # shipped similarities: half an hour on one core
    python -m experiments.domain_shift --retrain  # learns them first
    python -m experiments.domain_shift --smoke    # seconds, on small digits alone

Every clustering is kept under ``runs/``: a run that was stopped goes on with the same command.
"""

import dataclasses
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

from experiments.classifier import classes_of, learn_classifier
from experiments.digit_data import SHIFTS, SIZE, Digits, mnist, shifted, small_digits
from experiments.harness import RUNS, Options, main
from experiments.kept import Answer, file_name, kept_arrays
from experiments.pairwise_runs import Loss, adapted_features, clustered, shipped_similarity
from l2c_jax.baselines import BASELINES
from l2c_jax.evaluate import record, scores
from l2c_jax.pairwise.backbones import VGGS
from l2c_jax.pairwise.constrained import ClusterConfig
from l2c_jax.pairwise.learned import Similarity
from l2c_jax.pairwise.networks import Variables
from l2c_jax.pairwise.similarity import SimilarityConfig, learn_similarity
from l2c_jax.report import Record, markdown_table, measured
from l2c_jax.training.weights import fingerprint

TRAINING = SimilarityConfig(iterations=2000, classes=10, per_class=10)
CLUSTERING = ClusterConfig(num_clusters=10, epochs=40)
SOURCE, TARGET, DRAWS = 10_000, 2000, 3  # labelled images, images to cluster, and how often
LOSSES: dict[str, Loss] = {"learned (MCL)": "mcl", "learned (KCL)": "kcl"}
NAMED = "classifier (source)", "classifier (source, target's batch norm)"


class Source(NamedTuple):
    """Labelled digits, and the two networks that learned from them."""

    name: str
    similarity: Similarity
    classifier: Variables


def trunk_of(digits: Digits, width: float) -> VGGS:
    """The trunk for a source, which it moves to mean 0 and standard deviation 1."""
    mean, scale = float(digits.images.mean() / 255), float(digits.images.std() / 255)
    return VGGS(size=SIZE, width=width, mean=round(mean, 4), scale=round(scale, 4))


def learned_from(
    name: str, digits: Digits, training: SimilarityConfig, options: Options
) -> Source:
    """Both networks of a source; the similarity is shipped, the classifier stays in ``runs/``."""
    if options.smoke:
        trunk = trunk_of(digits, 1 / 32)
        similarity, _ = learn_similarity(*digits, trunk, training, progress=False)
        return Source(name, similarity, learn_classifier(*digits, trunk, training, progress=False))
    trunk = trunk_of(digits, 0.5)
    slug = f"domain_shift_{name.replace(' ', '_')}"
    similarity = shipped_similarity(
        slug, lambda: (*digits, trunk), training, retrain=options.retrain
    )
    folder = RUNS / f"{slug}_classifier"
    return Source(name, similarity, learn_classifier(*digits, trunk, training, folder=folder))


def answers(
    source: Source,
    target: Digits,
    clustering: ClusterConfig,
    folder: Path | None,
) -> Answer:
    """Labels ``[N]`` of the target by method; those of classifiers are the digits themselves."""
    similarity, images = source.similarity, target.images
    told = fingerprint((images, similarity.variables, source.classifier))
    found: Answer = {}
    for method, loss in LOSSES.items():
        config = dataclasses.replace(clustering, loss=loss)
        path = None if folder is None else folder / f"{loss}.npz"
        story = {"data": told, **dataclasses.asdict(config)}
        compute = partial(clustered, similarity, images, config, progress=bool(folder))
        found[method] = kept_arrays(path, story, compute)["labels"]

    def rivals() -> Answer:
        named = [
            classes_of(source.classifier, images, similarity.trunk, adapt=adapt)
            for adapt in (False, True)
        ]
        pixels = images.reshape(len(images), -1) / 255.0
        kmeans = partial(BASELINES["k-means"], num_clusters=10, seed=clustering.seed)
        return {
            **dict(zip(NAMED, named, strict=True)),
            "k-means (pixels)": kmeans(pixels),
            "k-means (G's features)": kmeans(adapted_features(similarity, images)),
        }

    path = None if folder is None else folder / "rivals.npz"
    return found | kept_arrays(path, {"data": told, "seed": clustering.seed}, rivals)


def settings(options: Options) -> Iterator[tuple[Source, str, list[Digits]]]:
    """Every source with every target, several draws of it."""
    small = small_digits()
    if options.smoke:
        quick = dataclasses.replace(TRAINING, iterations=2, per_class=2, log_every=2)
        source = learned_from("small digits", small.sample(200, 0), quick, options)
        yield source, "noisy", [shifted(small.sample(20, 1), "noisy", options.seed)]
        return
    seeds = [options.seed + draw for draw in range(DRAWS)]
    training = TRAINING
    train, test = mnist("train"), mnist("t10k")
    source = learned_from("MNIST", train.sample(SOURCE, 0), training, options)
    plain = [test.sample(TARGET, seed) for seed in seeds]
    yield source, "MNIST, as it is", plain
    yield source, "small digits", [small.sample(TARGET, seed) for seed in seeds]
    for shift in SHIFTS:
        look = [shifted(digits, shift, seed) for digits, seed in zip(plain, seeds, strict=True)]
        yield source, f"MNIST, {shift}", look
    yield learned_from("small digits", small, training, options), "MNIST, as it is", plain


def measure(options: Options) -> list[Record]:
    """Accuracies of all methods on all targets."""
    clustering = CLUSTERING
    if options.smoke:
        clustering = dataclasses.replace(clustering, epochs=1)
    lines: list[Record] = []
    for source, name, targets in tqdm(settings(options), desc="targets", total=len(SHIFTS) + 3):
        dataset = f"{source.name} → {name}"
        values: dict[str, list[float]] = {}
        for draw, target in enumerate(targets):
            seed = options.seed + draw
            place = RUNS / "domain_shift" / file_name(f"{dataset} {seed}")
            folder = None if options.smoke else place
            config = dataclasses.replace(clustering, seed=seed)
            for method, labels in answers(source, target, config, folder).items():
                right = 1 - scores(target.labels, labels)["error"]
                if method in NAMED:  # a classifier tells the digit, not only a cluster
                    right = float((labels == target.labels).mean())
                values.setdefault(method, []).append(right)
        extra = {
            "images": len(targets[0].labels),
            "epochs": clustering.epochs,
            "similarity_steps": source.similarity.header["iterations"],
        }
        lines += [
            line(dataset, method, own, options.seed, extra) for method, own in values.items()
        ]
    return lines


def line(
    dataset: str, method: str, values: list[float], seed: int, extra: dict[str, Any]
) -> Record:
    """The accuracy of one method on one target, over its draws."""
    own = {**extra, "values": [round(value, 4) for value in values]}
    return record(
        "domain_shift", dataset, method, "accuracy", np.array(values), seed=seed, extra=own
    )


def render(records: list[Record]) -> str:
    """The section of RESULTS.md."""
    found = {(r["dataset"], r["method"]): r for r in records}
    methods = list(dict.fromkeys(r["method"] for r in records))
    rows = []
    for dataset in dict.fromkeys(r["dataset"] for r in records):
        cells = []
        for method in methods:
            cells.append(measured(found[dataset, method], 1, scale=100))
        rows.append([dataset, *cells])
    first = records[0]
    return (
        "## The same classes with another look\n\n"
        + markdown_table(["accuracy %: learned on → clustered", *methods], rows)
        + f"\n\nUp to {first['images']} unlabelled digits of the target, in 10 clusters; mean ± "
        f"standard error over {first['n']} runs, each with another draw of the target where it "
        "has more images than that, and another seed of the clustering. Similarity and "
        "classifier are trained once a source, so that ± holds no training seed. Clusters count "
        "under "
        "their best relabelling; the classifiers must name the digit. Classifiers were trained on "
        "the labelled source alone, with the clustering network's architecture and as many steps "
        f"as the similarity ({first['similarity_steps']}); the second one normalises by the "
        f"target's statistics, as the similarity does. Clusterings: {first['epochs']} epochs. "
        f"{verdict(found)} Above and below: by more than two standard errors of the difference.\n"
    )


def verdict(found: dict[tuple[str, str], Record]) -> str:
    """On how many targets each learned method is clearly above or below each other, in words."""
    targets = list(dict.fromkeys(dataset for dataset, _ in found))
    others = [m for m in dict.fromkeys(method for _, method in found) if m not in LOSSES]
    parts = []
    for method in LOSSES:
        if any((target, method) not in found for target in targets):
            continue
        told = []
        for other in others:
            sides = [side(found[t, method], found[t, other]) for t in targets]
            told.append(f"{other} on {sides.count(1)} and below it on {sides.count(-1)}")
        parts.append(f"Of {len(targets)} targets, {method} is above {', above '.join(told)}.")
    return " ".join(parts)


def side(one: Record, other: Record) -> int:
    """1 or -1 where two means differ by more than twice their common standard error, else 0."""
    gap = one["mean"] - other["mean"]
    spread = 2 * np.hypot(one["stderr"] or 0, other["stderr"] or 0)
    return int(np.sign(gap)) if abs(gap) > spread else 0


if __name__ == "__main__":
    main("domain_shift", (__doc__ or "").split("\n")[0], measure)
