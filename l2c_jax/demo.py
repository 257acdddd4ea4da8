"""The demo: the pretrained clusterer beside five others, on data that a person judges at a glance.

Four methods and Genie get the true number of clusters; ``learned (k found)`` and HDBSCAN do not.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

import numpy as np

from l2c_jax.comparison import Data, plane, real, rivals
from l2c_jax.metrics import adjusted_rand_index
from l2c_jax.tabular.clusterer import adapt_table, predict_table
from l2c_jax.tabular.model import TabularModel, load_tabular_model

WEIGHTS = "universal"
GIVEN, FOUND = "learned", "learned (k found)"


def run(picture: Path | None, say: Callable[[str], None] = print) -> None:
    """Cluster the data sets, print the scores, draw the picture.

    Args:
      picture: path of the image; ``None`` draws nothing.
      say: prints a line.
    """
    start = time.perf_counter()
    model = load_tabular_model(WEIGHTS)
    say(
        f'The weights "{WEIGHTS}" beside other clusterers. Their learner was trained on synthetic '
        "tasks alone, their judge also on labelled real tables, Iris and Wine among them: "
        "those two rows are no test on new data. "
        "Adjusted Rand index: 1 is perfect, 0 is chance.\n"
    )
    answers: list[tuple[Data, dict[str, np.ndarray]]] = []
    for data in chain(plane(), real()):
        found = answer(model, data)
        if not answers:
            lines = table_lines([(data, found)])
            say(next(lines))
            say(next(lines))
        else:
            lines = iter(list(table_lines([(data, found)]))[2:])
        say(next(lines))
        answers.append((data, found))
    say(
        "\nk given: the true number of clusters is given to all methods but HDBSCAN and "
        f'"{FOUND}"; the number that these found is in brackets. HDBSCAN\'s noise counts as one '
        "cluster. All methods get standardised columns and one setting for all data sets."
    )
    for line in summary(answers):
        say(line)
    if picture is not None:
        draw(picture, answers)
        say(f"\nPicture: {picture}")
    say(f"{time.perf_counter() - start:.1f} s")


def answer(model: TabularModel, data: Data, seed: int = 0) -> dict[str, np.ndarray]:
    """Labels of one data set by every method.

    Args:
      model: with a judge.
      data: N points, k clusters.
      seed: of all methods.

    Returns:
      ``[N]`` int labels by the name of the method.
    """
    labels = {}
    for name, k in {GIVEN: data.num_clusters, FOUND: None}.items():
        fitted = adapt_table(model, data.points, k, seed=seed)
        labels[name] = predict_table(model, fitted, data.points).argmax(axis=1)
    spread = data.points.std(axis=0)
    points = (data.points - data.points.mean(axis=0)) / np.where(spread > 0, spread, 1)
    others = rivals().items()
    return labels | {name: rival(points, data.num_clusters, seed) for name, rival in others}


def score(data: Data, labels: np.ndarray) -> float:
    """Adjusted Rand index with the true labels."""
    return adjusted_rand_index(data.labels, labels)


def number(labels: np.ndarray) -> int:
    """Of clusters, without noise."""
    return len(np.unique(labels[labels >= 0]))


def table_lines(answers: Sequence[tuple[Data, Mapping[str, np.ndarray]]]) -> Iterator[str]:
    """The scores of all methods, a line for each data set.

    Args:
      answers: data sets with the labels of :func:`answer`.

    Yields:
      Header, rule, rows.
    """
    names = list(answers[0][1])
    widths = [max(len(name), 9) for name in names]
    yield "  ".join([f"{'data':13}  {'N':>4}   k", *map(str.rjust, names, widths)])
    yield "  ".join(["-" * 22, *("-" * width for width in widths)])
    for data, found in answers:
        cells = [f"{data.name:13}  {len(data.labels):4}  {data.num_clusters:2}"]
        for name, width in zip(names, widths, strict=True):
            text = f"{score(data, found[name]):.2f}"
            if name in (FOUND, "HDBSCAN"):
                text += f" ({number(found[name])})"
            cells.append(text.rjust(width))
        yield "  ".join(cells)


def summary(answers: Sequence[tuple[Data, Mapping[str, np.ndarray]]]) -> Iterator[str]:
    """On how many data sets the learned clusterer is better and worse than each other one.

    Args:
      answers: data sets with the labels of :func:`answer`.

    Yields:
      One sentence for each other method.
    """
    for name in answers[0][1]:
        if name in (GIVEN, FOUND):
            continue
        own = FOUND if name == "HDBSCAN" else GIVEN
        gains = [score(data, found[own]) - score(data, found[name]) for data, found in answers]
        better, worse = sum(gain > 0.01 for gain in gains), sum(gain < -0.01 for gain in gains)
        yield (
            f"{own} is better than {name} on {better} of {len(answers)}, worse on {worse}, "
            f"within .01 on the others."
        )


def draw(path: Path, answers: Sequence[tuple[Data, Mapping[str, np.ndarray]]]) -> None:
    """A panel for each data set and method, with the index in it.

    Args:
      path: of a PNG file.
      answers: data sets with the labels of :func:`answer`.
    """
    from l2c_jax.plots import comparison

    panels = []
    for data, found in answers:
        titles = {}
        for name, labels in found.items():
            text = "" if name not in (FOUND, "HDBSCAN") else f"k = {number(labels)}, "
            titles[name] = f"{text}{score(data, labels):.2f}"
        panels.append((data.name, data.points, data.labels, dict(found), titles))
    comparison(path, panels)
