"""Pictures; the only module that imports matplotlib."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from scipy.optimize import linear_sum_assignment

from l2c_jax.atomic import replacing
from l2c_jax.metrics import contingency
from l2c_jax.preprocessing import apply_preprocessing, fit_table_preprocessing

COLOURS = [mpl.colormaps["tab10"](index) for index in range(10)]


def renamed_like(labels: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Predicted clusters with the numbers of the true classes they match best.

    Args:
      labels: ``[N]`` int, the truth.
      predicted: ``[N]``.

    Returns:
      ``[N]`` int; clusters that match no class get numbers beyond them.
    """
    classes, clusters = np.unique(labels), np.unique(predicted)
    rows, columns = linear_sum_assignment(contingency(labels, predicted), maximize=True)
    names = {clusters[c]: int(classes[r]) for r, c in zip(rows, columns, strict=True)}
    free = int(classes.max()) + 1
    for found in clusters:
        if found not in names:
            names[found] = free
            free += 1
    return np.array([names[found] for found in predicted])


def partitions(
    path: str | Path,
    panels: Sequence[tuple[str, np.ndarray, Mapping[str, np.ndarray]]],
) -> None:
    """Data sets in rows, partitions of them side by side, as in the paper's figure 4.

    Args:
      path: a PNG file.
      panels: for each data set its name, its points ``[N, 2]`` on two axes, and labels ``[N]`` by
        column title, the truth first; the others are coloured to match it.
    """
    rows, columns = len(panels), len(panels[0][2])
    figure = Figure(figsize=(3.4 * columns, 2.9 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    for row, (name, points, answers) in zip(grid, panels, strict=True):
        truth = next(iter(answers.values()))
        for axes, (title, labels) in zip(row, answers.items(), strict=True):
            shown = renamed_like(truth, labels)
            wrong = shown != truth
            colours = [COLOURS[label % len(COLOURS)] for label in shown]
            axes.scatter(*points.T, s=12, c=colours, linewidths=0, alpha=0.85)
            axes.scatter(
                *points[wrong].T, s=34, facecolors="none", edgecolors="black", linewidths=0.6
            )
            rate = "" if labels is truth else f", error {wrong.mean():.3f}"
            axes.set_title(f"{name}: {title}{rate}", fontsize=9, parse_math=False)
            axes.set_xticks([])
            axes.set_yticks([])
    with replacing(path) as draft:
        figure.savefig(draft, dpi=110)


def comparison(
    path: str | Path,
    panels: Sequence[
        tuple[str, np.ndarray, np.ndarray, Mapping[str, np.ndarray], Mapping[str, str]]
    ],
) -> None:
    """Data sets in rows, methods in columns, a text in the corner of each panel.

    Args:
      path: a PNG file.
      panels: for each data set its name, points ``[N, D]`` (more than two columns are shown on
        two principal axes), true labels ``[N]``, labels ``[N]`` by method, and texts by method.
    """
    columns = len(panels[0][3])
    size = (1.55 * columns + 0.4, 1.5 * len(panels) + 0.4)
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(len(panels), columns, squeeze=False)
    for row, (name, points, truth, answers, texts) in zip(grid, panels, strict=True):
        if points.shape[1] > 2:
            plane = fit_table_preprocessing(points, "principal", 2)
            points = apply_preprocessing(plane, points)
        for axes, (method, labels) in zip(row, answers.items(), strict=True):
            shown = renamed_like(truth, labels)
            colours = np.array([COLOURS[label % len(COLOURS)] for label in shown])
            colours[labels < 0] = (0.6, 0.6, 0.6, 1)
            axes.scatter(*points[:, :2].T, s=3, c=colours, linewidths=0)
            axes.text(
                *(0.98, 0.02, texts[method]),
                transform=axes.transAxes,
                ha="right",
                fontsize=7,
                bbox={"facecolor": "white", "alpha": 0.75, "pad": 1, "linewidth": 0},
            )
            axes.set_xticks([])
            axes.set_yticks([])
            if axes in grid[0]:
                axes.set_title(method, fontsize=8)
        row[0].set_ylabel(name, fontsize=8)
    with replacing(path) as draft:
        figure.savefig(draft, dpi=80)


def memberships(
    path: str | Path, points: np.ndarray, probabilities: np.ndarray, title: str = ""
) -> None:
    """A soft partition: colour is the likeliest cluster, opacity how likely it is.

    Args:
      path: a PNG file.
      points: ``[N, D]``; the first two axes are shown.
      probabilities: ``[N, k]``.
      title: above the picture.
    """
    labels, k = probabilities.argmax(axis=1), probabilities.shape[1]
    sure = (probabilities.max(axis=1) - 1 / k) / (1 - 1 / k) if k > 1 else np.ones(len(points))
    shown = np.zeros((len(points), 2))
    shown[:, : min(2, points.shape[1])] = points[:, :2]
    figure = Figure(figsize=(5.5, 4.5), layout="constrained")
    axes = figure.subplots()
    for cluster in range(k):
        mine = labels == cluster
        colours = np.array([COLOURS[cluster % len(COLOURS)]] * int(mine.sum())).reshape(-1, 4)
        colours[:, 3] = 0.15 + 0.85 * np.clip(sure[mine], 0, 1)
        label = f"{cluster} ({mine.sum()})"
        axes.scatter(shown[mine, 0], shown[mine, 1], s=14, c=colours, linewidths=0, label=label)
    legend = axes.legend(title="cluster (rows shown)", fontsize=8, title_fontsize=8)
    for handle in legend.legend_handles:
        if handle is not None:
            handle.set_alpha(1)
    axes.set_xlabel("first principal axis")
    axes.set_ylabel("second principal axis")
    axes.set_title(title, parse_math=False)
    with replacing(path) as draft:
        figure.savefig(draft, dpi=130)
