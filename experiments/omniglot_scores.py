"""From the clusterings of alphabets to records: scores, numbers of clusters, G's own answers."""

from functools import partial
from typing import Any

import numpy as np

from experiments.omniglot_data import Alphabet
from experiments.omniglot_paper import AVERAGES, BY_ALPHABET
from l2c_jax.evaluate import record, scores
from l2c_jax.report import Record

MANY = 100  # clusters, where the true number is not told
UNTOLD = (  # methods that decide on the number of clusters
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
    """Averages over alphabets; the single values go along.

    Args:
      alphabets: with the truth.
      answers: labels ``[N]`` by alphabet and method, G's answers as ``said``.
      seed: of all of them.
      extra: what every record tells.

    Returns:
      Accuracy, NMI and ARI of every method, how far it is off in the number of clusters if that
      was not told, precision and recall of G's answers.
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
        if method == "said":
            continue
        found = {a.name: scores(a.labels, answers[a.name][method]) for a in alphabets}
        accuracy = {name: 1 - one["error"] for name, one in found.items()}
        paper = BY_ALPHABET.get(method)
        line(method, "accuracy", accuracy, **({"paper_values": paper} if paper else {}))
        lines[-1]["paper"] = AVERAGES.get(method)
        for metric in ("NMI", "ARI"):
            line(method, metric, {name: one[metric] for name, one in found.items()})
        if method in UNTOLD:
            for metric, count in (
                ("clusters off", dominant),
                ("clusters in use off", lambda labels: len(np.unique(labels))),
            ):
                counts = {a.name: count(answers[a.name][method]) for a in alphabets}
                off = {name: float(abs(counts[name] - truth[name])) for name in counts}
                line(method, metric, off, found=counts)
    pairs = {a.name: pair_scores(a.labels, answers[a.name]["said"]) for a in alphabets}
    for metric in ("precision", "recall"):
        line("learned (G's answers)", metric, {name: one[metric] for name, one in pairs.items()})
    return lines


def pair_scores(labels: np.ndarray, said: np.ndarray) -> dict[str, float]:
    """Precision and recall of the pairs that were called similar, a point's own left out.

    Example:
      >>> said = np.array([[1, 1, 1], [1, 1, 0], [1, 0, 1]], bool)
      >>> pair_scores(np.array([0, 0, 1]), said)
      {'precision': 0.5, 'recall': 1.0}
    """
    others = ~np.eye(len(labels), dtype=bool)
    said, same = said[others], (labels[:, None] == labels[None, :])[others]
    hits = int((said & same).sum())
    return {
        "precision": hits / max(1, int(said.sum())),
        "recall": hits / max(1, int(same.sum())),
    }
