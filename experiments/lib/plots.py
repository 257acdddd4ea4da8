"""Figures of experiments."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from l2c_jax.atomic import replacing
from l2c_jax.plots import renamed_like

COLORS = [mpl.colormaps["tab10"](index) for index in range(10)]


Curves: TypeAlias = Mapping[str, Sequence[tuple[float, float]]]
"""Points ``(x, y)`` by name, in rising order of x."""


def growth(path: str | Path, curves: Curves, *, x: str, y: str) -> None:
    """Curves on two logarithmic axes, with a dotted line of slope 1.

    Args:
      path: a PNG file.
      curves: points by name.
      x: label of the axis, with its unit.
      y: likewise.
    """
    figure, axes = _curves(curves, x, y)
    axes.set_xscale("log")
    axes.set_yscale("log")
    first = next(iter(curves.values()))
    ends = [first[0][0], first[-1][0]]
    middle = first[len(first) // 2]
    proportional = [middle[1] * end / middle[0] for end in ends]
    axes.plot(ends, proportional, ":", color="grey", label="in proportion")
    _finish(path, figure, axes)


def curves(path: str | Path, curves: Curves, *, x: str, y: str) -> None:
    """Curves on linear axes; y begins at 0.

    Args:
      path: a PNG file.
      curves: points by name.
      x: label of the axis, with its unit.
      y: likewise.
    """
    figure, axes = _curves(curves, x, y)
    axes.set_ylim(bottom=0)
    _finish(path, figure, axes)


def _curves(curves: Curves, x: str, y: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(6, 4.2), layout="constrained")
    axes = figure.subplots()
    for name, points in curves.items():
        axes.plot(*zip(*points, strict=True), marker="o", markersize=4, label=name)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    return figure, axes


def _finish(path: str | Path, figure: Figure, axes: Axes) -> None:
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
      columns: clouds per row; a row is labelled with the name of its first cloud.
    """
    rows = -(-len(tasks) // columns)
    figure = Figure(figsize=(1.7 * columns, 1.7 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.ravel():
        axes.set_xticks([])
        axes.set_yticks([])
    for index, (axes, (name, points, labels)) in enumerate(zip(grid.ravel(), tasks, strict=False)):
        colours = [COLORS[label % len(COLORS)] for label in labels]
        axes.scatter(*points[:, :2].T, s=3, c=colours, linewidths=0)
        if name and index % columns == 0:
            axes.set_ylabel(name.replace("_", " "))
    with replacing(path) as draft:
        figure.savefig(draft, dpi=110)


def sheet(
    path: str | Path,
    rows: Sequence[tuple[str, np.ndarray, np.ndarray]],
    *,
    columns: int = 20,
    zoom: int = 1,
) -> None:
    """Clusters of images, one per row; wrong images have a red border.

    Args:
      path: a PNG file.
      rows: for each cluster its name, its images ``[N, H, W]`` in [0, 1], ink 1, and which of
        them have a red border, ``[N]`` bool.
      columns: most images in a row; the others are left out.
      zoom: pixels of the picture per pixel of an image.
    """
    height, width = rows[0][1].shape[1:]
    page = np.ones((len(rows) * (height + 4), columns * (width + 4), 3))
    for row, (_, images, wrong) in enumerate(rows):
        for column, (image, bordered) in enumerate(
            zip(images[:columns], wrong[:columns], strict=True)
        ):
            top, left = row * (height + 4), column * (width + 4)
            border = (0.85, 0.1, 0.1) if bordered else (0.9, 0.9, 0.9)
            page[top + 1 : top + height + 3, left + 1 : left + width + 3] = border
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


def embedding(path: str | Path, points: np.ndarray, labelings: Mapping[str, np.ndarray]) -> None:
    """Points in the plane, one panel per labelling.

    Args:
      path: a PNG file.
      points: ``[N, 2]``.
      labelings: labels ``[N]`` by title, the truth first; the others are coloured to match it.
    """
    figure = Figure(figsize=(4.6 * len(labelings), 4.6), layout="constrained")
    grid = figure.subplots(1, len(labelings), squeeze=False)[0]
    truth = np.unique(next(iter(labelings.values())), return_inverse=True)[1]
    for axes, (title, labels) in zip(grid, labelings.items(), strict=True):
        shown = renamed_like(truth, labels)
        # steps of the golden ratio: consecutive numbers get distant colors
        axes.scatter(*points.T, s=14, c=mpl.colormaps["turbo"](shown * 0.618 % 1), linewidths=0)
        axes.set_title(title, fontsize=10)
        axes.set_xticks([])
        axes.set_yticks([])
    with replacing(path) as draft:
        figure.savefig(draft, dpi=110)
