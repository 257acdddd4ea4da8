"""Records of the clusterings of alphabets: scores, numbers of clusters, scores of G itself."""

from functools import partial
from typing import Any

import numpy as np

from experiments.lib.records import Record, record
from experiments.pairwise.omniglot_data import Alphabet
from experiments.pairwise.omniglot_reference import AVERAGES, BY_ALPHABET
from l2c_jax.metrics import scores

MANY = 100  # clusters, where the true number is not given
UNKNOWN_K = (  # methods without the true number of clusters
    "learned (MCL, K=100)",
    "learned (KCL, K=100)",
    "free assignments (MCL, K=100)",
    "agglomerative (G's answers, K unknown)",
)


def dominant(labels: np.ndarray, clusters: int = MANY) -> int:
    """Clusters at least as large as the average of ``clusters`` would be.

    The count of Hsu, Lv & Kira 2018, section 4.2, for K larger than needed.

    Example:
      >>> dominant(np.array([0] * 50 + [1] * 49 + [2]), 50)
      2
    """
    return int((np.unique(labels, return_counts=True)[1] >= len(labels) / clusters).sum())


def records(
    alphabets: list[Alphabet],
    answers: dict[str, dict[str, np.ndarray]],
    seed: int,
    extra: dict[str, Any],
) -> list[Record]:
    """Averages over alphabets, with the values of the single alphabets.

    Args:
      alphabets: with the truth.
      answers: labels ``[N]`` by alphabet and method; G's predictions ``[N, N]`` as ``pairs``.
      seed: of all of them.
      extra: fields of every record.

    Returns:
      Accuracy, NMI and ARI of every method; the absolute error of its number of clusters where
      the true one is not given; precision and recall of G's predictions.
    """
    dataset = f"{len(alphabets)} evaluation alphabets"
    truth = {a.name: a.num_clusters for a in alphabets}
    row = partial(record, "omniglot", dataset, seed=seed)
    lines = []

    def line(method: str, metric: str, values: dict[str, float], **more: Any) -> None:
        own = {"values": {name: round(float(v), 4) for name, v in values.items()}, "true": truth}
        numbers = np.array(list(values.values()))
        lines.append(row(method, metric, numbers, extra={**extra, **own, **more}))

    for method in answers[alphabets[0].name]:
        if method == "pairs":
            continue
        found = {a.name: scores(a.labels, answers[a.name][method]) for a in alphabets}
        accuracy = {name: 1 - one["error"] for name, one in found.items()}
        paper = BY_ALPHABET.get(method)
        line(method, "accuracy", accuracy, **({"paper_values": paper} if paper else {}))
        lines[-1]["paper"] = AVERAGES.get(method)
        for metric in ("NMI", "ARI"):
            line(method, metric, {name: one[metric] for name, one in found.items()})
        if method in UNKNOWN_K:
            for metric, count in (
                ("clusters off", dominant),
                ("clusters in use off", lambda labels: len(np.unique(labels))),
            ):
                counts = {a.name: count(answers[a.name][method]) for a in alphabets}
                off = {name: float(abs(counts[name] - truth[name])) for name in counts}
                line(method, metric, off, found=counts)
    pairs = {a.name: pair_scores(a.labels, answers[a.name]["pairs"]) for a in alphabets}
    for metric in ("precision", "recall"):
        line("learned (G's answers)", metric, {name: one[metric] for name, one in pairs.items()})
    return lines


def pair_scores(labels: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Precision and recall of the predicted similar pairs of distinct points.

    Example:
      >>> predicted = np.array([[1, 1, 1], [1, 1, 0], [1, 0, 1]], bool)
      >>> pair_scores(np.array([0, 0, 1]), predicted)
      {'precision': 0.5, 'recall': 1.0}
    """
    others = ~np.eye(len(labels), dtype=bool)
    predicted, same = predicted[others], (labels[:, None] == labels[None, :])[others]
    hits = int((predicted & same).sum())
    return {
        "precision": hits / max(1, int(predicted.sum())),
        "recall": hits / max(1, int(same.sum())),
    }
