"""Robustness: characters clustered by pairwise predictions of which a share is flipped.

Claim: networks that have the points as input lose less accuracy to wrong predictions than
clustering the predictions themselves.

    python -m experiments.pairwise.robustness          # half an hour on one core
    python -m experiments.pairwise.robustness --smoke  # seconds, on invented characters

The predictions are the true pairwise labels, each flipped with some probability; the true number
of clusters is given. Every clustering is cached in ``runs/``: a run that was stopped goes on with
the same command.
"""

import dataclasses
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from experiments.lib import plots
from experiments.lib.baselines.free_assignments import cluster_by_assignments
from experiments.lib.cache import Arrays, Cache
from experiments.lib.markdown import by_key, markdown_table, measured, number
from experiments.lib.records import Record, record
from experiments.lib.runner import Options, main
from experiments.pairwise.omniglot_data import (
    BACKGROUND,
    Alphabet,
    invented_alphabets,
    omniglot_file,
    read_alphabets,
)
from experiments.pairwise.omniglot_similarity import WIDTH, backbone_for
from experiments.pairwise.pair_baselines import agglomerative, spectral_of_pairs
from experiments.pairwise.steps import Loss, clustered
from l2c_jax.metrics import scores
from l2c_jax.pairwise.backbones import VGGS
from l2c_jax.pairwise.config import ConstrainedConfig, describe_config
from l2c_jax.training.weights import content_hash

RATES: tuple[float, ...] = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4)
ALPHABETS = 3  # those of the fewest characters
CLUSTERING = ConstrainedConfig(epochs=60, learning_rate=3e-3)
LOSSES: dict[str, Loss] = {"learned (MCL)": "mcl", "learned (KCL)": "kcl"}
CORRECTED = "learned (MCL, rate known)"
"""MCL corrected for the rate of flips, see :func:`l2c_jax.pairwise.losses.noisy_mcl`."""
PICTURE = "robustness.png"


def flipped(labels: np.ndarray, rate: float, seed: int) -> np.ndarray:
    """True pairwise labels, each flipped with some probability; the diagonal is not flipped.

    Args:
      labels: ``[N]`` int, the truth.
      rate: the probability.
      seed: of the flips.

    Returns:
      ``[N, N]`` bool, symmetric.

    Example:
      >>> flipped(np.array([0, 0, 1]), 0.0, 0).astype(int).tolist()
      [[1, 1, 0], [1, 1, 0], [0, 0, 1]]
    """
    upper = np.triu(np.random.default_rng(seed).random((len(labels), len(labels))) < rate, 1)
    return (labels[:, None] == labels[None, :]) ^ (upper | upper.T)


def baselines(pairs: np.ndarray, num_clusters: int, seed: int) -> Arrays:
    """Labels ``[N]`` by method, from the pairwise labels ``[N, N]`` alone."""
    found = {
        "agglomerative": agglomerative(pairs, num_clusters),
        "spectral": spectral_of_pairs(pairs, num_clusters, seed),
    }
    for name in ("mcl", "kcl"):
        labels = cluster_by_assignments(pairs, num_clusters, loss=name, seed=seed).labels
        found[f"free assignments ({name.upper()})"] = labels
    return found


def answers(
    alphabet: Alphabet, rate: float, backbone: VGGS, clustering: ConstrainedConfig, cache: Cache
) -> Arrays:
    """Labels ``[N]`` by method, for one alphabet and one rate."""
    seed, k, width = clustering.seed, alphabet.num_clusters, backbone.width
    pairs = flipped(alphabet.labels, rate, seed)
    shared = {
        "data": content_hash((alphabet.images, pairs)),
        "backbone": dataclasses.asdict(backbone),
    }
    name = f"robustness_width{width:g}_seed{seed}/{alphabet.name}_{round(100 * rate)}"
    bar = cache.folder is not None
    found: Arrays = {}
    for method, loss in LOSSES.items():
        config = dataclasses.replace(clustering, num_clusters=k, loss=loss)
        compute = partial(clustered, pairs, alphabet.images, config, backbone, progress=bar)
        own = {**shared, **describe_config(config)}
        found[method] = cache.arrays(f"{name}/{loss}", own, compute)["labels"]
    found[CORRECTED] = found["learned (MCL)"]
    if rate > 0:  # without noise it is the same loss
        config = dataclasses.replace(clustering, num_clusters=k, confusion=(1 - rate, rate))
        compute = partial(clustered, pairs, alphabet.images, config, backbone, progress=bar)
        own = {**shared, **describe_config(config)}
        found[CORRECTED] = cache.arrays(f"{name}/corrected", own, compute)["labels"]
    compute = partial(baselines, pairs, k, seed)
    return found | cache.arrays(f"{name}/baselines", {**shared, "seed": seed}, compute)


def measure(options: Options) -> list[Record]:
    """All methods at all rates, and a picture of them."""
    clustering = dataclasses.replace(CLUSTERING, seed=options.seed)
    if options.smoke:
        alphabets = invented_alphabets(1, 3, 5, seed=options.seed)
        width, rates = 1 / 32, RATES[-1:]
        clustering = dataclasses.replace(clustering, epochs=1)
    else:
        width, rates = options.own.get("width", WIDTH), RATES
        alphabets = read_alphabets(omniglot_file())[BACKGROUND:]
        alphabets = sorted(alphabets, key=lambda alphabet: alphabet.num_clusters)[:ALPHABETS]
    backbone = backbone_for(np.concatenate([a.images for a in alphabets]), width)
    extra = {"width": width, "epochs": clustering.epochs, "alphabets": [a.name for a in alphabets]}
    found: dict[float, list[Arrays]] = {rate: [] for rate in rates}
    for rate, alphabet in tqdm([(r, a) for r in rates for a in alphabets], desc="settings"):
        found[rate].append(answers(alphabet, rate, backbone, clustering, options.cache))
    lines = list(records(alphabets, found, options.seed, extra))
    draw(options.out, lines)
    return lines


def records(
    alphabets: list[Alphabet],
    found: dict[float, list[Arrays]],
    seed: int,
    extra: dict[str, Any],
) -> Iterator[Record]:
    """Accuracy and ARI of every method at every rate, means over alphabets."""
    for rate, labels in found.items():
        dataset = f"{len(alphabets)} alphabets, {number(100 * rate, 0)} % of the answers flipped"
        for method in labels[0]:
            scored = [
                scores(alphabet.labels, answer[method])
                for alphabet, answer in zip(alphabets, labels, strict=True)
            ]
            for metric, values in (
                ("accuracy", [1 - one["error"] for one in scored]),
                ("ARI", [one["ARI"] for one in scored]),
            ):
                own = {"flipped": rate, "values": [round(value, 4) for value in values], **extra}
                yield record(
                    "robustness", dataset, method, metric, np.array(values), seed=seed, extra=own
                )


def draw(out: Path, records: list[Record]) -> None:
    """Accuracy against the share of flipped pairs."""
    curves: dict[str, list[tuple[float, float]]] = {}
    for entry in records:
        if entry["metric"] == "accuracy":
            point = (100 * entry["flipped"], 100 * entry["mean"])
            curves.setdefault(entry["method"], []).append(point)
    out.mkdir(parents=True, exist_ok=True)
    plots.curves(out / PICTURE, curves, x="flipped pairs, %", y="accuracy, %")


def render(records: list[Record]) -> str:
    """The section of RESULTS.md."""
    accuracy = [r for r in records if r["metric"] == "accuracy"]
    found = by_key(accuracy, "method", "flipped")
    methods = dict.fromkeys(method for method, _ in found)
    rates = list(dict.fromkeys(rate for _, rate in found))
    rows = [
        [method, *(measured(found[method, rate], 1, scale=100) for rate in rates)]
        for method in methods
    ]
    first = records[0]
    known = ""
    if CORRECTED in methods:
        known = "Rate known: the loss MCL, corrected for flips at the rate in the header. "
    names = ", ".join(name.replace("_", " ") for name in first["alphabets"])
    return (
        "## Wrong pairwise predictions\n\n"
        + markdown_table(["accuracy %", *(f"{number(100 * r, 0)} %" for r in rates)], rows)
        + f"\n\nCharacters of {first['n']} alphabets of Omniglot ({names}), clustered by the true "
        "pairwise labels, of which the share in the header is flipped; means over the alphabets ± "
        "standard error. The true number of clusters is given. Learned: a network of "
        f"{first['width']:g} times the published width on the images, {first['epochs']} epochs. "
        "Free assignments: the same loss with a vector of free logits per point instead of a "
        f"network. {known}{verdict(found)}\n\n"
        f"![accuracy against flipped pairs]({PICTURE})\n"
    )


def verdict(found: dict[tuple, Record]) -> str:
    """The loss of accuracy of the learned methods, and the best method at each rate, in words."""
    rates = [rate for _, rate in found]
    least, most = min(rates), max(rates)
    drop = ", ".join(
        f"of {method} from {number(100 * found[method, least]['mean'], 1)} to "
        f"{number(100 * found[method, most]['mean'], 1)} %"
        for method in dict.fromkeys(method for method, _ in found)
        if method in (*LOSSES, CORRECTED)
    )
    best_at = []
    for rate in sorted(set(rates)):
        means = {key[0]: found[key]["mean"] for key in found if key[1] == rate}
        best = [method for method, mean in means.items() if mean == max(means.values())]
        best_at.append(f"{number(100 * rate, 0)} %: {' and '.join(best)}")
    return (
        f"From {number(100 * least, 0)} to {number(100 * most, 0)} % flipped, the accuracy "
        f"changes {drop}. Best at {', '.join(best_at)}."
    )


if __name__ == "__main__":
    own = {"width": {"type": float, "default": WIDTH, "help": "of the backbone"}}
    main("robustness", measure, own=own)
