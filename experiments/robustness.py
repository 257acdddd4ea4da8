"""Wrong answers: characters clustered by pairwise answers of which a share is flipped.

Claim: networks that read the points bear with many more wrong answers than clustering the answers
themselves does.

    python -m experiments.robustness          # half an hour on one core
    python -m experiments.robustness --smoke  # seconds, on invented characters

The answers are the true ones, each pair's flipped with some probability, once and for all; the
true number of clusters is told. Every clustering is kept under ``runs/``: a run that was stopped
goes on with the same command.
"""

import dataclasses
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from experiments.harness import RUNS, Options, main
from experiments.kept import Answer, kept_arrays
from experiments.omniglot_data import (
    BACKGROUND,
    Alphabet,
    invented_alphabets,
    omniglot_file,
    read_alphabets,
)
from experiments.omniglot_similarity import WIDTH, trunk_for
from experiments.pair_rivals import agglomerative, spectral_of_pairs
from experiments.pairwise_runs import Loss, clustered
from l2c_jax import plots
from l2c_jax.evaluate import record, scores
from l2c_jax.pairwise.backbones import VGGS
from l2c_jax.pairwise.constrained import ClusterConfig
from l2c_jax.pairwise.partition import partition
from l2c_jax.report import Record, markdown_table, measured, number
from l2c_jax.training.weights import fingerprint

RATES = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4)
ALPHABETS = 3  # those of the fewest characters
CLUSTERING = ClusterConfig(epochs=60, learning_rate=3e-3)
LOSSES: dict[str, Loss] = {"learned (MCL)": "mcl", "learned (KCL)": "kcl"}
PICTURE = "robustness.png"


def flipped(labels: np.ndarray, rate: float, seed: int) -> np.ndarray:
    """True pairwise answers, each flipped with some probability; a point's own is right.

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


def rivals(said: np.ndarray, num_clusters: int, seed: int) -> Answer:
    """Labels ``[N]`` by method, from the answers ``[N, N]`` alone."""
    found = {
        "agglomerative": agglomerative(said, num_clusters),
        "spectral": spectral_of_pairs(said, num_clusters, seed),
    }
    for name in ("mcl", "kcl"):
        labels = partition(said, num_clusters, loss=name, seed=seed).labels
        found[f"free assignments ({name.upper()})"] = labels
    return found


def answers(
    alphabet: Alphabet,
    rate: float,
    trunk: VGGS,
    clustering: ClusterConfig,
    folder: Path | None,
) -> Answer:
    """Labels ``[N]`` by method, for one alphabet and one rate."""
    seed, k = clustering.seed, alphabet.num_clusters
    said = flipped(alphabet.labels, rate, seed)
    story = {"data": fingerprint((alphabet.images, said)), "trunk": dataclasses.asdict(trunk)}
    place = None if folder is None else folder / f"{alphabet.name}_{round(100 * rate)}"
    found: Answer = {}
    for method, loss in LOSSES.items():
        config = dataclasses.replace(clustering, num_clusters=k, loss=loss)
        compute = partial(clustered, said, alphabet.images, config, trunk, progress=bool(folder))
        path = None if place is None else place / f"{loss}.npz"
        found[method] = kept_arrays(path, {**story, **dataclasses.asdict(config)}, compute)[
            "labels"
        ]
    path = None if place is None else place / "rivals.npz"
    return found | kept_arrays(path, {**story, "seed": seed}, partial(rivals, said, k, seed))


def measure(options: Options) -> list[Record]:
    """All methods at all rates, and a picture of them."""
    clustering = dataclasses.replace(CLUSTERING, seed=options.seed)
    if options.smoke:
        alphabets = invented_alphabets(1, 3, 5, seed=options.seed)
        folder, width = None, 1 / 32
        rates: tuple[float, ...] = (0.4,)
        clustering = dataclasses.replace(clustering, epochs=1)
    else:
        width = options.own.get("width", WIDTH)
        alphabets = read_alphabets(omniglot_file())[BACKGROUND:]
        alphabets = sorted(alphabets, key=lambda alphabet: alphabet.num_clusters)[:ALPHABETS]
        rates, folder = RATES, RUNS / f"robustness_width{width:g}_seed{options.seed}"
    trunk = trunk_for(np.concatenate([a.images for a in alphabets]), width)
    extra = {"width": width, "epochs": clustering.epochs, "alphabets": [a.name for a in alphabets]}
    found: dict[float, list[Answer]] = {rate: [] for rate in rates}
    for rate, alphabet in tqdm([(r, a) for r in rates for a in alphabets], desc="settings"):
        found[rate].append(answers(alphabet, rate, trunk, clustering, folder))
    lines = list(records(alphabets, found, options.seed, extra))
    draw(options.out, lines)
    return lines


def records(
    alphabets: list[Alphabet],
    found: dict[float, list[Answer]],
    seed: int,
    extra: dict[str, Any],
) -> Iterator[Record]:
    """Accuracy and ARI of every method at every rate, means over alphabets."""
    for rate, answered in found.items():
        dataset = f"{len(alphabets)} alphabets, {number(100 * rate, 0)} % of the answers flipped"
        for method in answered[0]:
            scored = [
                scores(alphabet.labels, answer[method])
                for alphabet, answer in zip(alphabets, answered, strict=True)
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
    """Accuracy against the share of flipped answers."""
    curves: dict[str, list[tuple[float, float]]] = {}
    for entry in records:
        if entry["metric"] == "accuracy":
            point = (100 * entry["flipped"], 100 * entry["mean"])
            curves.setdefault(entry["method"], []).append(point)
    out.mkdir(parents=True, exist_ok=True)
    plots.curves(out / PICTURE, curves, x="flipped answers, %", y="accuracy, %")


def render(records: list[Record]) -> str:
    """The section of RESULTS.md."""
    found = {(r["method"], r["flipped"]): r for r in records if r["metric"] == "accuracy"}
    methods = dict.fromkeys(method for method, _ in found)
    rates = list(dict.fromkeys(rate for _, rate in found))
    rows = [
        [method, *(measured(found[method, rate], 1, scale=100) for rate in rates)]
        for method in methods
    ]
    first = records[0]
    names = ", ".join(name.replace("_", " ") for name in first["alphabets"])
    return (
        "## Wrong answers\n\n"
        + markdown_table(["accuracy %", *(f"{number(100 * r, 0)} %" for r in rates)], rows)
        + f"\n\nCharacters of {first['n']} alphabets of Omniglot ({names}), clustered by the true "
        "pairwise answers, of which this share is flipped, once and for all; means over the "
        "alphabets ± standard error. The true number of clusters is told. Learned: a network of "
        f"{first['width']:g} times the published width reads the images, {first['epochs']} "
        "epochs. Free assignments: the same loss, but a row of free logits for every point "
        f"instead of a network. {verdict(found)}\n\n"
        f"![accuracy against flipped answers]({PICTURE})\n"
    )


def verdict(found: dict[tuple[str, float], Record]) -> str:
    """What each learned method keeps of its accuracy, and which method is best at each rate."""
    rates = [rate for _, rate in found]
    least, most = min(rates), max(rates)
    kept = ", ".join(
        f"{method} keeps {number(100 * found[method, most]['mean'], 1)} of "
        f"{number(100 * found[method, least]['mean'], 1)}"
        for method in LOSSES
    )
    told = []
    for rate in sorted(set(rates)):
        means = {key[0]: found[key]["mean"] for key in found if key[1] == rate}
        best = [method for method, mean in means.items() if mean == max(means.values())]
        told.append(f"with {number(100 * rate, 0)} % {' and '.join(best)}")
    return f"With {number(100 * most, 0)} % flipped {kept}. Best {', '.join(told)}."


if __name__ == "__main__":
    main(
        "robustness",
        (__doc__ or "").split("\n")[0],
        measure,
        own={"width": {"type": float, "default": WIDTH, "help": "of the trunk"}},
    )
