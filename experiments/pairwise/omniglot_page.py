"""The pictures and the page of the Omniglot experiment."""

from pathlib import Path

import numpy as np
from sklearn.manifold import TSNE

from experiments.lib import plots
from experiments.lib.markdown import by_key, markdown_table, number
from experiments.lib.records import Record
from experiments.pairwise.omniglot_data import Alphabet

PICTURED = "learned (MCL, K=100)"
COLUMNS = 24  # images per cluster in the picture


def in_the_plane(probabilities: np.ndarray, seed: int) -> np.ndarray:
    """Assignment probabilities ``[N, K]`` to points ``[N, 2]``: t-SNE of their square roots.

    The Euclidean distance of the roots is the Hellinger distance of two points' assignments.
    """
    points = np.sqrt(probabilities.astype(np.float64))
    perplexity = min(30.0, (len(points) - 1) / 3)
    found = TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(points)
    return np.asarray(found)


def draw_clusters(path: Path, images: np.ndarray, labels: np.ndarray, found: np.ndarray) -> None:
    """The found clusters, largest first; images outside the majority class have a red border.

    Args:
      path: a PNG file.
      images: ``[N, H, W, 1]`` uint8.
      labels: ``[N]`` int, the truth.
      found: ``[N]`` int.
    """
    clusters, sizes = np.unique(found, return_counts=True)
    rows = []
    for cluster in clusters[np.argsort(-sizes, kind="stable")]:
        own = np.flatnonzero(found == cluster)
        most = np.bincount(labels[own]).argmax()
        wrong = labels[own] != most
        order = np.argsort(wrong, kind="stable")
        name = f"{len(own)} images" if len(own) > 1 else "1 image"
        rows.append((name, images[own][order][..., 0] / 255.0, wrong[order]))
    plots.sheet(path, rows, columns=min(COLUMNS, int(sizes.max())))


def draw(
    out: Path,
    alphabets: list[Alphabet],
    probabilities: dict[str, np.ndarray],
    records: list[Record],
    seed: int,
) -> None:
    """Both pictures of one alphabet, that of median accuracy.

    Args:
      out: the folder.
      alphabets: with the truth.
      probabilities: ``[N, K]`` by alphabet.
      records: with the accuracies by alphabet; that of ``PICTURED`` gets the field ``pictured``.
      seed: of the embedding.
    """
    of_method = [r for r in records if r["method"] == PICTURED]
    accuracy = next(r for r in of_method if r["metric"] == "accuracy")
    by_rank = sorted(accuracy["values"], key=accuracy["values"].get)
    chosen = next(a for a in alphabets if a.name == by_rank[len(by_rank) // 2])
    accuracy["pictured"] = chosen.name
    found = probabilities[chosen.name].argmax(axis=1)
    out.mkdir(parents=True, exist_ok=True)
    draw_clusters(out / "omniglot_clusters.png", chosen.images, chosen.labels, found)
    places = in_the_plane(probabilities[chosen.name], seed)
    plots.embedding(
        out / "omniglot_embedding.png",
        places,
        {"coloured by character": chosen.labels, "coloured by cluster": found},
    )


def per_cent(value: float | None) -> str:
    """A share as per cent with one decimal; a dash for None.

    Example:
      >>> per_cent(0.857)
      '85.7'
    """
    return number(None if value is None else 100 * value, 1)


def averages(found: dict[tuple, Record]) -> str:
    """The table of means over alphabets."""
    rows = []
    for method in dict.fromkeys(method for method, _ in found):
        if (method, "accuracy") not in found:
            continue
        entry = found[method, "accuracy"]
        cells = [per_cent(found[method, metric]["mean"]) for metric in ("accuracy", "NMI", "ARI")]
        if entry["stderr"] is not None:
            cells[0] += f" ± {per_cent(entry['stderr'])}"
        off = found.get((method, "clusters off"))
        used = found.get((method, "clusters in use off"))
        cells += [per_cent(entry["paper"])]
        cells += ["-" if r is None else number(r["mean"], 1) for r in (off, used)]
        rows.append([method, *cells])
    header = [
        "method",
        "accuracy %",
        "NMI",
        "ARI",
        "reference %",
        "k off by",
        "k off by, all in use",
    ]
    return markdown_table(header, rows)


def by_alphabet(found: dict[tuple, Record]) -> str:
    """The table of single alphabets: the learned methods, their reference, the best baseline."""
    accuracy = {method: r for (method, metric), r in found.items() if metric == "accuracy"}
    learned = [method for method in accuracy if method.startswith("learned")]
    baselines = [method for method in accuracy if method not in learned]
    best = max(baselines, key=lambda method: accuracy[method]["mean"])
    header, columns = [], []
    for method in [*learned, best]:
        header.append(method)
        columns.append(accuracy[method]["values"])
        if "paper_values" in accuracy[method]:
            header.append("reference")
            columns.append(accuracy[method]["paper_values"])
    counted = found[PICTURED, "clusters off"]
    rows = [
        [
            name.replace("_", " "),
            str(true),
            *(per_cent(values.get(name)) for values in columns),
            str(counted["found"][name]),
        ]
        for name, true in counted["true"].items()
    ]
    return markdown_table(["alphabet", "K", *header, f"found, {PICTURED}"], rows)


def render(records: list[Record]) -> str:
    """The section of RESULTS.md."""
    found = by_key(records, "method", "metric")
    first = records[0]
    precision, recall = (found["learned (G's answers)", m] for m in ("precision", "recall"))
    pictured = found[PICTURED, "accuracy"]
    name = pictured["pictured"]
    width = f"{first['width']:g}"
    return (
        f"## Omniglot: {first['dataset']}, clustered by a similarity learned on others\n\n"
        + averages(found)
        + "\n\nMeans over alphabets ± standard error of the accuracy; NMI and ARI are x100. k off "
        "by: mean absolute error of the number of clusters where it is not given, counting "
        "clusters at least as large as the average of 100 clusters (as Hsu, Lv & Kira count); all "
        "in use: counting every cluster. Reference: the published implementation, at full width. "
        f"Here the backbones have {width} times that width, the similarity G was trained for "
        f"{first['similarity_steps']} steps, and every clustering for {first['epochs']} epochs at "
        f"learning rate {first['learning_rate']:g} (reference: 150 epochs at 0.001). Precision of "
        f"G's similar pairs within an alphabet: {per_cent(precision['mean'])} %, recall: "
        f"{per_cent(recall['mean'])} %.\n\n"
        + by_alphabet(found)
        + f"\n\n{name.replace('_', ' ')}, the alphabet of median accuracy for {PICTURED} "
        f"({per_cent(pictured['values'][name])} %). One cluster per row; images with a red border "
        "show another character than the majority of their cluster:\n\n"
        "![clusters](omniglot_clusters.png)\n\n"
        "Its assignment probabilities in the plane, by t-SNE on their Hellinger distance:\n\n"
        "![embedding](omniglot_embedding.png)\n"
    )
