"""Omniglot: characters of 20 alphabets discovered by a similarity learned on 30 others.

Claim: with the true number of clusters, and with 100, networks trained on the learned
similarity's answers find characters they have never seen, more of them than k-means, spectral
clustering and Ward on pixels or on the similarity's own features, and than clustering its answers
directly.

    python -m experiments.omniglot               # hours on one core, the similarity included
    python -m experiments.omniglot --share 1/2   # only the first half of the clusterings, to run
    python -m experiments.omniglot --share 2/2   # beside the other; then once without --share
    python -m experiments.omniglot --retrain     # learns the similarity anew
    python -m experiments.omniglot --smoke       # seconds, on invented characters

Every clustering is kept under ``runs/``: a run that was stopped goes on with the same command. The
similarity is learned once, by ``experiments.omniglot_similarity`` or by the first run, in about an
hour; its file, of 9 MB, is kept beside the other weights but not under version control. So that
two cores suffice, trunks have half the published width and clusterings take 60 epochs at three
times the learning rate; ``--width 1 --epochs 150 --learning-rate 1e-3`` is as published.
"""

import dataclasses
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from tqdm import tqdm

from experiments.harness import RUNS, Options, main
from experiments.kept import Answer, file_name, kept_arrays
from experiments.omniglot_data import (
    BACKGROUND,
    Alphabet,
    invented_alphabets,
    omniglot_file,
    read_alphabets,
)
from experiments.omniglot_page import PICTURED, draw, render
from experiments.omniglot_scores import MANY, records
from experiments.omniglot_similarity import WIDTH, omniglot_similarity, smoke_similarity
from experiments.pair_rivals import agglomerative, spectral_of_pairs
from experiments.pairwise_runs import Loss, adapted_features, clustered
from l2c_jax.baselines import BASELINES
from l2c_jax.metrics import error_rate
from l2c_jax.pairwise.constrained import ClusterConfig
from l2c_jax.pairwise.learned import Similarity
from l2c_jax.pairwise.partition import partition
from l2c_jax.pairwise.predict import predict_similarity
from l2c_jax.report import Record
from l2c_jax.training.weights import fingerprint

__all__ = ["measure", "render"]

EPOCHS, LEARNING_RATE = 60, 3e-3  # of every clustering; as published: 150 and 1e-3
NEIGHBOURS = 10  # of the graph for spectral clustering of points


class Setting(NamedTuple):
    """One way to reconstruct clusters."""

    loss: Loss
    num_clusters: int | None  # None: the true K


LEARNED = {
    "learned (MCL, true K)": Setting("mcl", None),
    "learned (MCL, K=100)": Setting("mcl", MANY),
    "learned (KCL, true K)": Setting("kcl", None),
    "learned (KCL, K=100)": Setting("kcl", MANY),
}
SMOKE = ("learned (MCL, K=100)", "learned (KCL, true K)")  # of these, in smoke runs


def rivals(similarity: Similarity, alphabet: Alphabet, seed: int) -> Answer:
    """What points, features and pairwise answers give without the constrained network.

    The similarity adapts to the alphabet here as it does for the network: its batch norm takes
    the statistics of the images at hand, all of them at once.

    Args:
      similarity: G.
      alphabet: N images.
      seed: of the baselines.

    Returns:
      By method, labels ``[N]``; ``said``: G's answers ``[N, N]`` bool.
    """
    images, k = alphabet.images, alphabet.num_clusters
    inputs = {
        "pixels": images.reshape(len(images), -1) / 255.0,
        "G's features": adapted_features(similarity, images),
    }
    found: Answer = {}
    for name, points in inputs.items():
        for method, options in (
            ("k-means", {}),
            ("spectral", {"neighbours": NEIGHBOURS}),
            ("Ward", {}),
        ):
            found[f"{method} ({name})"] = BASELINES[method](points, k, seed, **options)
    said = predict_similarity(similarity, images, adapt=True)
    found["spectral (G's answers)"] = spectral_of_pairs(said, k, seed)
    found["agglomerative (G's answers)"] = agglomerative(said, k)
    found["agglomerative (G's answers, K unknown)"] = agglomerative(said, None)
    for name, clusters in (("true K", k), (f"K={MANY}", MANY)):
        found[f"free assignments (MCL, {name})"] = partition(said, clusters, seed=seed).labels
    return {**found, "said": said > 0.5}


class Job(NamedTuple):
    """One clustering of one alphabet: where it is kept, what it follows from, how it is made."""

    path: Path | None
    story: dict[str, Any]
    compute: Callable[[], Answer]


def jobs(
    similarity: Similarity,
    alphabets: list[Alphabet],
    clustering: ClusterConfig,
    folder: Path | None,
    *,
    progress: bool,
) -> dict[tuple[str, str], Job]:
    """All clusterings by name of the alphabet and method; what is quick counts as one method.

    Args:
      similarity: G.
      alphabets: to cluster.
      clustering: how; its loss and K are set here, its seed serves all methods.
      folder: where answers are kept; ``None`` keeps nothing.
      progress: a bar for each clustering.

    Returns:
      What to do, method by method, the quick ones first.
    """
    known_by = fingerprint(similarity.variables)
    found = {}
    for alphabet in alphabets:
        shared = {"images": fingerprint(alphabet.images), "similarity": known_by}
        place = None if folder is None else folder / alphabet.name
        work: dict[str, tuple[dict[str, Any], Callable[[], Answer]]] = {}
        for method, (loss, told) in LEARNED.items():
            k = told or alphabet.num_clusters
            config = dataclasses.replace(clustering, num_clusters=k, loss=loss)
            learn = partial(clustered, similarity, alphabet.images, config, progress=progress)
            work[method] = (dataclasses.asdict(config), learn)
        others = partial(rivals, similarity, alphabet, clustering.seed)
        work["rivals"] = ({"seed": clustering.seed, "version": 1}, others)
        for method, (story, compute) in work.items():
            path = None if place is None else place / f"{file_name(method)}.npz"
            story = {**shared, **story}
            found[alphabet.name, method] = Job(path, story, compute)
    methods = ["rivals", *LEARNED]
    return dict(sorted(found.items(), key=lambda item: methods.index(item[0][1])))


def share_of(text: str | None) -> tuple[int, int]:
    """The part of the work that was asked for.

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


def done(work: dict[tuple[str, str], Job], alphabets: list[Alphabet]) -> dict[str, Answer]:
    """Every clustering, kept or made; accuracies so far are told as they come.

    Args:
      work: what to do.
      alphabets: with the truth, for what is told.

    Returns:
      By alphabet: labels ``[N]`` by method, the learned ones first, and G's answers as ``said``;
      the assignment probabilities ``[N, K]`` of the pictured method as ``probabilities``.
    """
    truth = {alphabet.name: alphabet.labels for alphabet in alphabets}
    answers: dict[str, Answer] = {name: {} for name in truth}
    for (name, method), job in tqdm(work.items(), desc="clusterings"):
        found = kept_arrays(*job)
        if method == "rivals":
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
    clustering = ClusterConfig(
        epochs=own["epochs"], learning_rate=own["learning_rate"], seed=options.seed
    )
    if options.smoke:
        similarity = smoke_similarity(options.seed)
        alphabets = invented_alphabets(1, 3, 5, seed=options.seed + 1)
        clustering = dataclasses.replace(clustering, epochs=1)
        work = jobs(similarity, alphabets, clustering, None, progress=False)
        work = {key: job for key, job in work.items() if key[1] in (*SMOKE, "rivals")}
    else:
        alphabets = read_alphabets(omniglot_file())[BACKGROUND:]
        similarity = omniglot_similarity(own["width"], retrain=options.retrain)
        name = "omniglot_width{width:g}_epochs{epochs}_rate{learning_rate:g}".format(**own)
        folder = RUNS / f"{name}_seed{options.seed}"
        work = jobs(similarity, alphabets, clustering, folder, progress=True)
    part, parts = share_of(own.get("share"))
    if parts > 1:
        done(dict(list(work.items())[part::parts]), alphabets)
        raise SystemExit("this share is done; once all are, run the command without --share")
    answers = done(work, alphabets)
    shown = {name: answer.pop("probabilities") for name, answer in answers.items()}
    extra = {
        "width": getattr(similarity.trunk, "width", None),
        "epochs": clustering.epochs,
        "learning_rate": clustering.learning_rate,
        "similarity_steps": similarity.header["iterations"],
    }
    lines = records(alphabets, answers, options.seed, extra)
    draw(options.out, alphabets, shown, lines, options.seed)
    return lines


if __name__ == "__main__":
    main(
        "omniglot",
        (__doc__ or "").split("\n")[0],
        measure,
        own={
            "width": {"type": float, "default": WIDTH, "help": "of the trunks"},
            "epochs": {"type": int, "default": EPOCHS, "help": "of every clustering"},
            "learning-rate": {"type": float, "default": LEARNING_RATE, "help": "of clusterings"},
            "share": {"help": "do only this share of the clusterings, such as 1/2"},
        },
    )
