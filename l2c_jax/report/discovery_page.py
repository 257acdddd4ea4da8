"""The page of a discovery: how G was learned, the number of clusters, and what is in each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from l2c_jax.pairwise.discovery import Discovery
from l2c_jax.pairwise.merging import DEFAULT_THRESHOLD, MergePath
from l2c_jax.report.pictures import Picture, scatter
from l2c_jax.report.sentences import percent
from l2c_jax.tabular.profile import ClusterProfile
from l2c_jax.training.provenance import versions

CERTAIN, UNCERTAIN = 12, 6
"""Most and least certain items of a cluster that are shown."""
CANDIDATES = 4
"""Numbers of clusters above and below the one that was chosen."""
BETWEEN = 0.5
"""An item is between two clusters if the second is at least so many times as probable."""


class Items(NamedTuple):
    """What was clustered, as a person sees it."""

    noun: str  # "image" or "row"
    names: Sequence[str]  # N
    pictures: Mapping[int, str]  # an address with data, of the images that are shown
    cells: Mapping[int, list[str]]  # of the rows that are shown
    columns: Sequence[str]  # names of these cells
    profiles: Sequence[tuple[ClusterProfile, list[str]]]  # with sentences, of a table


@dataclass(frozen=True)
class Shown:
    """One item on the page."""

    name: str
    probability: str
    second: str
    """The second cluster and its probability, of an uncertain item."""
    picture: str
    cells: list[str]


@dataclass(frozen=True)
class FoundCluster:
    """One cluster on the page."""

    number: int
    size: int
    share: float
    confidence: float
    between: int
    certain: list[Shown]
    uncertain: list[Shown]
    sentences: list[str]


@dataclass(frozen=True)
class DiscoveryPage:
    """All that the template draws; text without markup, numbers as they are shown."""

    title: str
    noun: str
    items: int
    between: int
    error: str
    clusters: list[FoundCluster]
    learned: list[str]
    counted: list[str]
    candidates: list[tuple[int, str, bool]]
    method: list[tuple[str, str, bool]]
    picture: Picture | None
    pictured: int
    columns: list[str]
    notes: list[str]
    how: list[tuple[str, str]]
    command: str


def shown_items(probabilities: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """The most and the least certain items of each cluster, in this order.

    Args:
      probabilities: ``[N, k]``.

    Returns:
      k pairs of indices; nothing is in both.

    Example:
      >>> shown_items(np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]]))[0]
      (array([0, 1]), array([], dtype=int64))
    """
    found = []
    labels = probabilities.argmax(axis=1)
    for cluster in range(probabilities.shape[1]):
        mine = np.flatnonzero(labels == cluster)
        order = mine[np.argsort(-probabilities[mine, cluster], kind="stable")]
        rest = order[CERTAIN:][::-1][:UNCERTAIN]
        found.append((order[:CERTAIN], rest))
    return found


def make_discovery_page(
    title: str,
    found: Discovery,
    path: MergePath,
    probabilities: np.ndarray,
    items: Items,
    *,
    pictured: tuple[np.ndarray, np.ndarray] | None = None,
    agreement: Mapping[str, float] | None = None,
    notes: Sequence[str] = (),
    command: str = "",
) -> DiscoveryPage:
    """Put the page together.

    Args:
      title: of the new data.
      found: the discovery; its ``how`` has ``method``, ``threshold``, ``labeled`` and
        ``classes``.
      path: the candidates for the number of clusters.
      probabilities: ``[N, k]``.
      items: the new images or rows.
      pictured: indices ``[n]`` of items, and their places ``[n, 2]`` in a picture.
      agreement: of each method with held-out classes.
      notes: what was skipped or noticed while reading.
      command: that computes it again.

    Returns:
      The page, for :func:`l2c_jax.report.render_page`.
    """
    labels, ordered = probabilities.argmax(axis=1), np.sort(probabilities, axis=1)
    second = ordered[:, -2] if ordered.shape[1] > 1 else np.zeros(len(ordered))
    between = second >= BETWEEN * ordered[:, -1]
    sections = []
    for number, (certain, uncertain) in enumerate(shown_items(probabilities)):
        mine = labels == number
        sections.append(
            FoundCluster(
                *(number, int(mine.sum()), float(mine.mean())),
                float(probabilities[mine, number].mean()) if mine.any() else 0.0,
                int(between[mine].sum()),
                [_shown(items, probabilities, int(at)) for at in certain],
                [_shown(items, probabilities, int(at)) for at in uncertain],
                items.profiles[number][1] if items.profiles else [],
            )
        )
    agreement = agreement or {}
    picture = None
    if pictured is not None:
        chosen, places = pictured
        marks = ["between" if between[at] else "" for at in chosen]
        axes = ("first coordinate", "second coordinate")
        picture = scatter(
            "Features of G", axes, places, probabilities[chosen], marks, selected=False
        )
    return DiscoveryPage(
        *(title, items.noun, len(labels), int(between.sum())),
        _error(found),
        sections,
        _learned(found),
        _counted(found, path),
        _candidates(path, path.count(_threshold(found))),
        [(name, f"{value:.2f}", name == found.how["method"]) for name, value in agreement.items()],
        *(picture, 0 if pictured is None else len(pictured[0])),
        *(list(items.columns), list(notes)),
        _how(found),
        command,
    )


def _shown(items: Items, probabilities: np.ndarray, at: int) -> Shown:
    order = np.argsort(-probabilities[at], kind="stable")[:2]
    first, *others = (_short(float(probabilities[at, cluster])) for cluster in order)
    more = f"{order[1]} ({others[0]})" if others else ""
    return Shown(
        items.names[at],
        first,
        more,
        items.pictures.get(at, ""),
        items.cells.get(at, []),
    )


def _short(share: float) -> str:
    """A share under a picture."""
    return ">99%" if 0.99 < share < 1 else f"{share:.0%}"


def _threshold(found: Discovery) -> float:
    threshold = found.how["threshold"]
    return np.inf if threshold is None else float(threshold)


def _error(found: Discovery) -> str:
    """Estimated share of wrong answers, the mean over similar and dissimilar pairs."""
    measured = found.similarity.metadata.confusion
    if measured is None:
        return "unknown"
    return percent((1 - measured["similar"] + measured["dissimilar"]) / 2)


def _learned(found: Discovery) -> list[str]:
    metadata, how = found.similarity.metadata, found.how
    lines = []
    if how.get("labeled"):
        lines.append(
            f"G(a, b), the probability that a and b are of one class, was learned from labels in "
            f"{metadata.iterations:,} steps: {how['labeled']:,} labeled examples of "
            f"{how['classes']} classes were given."
        )
    else:
        lines.append(f"G(a, b) was learned before, in {metadata.iterations:,} steps.")
    measured = metadata.confusion
    if measured is None:
        lines.append("No labeled class was held out, so it is not known how often G is right.")
        return lines
    lines.append(
        f"It was measured on {measured['classes']:.0f} labeled classes that it was not learned "
        f"from: of two examples of one class G says so in {percent(measured['similar'])} of the "
        f"cases; two examples of two classes it calls similar in "
        f"{percent(measured['dissimilar'])}."
    )
    return lines


def _counted(found: Discovery, path: MergePath) -> list[str]:
    outputs, used = len(found.groups), len(path.clusters)
    threshold, merging = found.how["threshold"], found.similarity.metadata.merging
    why = ""
    if threshold is not None and merging is not None and "spectrum" in merging:
        why = (
            ", as many as the scaled matrix of G's answers has eigenvalues of at least "
            f"{merging['spectrum']:.2f}, but not more than asked for"
        )
    lines = [f"The clustering network had {outputs} outputs{why}; {used} of them are used."]
    if threshold is None:
        lines.append("They were not merged.")
        return lines
    lines.append(
        f"Two clusters whose mean similarity by G is at least {threshold:.2f} were merged: "
        f"{found.num_clusters} clusters."
    )
    if merging is None:
        lines.append(
            f"This threshold is the default, {DEFAULT_THRESHOLD}: no labeled class was held out, "
            "so it was not fitted."
        )
    else:
        both = "Both thresholds were" if why else "This threshold was"
        lines.append(
            f"{both} fitted on {merging['classes']:.0f} held-out labeled classes, "
            f"where this gives {merging['found']:.0f} clusters."
        )
    return lines


def _candidates(path: MergePath, chosen: int) -> list[tuple[int, str, bool]]:
    """Numbers of clusters around the chosen one, and the mean similarity of the next merge."""
    count = len(path.clusters)
    found = []
    for number in range(min(count, chosen + CANDIDATES), max(1, chosen - CANDIDATES) - 1, -1):
        merged = count - number
        level = f"{path.levels[merged]:.3f}" if merged < len(path.levels) else ""
        found.append((number, level, number == chosen))
    return found


def _how(found: Discovery) -> list[tuple[str, str]]:
    names = {
        "method": "clusters found by",
        "width": "width of the network",
        "iterations": "steps of G",
        "epochs": "passes over the new data",
        "seed": "seed",
        "similarity_hash": "content hash of G",
    }
    pairs = [(text, str(found.how[key])) for key, text in names.items() if key in found.how]
    return [*pairs, ("versions", ", ".join(f"{name} {v}" for name, v in versions().items()))]
