"""Domain shift: digits of one source clustered by a similarity learned on another source.

Claim: where the two sources look different enough, clusters found by a similarity that was learned
on one source agree better with the digits of the other than the predictions of a classifier
trained on the first source, and better than those of k-means.

    python -m experiments.pairwise.domain_shift            # committed similarities: half an hour
    python -m experiments.pairwise.domain_shift --retrain  # trains them first
    python -m experiments.pairwise.domain_shift --smoke    # seconds, on small digits alone

Every clustering is cached in ``runs/``: a run that was stopped goes on with the same command.
"""

import dataclasses
from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

from experiments.lib.baselines import BASELINES
from experiments.lib.cache import Arrays, Cache, file_name
from experiments.lib.markdown import by_key, markdown_table, measured
from experiments.lib.paths import RUNS
from experiments.lib.records import Record, record
from experiments.lib.runner import Options, main
from experiments.pairwise.classifier import classes_of, learn_classifier
from experiments.pairwise.digit_data import SHIFTS, SIZE, Digits, mnist, shifted, small_digits
from experiments.pairwise.steps import Loss, adapted_features, clustered, similarity_of_file
from l2c_jax.metrics import scores
from l2c_jax.pairwise.backbones import VGGS
from l2c_jax.pairwise.config import ConstrainedConfig, SimilarityConfig
from l2c_jax.pairwise.layers import Variables
from l2c_jax.pairwise.learn import learn_similarity
from l2c_jax.pairwise.similarity import Similarity
from l2c_jax.training.loop import RunOptions
from l2c_jax.training.weights import content_hash

TRAINING = SimilarityConfig(iterations=2000, classes=10, per_class=10)
CLUSTERING = ConstrainedConfig(num_clusters=10, epochs=40)
SOURCE, TARGET, DRAWS = 10_000, 2000, 3  # labelled images, images to cluster, samples
LOSSES: dict[str, Loss] = {"learned (MCL)": "mcl", "learned (KCL)": "kcl"}
CLASSIFIERS = "classifier (source)", "classifier (source, target's batch norm)"


class Source(NamedTuple):
    """A source of labelled digits, and the two networks trained on it."""

    name: str
    similarity: Similarity
    classifier: Variables


def backbone_of(digits: Digits, width: float) -> VGGS:
    """The backbone for a source, with the mean and standard deviation of its images."""
    mean, scale = float(digits.images.mean() / 255), float(digits.images.std() / 255)
    return VGGS(size=SIZE, width=width, mean=round(mean, 4), scale=round(scale, 4))


def learned_from(
    name: str, digits: Digits, training: SimilarityConfig, options: Options
) -> Source:
    """Both networks of a source; the similarity has a weight file, the classifier has not."""
    if options.smoke:
        backbone = backbone_of(digits, 1 / 32)
        similarity, _ = learn_similarity(
            *digits, backbone, training, run=RunOptions(progress=False)
        )
        return Source(
            name, similarity, learn_classifier(*digits, backbone, training, progress=False)
        )
    backbone = backbone_of(digits, 0.5)
    slug = f"domain_shift_{name.replace(' ', '_')}"
    similarity = similarity_of_file(slug, lambda: (*digits, backbone), training, options)
    folder = RUNS / f"{slug}_classifier"
    return Source(name, similarity, learn_classifier(*digits, backbone, training, folder=folder))


def answers(
    source: Source, target: Digits, clustering: ConstrainedConfig, folder: str, cache: Cache
) -> Arrays:
    """Labels ``[N]`` of the target by method; those of classifiers are digits.

    Args:
      source: with both networks.
      target: N images.
      clustering: how; the loss is set here.
      folder: in the cache.
      cache: of the run.

    Returns:
      Labels by method.
    """
    similarity, images = source.similarity, target.images
    data = content_hash((images, similarity.variables, source.classifier))
    bar = cache.folder is not None
    found: Arrays = {}
    for method, loss in LOSSES.items():
        config = dataclasses.replace(clustering, loss=loss)
        compute = partial(clustered, similarity, images, config, progress=bar)
        own = {"data": data, **dataclasses.asdict(config)}
        found[method] = cache.arrays(f"{folder}/{loss}", own, compute)["labels"]
    compute = partial(baselines, source, images, clustering.seed)
    own = {"data": data, "seed": clustering.seed}
    return found | cache.arrays(f"{folder}/baselines", own, compute)


def baselines(source: Source, images: np.ndarray, seed: int) -> Arrays:
    """Labels ``[N]`` of the classifier, with both kinds of batch norm, and of k-means."""
    similarity = source.similarity
    predicted = [
        classes_of(source.classifier, images, similarity.backbone, adapt=adapt)
        for adapt in (False, True)
    ]
    pixels = images.reshape(len(images), -1) / 255.0
    kmeans = partial(BASELINES["k-means"], num_clusters=10, seed=seed)
    return {
        **dict(zip(CLASSIFIERS, predicted, strict=True)),
        "k-means (pixels)": kmeans(pixels),
        "k-means (G's features)": kmeans(adapted_features(similarity, images)),
    }


def settings(options: Options) -> Iterator[tuple[Source, str, list[Digits]]]:
    """Every source with every target, in several samples."""
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
        looks = [shifted(digits, shift, seed) for digits, seed in zip(plain, seeds, strict=True)]
        yield source, f"MNIST, {shift}", looks
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
            config = dataclasses.replace(clustering, seed=options.seed + draw)
            folder = f"domain_shift/{file_name(f'{dataset} {config.seed}')}"
            found = answers(source, target, config, folder, options.cache)
            for method, labels in found.items():
                accuracy = 1 - scores(target.labels, labels)["error"]
                if method in CLASSIFIERS:  # without relabelling
                    accuracy = float((labels == target.labels).mean())
                values.setdefault(method, []).append(accuracy)
        extra = {
            "images": len(targets[0].labels),
            "epochs": clustering.epochs,
            "similarity_steps": source.similarity.metadata.iterations,
        }
        for method, own in values.items():
            more: dict[str, Any] = {**extra, "values": [round(value, 4) for value in own]}
            row = ("domain_shift", dataset, method, "accuracy", own)
            lines.append(record(*row, seed=options.seed, extra=more))
    return lines


def render(records: list[Record]) -> str:
    """The section of RESULTS.md."""
    found = by_key(records, "dataset", "method")
    methods = list(dict.fromkeys(r["method"] for r in records))
    rows = []
    for dataset in dict.fromkeys(r["dataset"] for r in records):
        cells = []
        for method in methods:
            cells.append(measured(found[dataset, method], 1, scale=100))
        rows.append([dataset, *cells])
    first = records[0]
    return (
        "## The same classes with another appearance\n\n"
        + markdown_table(["accuracy %: learned on → clustered", *methods], rows)
        + f"\n\nUp to {first['images']} unlabelled digits of the target, in 10 clusters; mean ± "
        f"standard error over {first['n']} runs, each with another sample of the target, if it "
        "has more images than that, and another seed of the clustering. Similarity and classifier "
        "are trained once per source, so ± does not include the training seed. Accuracy of "
        "clusters: under the best relabelling; of classifiers: without relabelling. Classifiers "
        "are trained on the labelled source alone, with the architecture of the clustering "
        f"network and as many steps as the similarity ({first['similarity_steps']}); in the "
        f"second one, batch norm uses the statistics of the target, as in the similarity. "
        f"Clusterings: {first['epochs']} epochs. {verdict(found)} Above, "
        "below: by more than two standard errors of the difference.\n"
    )


def verdict(found: dict[tuple, Record]) -> str:
    """On how many targets each learned method is above or below each other one, in words."""
    targets = list(dict.fromkeys(dataset for dataset, _ in found))
    others = [m for m in dict.fromkeys(method for _, method in found) if m not in LOSSES]
    parts = []
    for method in LOSSES:
        if any((target, method) not in found for target in targets):
            continue
        said = []
        for other in others:
            sides = [side(found[t, method], found[t, other]) for t in targets]
            said.append(f"{other} on {sides.count(1)} and below it on {sides.count(-1)}")
        parts.append(f"Of {len(targets)} targets, {method} is above {', above '.join(said)}.")
    return " ".join(parts)


def side(one: Record, other: Record) -> int:
    """1 or -1 where two means differ by more than twice their common standard error, else 0."""
    gap = one["mean"] - other["mean"]
    spread = 2 * np.hypot(one["stderr"] or 0, other["stderr"] or 0)
    return int(np.sign(gap)) if abs(gap) > spread else 0


if __name__ == "__main__":
    main("domain_shift", measure)
