"""Omniglot: characters of 20 alphabets clustered by a similarity learned on 30 others.

Claim: with the true number of clusters, and with 100, networks trained on the predictions of the
learned similarity have a higher accuracy on unseen characters than k-means, spectral clustering
and Ward on pixels or on the similarity's own features, and than clustering its predictions
directly.

    python -m experiments.pairwise.omniglot               # hours on one core, G included
    python -m experiments.pairwise.omniglot --share 1/2   # the first half of the clusterings, to
    python -m experiments.pairwise.omniglot --share 2/2   # run beside the other; then all
    python -m experiments.pairwise.omniglot --retrain     # trains the similarity G anew
    python -m experiments.pairwise.omniglot --smoke       # seconds, on invented characters

Every clustering is cached in ``runs/``: a run that was stopped goes on with the same command. G is
trained once, by ``experiments.pairwise.omniglot_similarity`` or by the first run, in about an
hour; its file of 9 MB is not committed. To fit on two cores, backbones have half the published
width and clusterings take 60 epochs at three times the published learning rate;
``--width 1 --epochs 150 --learning-rate 1e-3`` is as published.
"""

import dataclasses
import sys
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from tqdm import tqdm

from experiments.lib.baselines import BASELINES
from experiments.lib.baselines.free_assignments import cluster_by_assignments
from experiments.lib.cache import Arrays, Cache, file_name
from experiments.lib.records import Record
from experiments.lib.runner import Options, main
from experiments.pairwise.omniglot_data import (
    BACKGROUND,
    Alphabet,
    invented_alphabets,
    omniglot_file,
    read_alphabets,
)
from experiments.pairwise.omniglot_page import PICTURED, draw, render
from experiments.pairwise.omniglot_scores import MANY, records
from experiments.pairwise.omniglot_similarity import WIDTH, omniglot_similarity, smoke_similarity
from experiments.pairwise.pair_baselines import agglomerative, spectral_of_pairs
from experiments.pairwise.steps import Loss, adapted_features, clustered
from l2c_jax.metrics import error_rate
from l2c_jax.pairwise.config import ConstrainedConfig
from l2c_jax.pairwise.predict import predict_similarity
from l2c_jax.pairwise.similarity import Similarity
from l2c_jax.training.weights import content_hash

__all__ = ["measure", "render"]

EPOCHS, LEARNING_RATE = 60, 3e-3  # of every clustering; as published: 150 and 1e-3
NEIGHBORS = 10  # in the graph of spectral clustering of points
QUICK = "baselines"


class Setting(NamedTuple):
    """One constrained clustering network."""

    loss: Loss
    num_clusters: int | None  # None: the true K


LEARNED = {
    "learned (MCL, true K)": Setting("mcl", None),
    "learned (MCL, K=100)": Setting("mcl", MANY),
    "learned (KCL, true K)": Setting("kcl", None),
    "learned (KCL, K=100)": Setting("kcl", MANY),
}
SMOKE = ("learned (MCL, K=100)", "learned (KCL, true K)")  # of these, in smoke runs


def baselines(similarity: Similarity, alphabet: Alphabet, seed: int) -> Arrays:
    """Partitions by points, features and pairwise predictions, without a clustering network.

    Batch norm of G uses the statistics of all images of the alphabet, as in the clustering
    network.

    Args:
      similarity: G.
      alphabet: N images.
      seed: of the baselines.

    Returns:
      By method, labels ``[N]``; as ``pairs``, G's predictions ``[N, N]`` bool.
    """
    images, k = alphabet.images, alphabet.num_clusters
    inputs = {
        "pixels": images.reshape(len(images), -1) / 255.0,
        "G's features": adapted_features(similarity, images),
    }
    found: Arrays = {}
    for name, points in inputs.items():
        for method, setting in (
            ("k-means", {}),
            ("spectral", {"neighbours": NEIGHBORS}),
            ("Ward", {}),
        ):
            found[f"{method} ({name})"] = BASELINES[method](points, k, seed, **setting)
    pairs = predict_similarity(similarity, images, adapt=True)
    found["spectral (G's answers)"] = spectral_of_pairs(pairs, k, seed)
    found["agglomerative (G's answers)"] = agglomerative(pairs, k)
    found["agglomerative (G's answers, K unknown)"] = agglomerative(pairs, None)
    for name, clusters in (("true K", k), (f"K={MANY}", MANY)):
        found[f"free assignments (MCL, {name})"] = cluster_by_assignments(
            pairs, clusters, seed=seed
        ).labels
    return {**found, "pairs": pairs > 0.5}


class Job(NamedTuple):
    """One clustering of one alphabet, as an entry of the cache."""

    name: str
    run_config: dict[str, Any]
    compute: Callable[[], Arrays]


Jobs = dict[tuple[str, str], Job]
"""Clusterings by name of the alphabet and method; all quick ones are one method."""


def jobs(
    similarity: Similarity,
    alphabets: list[Alphabet],
    clustering: ConstrainedConfig,
    folder: str,
    *,
    progress: bool,
) -> Jobs:
    """All clusterings, method by method, the quick ones first.

    Args:
      similarity: G.
      alphabets: to cluster.
      clustering: how; its loss and K are set here, its seed serves all methods.
      folder: in the cache.
      progress: a bar for each clustering.

    Returns:
      The work.
    """
    found = {}
    for alphabet in alphabets:
        images = content_hash(alphabet.images)
        shared = {"images": images, "similarity": content_hash(similarity.variables)}
        work: dict[str, tuple[dict[str, Any], Callable[[], Arrays]]] = {}
        for method, (loss, many) in LEARNED.items():
            k = many or alphabet.num_clusters
            config = dataclasses.replace(clustering, num_clusters=k, loss=loss)
            learn = partial(clustered, similarity, alphabet.images, config, progress=progress)
            work[method] = (dataclasses.asdict(config), learn)
        others = partial(baselines, similarity, alphabet, clustering.seed)
        work[QUICK] = ({"seed": clustering.seed, "version": 1}, others)
        for method, (own, compute) in work.items():
            name = f"{folder}/{alphabet.name}/{file_name(method)}"
            found[alphabet.name, method] = Job(name, {**shared, **own}, compute)
    methods = [QUICK, *LEARNED]
    return dict(sorted(found.items(), key=lambda item: methods.index(item[0][1])))


def share_of(text: str | None) -> tuple[int, int]:
    """Index and number of the parts of the work.

    Example:
      >>> share_of("2/3"), share_of(None)
      ((1, 3), (0, 1))
    """
    try:
        part, parts = map(int, (text or "1/1").split("/"))
    except ValueError as error:
        raise SystemExit(f"--share must look like 1/2, got {text}") from error
    if not 1 <= part <= parts:
        raise SystemExit(f"--share must lie between 1/{parts} and {parts}/{parts}, got {text}")
    return part - 1, parts


def done(work: Jobs, alphabets: list[Alphabet], cache: Cache) -> dict[str, Arrays]:
    """Every clustering, cached or computed; prints each accuracy.

    Args:
      work: the clusterings.
      alphabets: with the truth, for the accuracies.
      cache: of the run.

    Returns:
      By alphabet: labels ``[N]`` by method, the learned ones first, and G's predictions as
      ``pairs``; the assignment probabilities ``[N, K]`` of the pictured method as
      ``probabilities``.
    """
    truth = {alphabet.name: alphabet.labels for alphabet in alphabets}
    answers: dict[str, Arrays] = {name: {} for name in truth}
    for (name, method), job in tqdm(work.items(), desc="clusterings"):
        found = cache.arrays(*job)
        if method == QUICK:
            answers[name] |= found
            continue
        accuracy = 1 - error_rate(truth[name], found["labels"])
        tqdm.write(f"{name}, {method}: accuracy {accuracy:.3f}", file=sys.stderr)
        answers[name] = {**answers[name], method: found["labels"]}
        if method == PICTURED:
            answers[name]["probabilities"] = found["probabilities"]
    order = list(LEARNED)
    return {
        name: {m: own[m] for m in sorted(own, key=lambda m: m not in order)}
        for name, own in answers.items()
    }


def measure(options: Options) -> list[Record]:
    """All clusterings, their scores, pictures of one alphabet."""
    own = {"width": WIDTH, "epochs": EPOCHS, "learning_rate": LEARNING_RATE, **options.own}
    clustering = ConstrainedConfig(
        epochs=own["epochs"], learning_rate=own["learning_rate"], seed=options.seed
    )
    if options.smoke:
        similarity = smoke_similarity(options.seed)
        alphabets = invented_alphabets(1, 3, 5, seed=options.seed + 1)
        clustering = dataclasses.replace(clustering, epochs=1)
        work = jobs(similarity, alphabets, clustering, "smoke", progress=False)
        work = {key: job for key, job in work.items() if key[1] in (*SMOKE, QUICK)}
    else:
        alphabets = read_alphabets(omniglot_file())[BACKGROUND:]
        similarity = omniglot_similarity(own["width"], options)
        name = "omniglot_width{width:g}_epochs{epochs}_rate{learning_rate:g}".format(**own)
        folder = f"{name}_seed{options.seed}"
        work = jobs(similarity, alphabets, clustering, folder, progress=True)
    part, parts = share_of(own.get("share"))
    if parts > 1:
        done(dict(list(work.items())[part::parts]), alphabets, options.cache)
        raise SystemExit("this share is done; once all are, run the command without --share")
    answers = done(work, alphabets, options.cache)
    shown = {name: answer.pop("probabilities") for name, answer in answers.items()}
    extra = {
        "width": getattr(similarity.backbone, "width", None),
        "epochs": clustering.epochs,
        "learning_rate": clustering.learning_rate,
        "similarity_steps": similarity.metadata.iterations,
    }
    lines = records(alphabets, answers, options.seed, extra)
    draw(options.out, alphabets, shown, lines, options.seed)
    return lines


if __name__ == "__main__":
    main(
        "omniglot",
        measure,
        own={
            "width": {"type": float, "default": WIDTH, "help": "of the backbones"},
            "epochs": {"type": int, "default": EPOCHS, "help": "of every clustering"},
            "learning-rate": {"type": float, "default": LEARNING_RATE, "help": "of clusterings"},
            "share": {"help": "do only this share of the clusterings, such as 1/2"},
        },
    )
