"""Pictures; the only module that imports matplotlib."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from scipy.optimize import linear_sum_assignment

from l2c_jax.atomic import replacing
from l2c_jax.metrics import contingency

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
            axes.set_title(f"{name}: {title}{rate}", fontsize=9)
            axes.set_xticks([])
            axes.set_yticks([])
    with replacing(path) as draft:
        figure.savefig(draft, dpi=110)


def growth(
    path: str | Path, curves: Mapping[str, Sequence[tuple[float, float]]], *, x: str, y: str
) -> None:
    """Curves on two logarithmic axes, and a dotted line that grows in proportion.

    Args:
      path: a PNG file.
      curves: points ``(x, y)`` by name, in rising order of x.
      x: label of the axis, with its unit.
      y: likewise.
    """
    figure = Figure(figsize=(6, 4.2), layout="constrained")
    axes = figure.subplots()
    for name, points in curves.items():
        axes.loglog(*zip(*points, strict=True), marker="o", markersize=4, label=name)
    first = next(iter(curves.values()))
    ends = [first[0][0], first[-1][0]]
    middle = first[len(first) // 2]
    proportional = [middle[1] * end / middle[0] for end in ends]
    axes.loglog(ends, proportional, ":", color="grey", label="in proportion")
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.grid(visible=True, which="major", alpha=0.3)
    axes.legend(fontsize=8)
    with replacing(path) as draft:
        figure.savefig(draft, dpi=110)


def gallery(
    path: str | Path, tasks: Sequence[tuple[str, np.ndarray, np.ndarray]], columns: int
) -> None:
    """Many small labelled clouds, row by row.

    Args:
      path: a PNG file.
      tasks: for each a name, its points ``[N, 2]`` or wider, and labels ``[N]``.
      columns: how many stand side by side; a row is named after its first.
    """
    rows = -(-len(tasks) // columns)
    figure = Figure(figsize=(1.7 * columns, 1.7 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.ravel():
        axes.set_xticks([])
        axes.set_yticks([])
    for index, (axes, (name, points, labels)) in enumerate(zip(grid.ravel(), tasks, strict=False)):
        colours = [COLOURS[label % len(COLOURS)] for label in labels]
        axes.scatter(*points[:, :2].T, s=3, c=colours, linewidths=0)
        if name and index % columns == 0:
            axes.set_ylabel(name.replace("_", " "))
    with replacing(path) as draft:
        figure.savefig(draft, dpi=110)


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
    axes.set_title(title)
    with replacing(path) as draft:
        figure.savefig(draft, dpi=130)


def sheet(
    path: str | Path,
    rows: Sequence[tuple[str, np.ndarray, np.ndarray]],
    *,
    columns: int = 20,
    zoom: int = 1,
) -> None:
    """Clusters of images: one in a row, its images side by side, those that are wrong framed.

    Args:
      path: a PNG file.
      rows: for each cluster its name, its images ``[N, H, W]`` in [0, 1], ink 1, and which of
        them to frame, ``[N]`` bool.
      columns: the most images of a row; the others are left out.
      zoom: pixels a pixel.
    """
    height, width = rows[0][1].shape[1:]
    page = np.ones((len(rows) * (height + 4), columns * (width + 4), 3))
    for row, (_, images, wrong) in enumerate(rows):
        for column, (image, framed) in enumerate(
            zip(images[:columns], wrong[:columns], strict=True)
        ):
            top, left = row * (height + 4), column * (width + 4)
            frame = (0.85, 0.1, 0.1) if framed else (0.9, 0.9, 0.9)
            page[top + 1 : top + height + 3, left + 1 : left + width + 3] = frame
            inner = page[top + 2 : top + height + 2, left + 2 : left + width + 2]
            inner[:] = 1 - image[:, :, None]
    pixels, dpi = page.shape[:2], 100
    names = max(len(name) for name, _, _ in rows)
    margin = 0.075 * names + 0.1  # inches
    size = (pixels[1] * zoom / dpi + margin, pixels[0] * zoom / dpi)
    figure = Figure(figsize=size, dpi=dpi)
    axes = figure.add_axes((margin / size[0], 0, 1 - margin / size[0], 1))
    axes.imshow(page.repeat(zoom, axis=0).repeat(zoom, axis=1), interpolation="nearest")
    axes.set_axis_off()
    for row, (name, _, _) in enumerate(rows):
        middle = (row + 0.5) * (height + 4) * zoom
        axes.text(-4, middle, name, ha="right", va="center", fontsize=8)
    with replacing(path) as draft:
        figure.savefig(draft, dpi=dpi)


def embedding(path: str | Path, points: np.ndarray, colourings: Mapping[str, np.ndarray]) -> None:
    """Points in the plane, once for each way to colour them.

    Args:
      path: a PNG file.
      points: ``[N, 2]``.
      colourings: labels ``[N]`` by title, the truth first; the others are coloured to match it.
    """
    figure = Figure(figsize=(4.6 * len(colourings), 4.6), layout="constrained")
    grid = figure.subplots(1, len(colourings), squeeze=False)[0]
    truth = np.unique(next(iter(colourings.values())), return_inverse=True)[1]
    for axes, (title, labels) in zip(grid, colourings.items(), strict=True):
        shown = renamed_like(truth, labels)
        # steps of the golden ratio: neighbouring numbers get colours far apart
        axes.scatter(*points.T, s=14, c=mpl.colormaps["turbo"](shown * 0.618 % 1), linewidths=0)
        axes.set_title(title, fontsize=10)
        axes.set_xticks([])
        axes.set_yticks([])
    with replacing(path) as draft:
        figure.savefig(draft, dpi=110)


def curves(
    path: str | Path, curves: Mapping[str, Sequence[tuple[float, float]]], *, x: str, y: str
) -> None:
    """Curves on two plain axes, the lower one from 0.

    Args:
      path: a PNG file.
      curves: points ``(x, y)`` by name, in rising order of x.
      x: label of the axis, with its unit.
      y: likewise.
    """
    figure = Figure(figsize=(6, 4.2), layout="constrained")
    axes = figure.subplots()
    for name, points in curves.items():
        axes.plot(*zip(*points, strict=True), marker="o", markersize=4, label=name)
    axes.set_ylim(bottom=0)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.grid(visible=True, alpha=0.3)
    axes.legend(fontsize=8)
    with replacing(path) as draft:
        figure.savefig(draft, dpi=110)
