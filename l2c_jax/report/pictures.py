"""Pictures as coordinates: a template draws them as SVG."""

from typing import NamedTuple

import numpy as np

WIDTH, HEIGHT, MARGIN = 460.0, 340.0, 14.0
SHOWN = 1500
"""Rows that one picture shows, at most."""


class Dot(NamedTuple):
    """One row."""

    x: float
    y: float
    cluster: int
    opacity: float  # 0.2: the clusters are equally probable; 1: certain
    mark: str  # "", "between" or "nowhere"


class Picture(NamedTuple):
    """A view of the rows on two axes."""

    title: str
    axes: tuple[str, str]
    dots: tuple[Dot, ...]
    labels: tuple[tuple[float, float, int], ...]  # the middle of each cluster: x, y, number
    selected: bool  # whether the clusters were found in this view


class Bar(NamedTuple):
    """One number of clusters."""

    number: int
    share: float
    height: float  # of 100


def scatter(
    title: str,
    axes: tuple[str, str],
    points: np.ndarray,
    probabilities: np.ndarray,
    marks: list[str],
    *,
    selected: bool,
) -> Picture:
    """Place rows on a page.

    Args:
      title: of the picture.
      axes: names of the axes.
      points: ``[S, 2]``.
      probabilities: ``[S, k]``.
      marks: S marks.
      selected: whether the clusters were found in this view.

    Returns:
      The picture; certain rows lie on top.

    Example:
      >>> picture = scatter("", ("a", "b"), np.eye(2), np.eye(2), ["", ""], selected=True)
      >>> [(dot.x, dot.y) for dot in picture.dots]
      [(446.0, 326.0), (14.0, 14.0)]
    """
    k = probabilities.shape[1]
    labels, largest = probabilities.argmax(axis=1), probabilities.max(axis=1)
    sure = (largest - 1 / k) / (1 - 1 / k) if k > 1 else np.ones(len(points))
    placed = _placed(np.asarray(points, np.float64))
    order = np.argsort([mark != "" for mark in marks], kind="stable")
    dots = tuple(
        Dot(
            *(round(float(placed[row, 0]), 1), round(float(placed[row, 1]), 1)),
            int(labels[row]),
            round(float(0.2 + 0.8 * np.clip(sure[row], 0, 1)), 2),
            marks[row],
        )
        for row in order
    )
    middles = [_middle(placed[labels == c], int(c)) for c in np.unique(labels)]
    return Picture(title, axes, dots, _apart(middles), selected)


def bars(probabilities: np.ndarray) -> tuple[Bar, ...]:
    """P(k | X) as bars.

    Args:
      probabilities: ``[K]``, of 1 ... K clusters.

    Example:
      >>> bars(np.array([0.25, 0.75]))[1]
      Bar(number=2, share=0.75, height=100.0)
    """
    top = float(probabilities.max()) or 1.0
    return tuple(
        Bar(index + 1, float(share), round(float(100 * share / top), 1))
        for index, share in enumerate(probabilities)
    )


def _placed(points: np.ndarray) -> np.ndarray:
    """Coordinates within the picture; y grows upwards."""
    low, high = points.min(axis=0), points.max(axis=0)
    middle, width = (low + high) / 2, np.where(high > low, high - low, 1.0)
    share = (points - middle[None, :]) / width[None, :]
    size = np.array([WIDTH - 2 * MARGIN, -(HEIGHT - 2 * MARGIN)])
    return share * size[None, :] + np.array([[WIDTH / 2, HEIGHT / 2]])


def _middle(points: np.ndarray, cluster: int) -> tuple[float, float, int]:
    """Where the number of a cluster stands: in its middle, or beside a cluster that is a spot."""
    x, y = np.median(points, axis=0)
    if np.median(np.abs(points - np.array([[x, y]]))) < 5:
        y += 16 if y < HEIGHT / 2 else -16
    return round(float(x), 1), round(float(y), 1), cluster


def _apart(middles: list[tuple[float, float, int]]) -> tuple[tuple[float, float, int], ...]:
    """The numbers of the clusters, moved down where they would cover each other."""
    placed: list[tuple[float, float, int]] = []
    for x, y, cluster in sorted(middles, key=lambda one: one[1]):
        x = min(max(x, MARGIN), WIDTH - MARGIN)
        while any(abs(x - a) < 22 and abs(y - b) < 20 for a, b, _ in placed):
            y += 20
        placed.append((x, round(min(y, HEIGHT - MARGIN), 1), cluster))
    return tuple(sorted(placed, key=lambda one: one[2]))
