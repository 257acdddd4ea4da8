"""The demo: a clusterer trained on synthetic tasks alone, applied to three real data sets."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.cluster import KMeans
from sklearn.datasets import load_breast_cancer, load_iris, load_wine
from sklearn.mixture import GaussianMixture

from l2c_jax.metrics import scores
from l2c_jax.preprocessing import apply_preprocessing, fit_table_preprocessing, standardize
from l2c_jax.tabular.clusterer import TabularConfig, adapt_table, predict_table
from l2c_jax.tabular.model import TabularModel, load_tabular_model

WEIGHTS = "demo"


class RealData(NamedTuple):
    """A labelled data set that comes with scikit-learn."""

    name: str
    points: np.ndarray  # [N, D]
    labels: np.ndarray  # [N] int


def data_sets() -> Iterator[RealData]:
    """Iris as measured and standardized; Wine and Breast cancer standardized.

    The units of the columns of Wine and Breast cancer differ by factors of a thousand: distances
    between the rows as measured depend on one or two columns only.

    Yields:
      The four data sets.
    """
    iris, wine, cancer = load_iris(), load_wine(), load_breast_cancer()
    yield RealData("Iris", iris.data, iris.target)
    yield RealData("Iris, standardised", standardize(iris.data), iris.target)
    yield RealData("Wine, standardised", standardize(wine.data), wine.target)
    yield RealData("Breast cancer, standardised", standardize(cancer.data), cancer.target)


def run(picture: Path | None, say: Callable[[str], None] = print) -> None:
    """Cluster the data sets, print the scores, draw the picture.

    Args:
      picture: path of the image; ``None`` draws nothing.
      say: prints a line.
    """
    start = time.perf_counter()
    model = load_tabular_model(WEIGHTS)
    config, made = model.learner.config, model.learner.metadata
    batch = made.training.batch if made.training is not None else 0
    say(
        f'The weights "{WEIGHTS}": a recurrent clusterer trained for {made.iterations:,} '
        f"iterations of {batch} synthetic tasks, with up to {config.num_clusters} clusters in "
        f"{config.dimensions} dimensions. No row and no label of the data below was used in "
        "training, but the task distribution was chosen by the error on Iris.\n"
    )
    answers = [(data, answer(model, data)) for data in data_sets()]
    rows, errors = [], []
    for data, found in answers:
        results = {method: scores(data.labels, labels) for method, labels in found.items()}
        errors.append({method: result["error"] for method, result in results.items()})
        shown = [f"{result['error']:.3f} / {result['ARI']:.3f}" for result in results.values()]
        rows.append([data.name, str(len(data.labels)), str(data.labels.max() + 1), *shown])
    for line in aligned(["error / ARI", "N", "k", *answers[0][1]], rows):
        say(line)
    say(
        "\nerror: share of points labelled wrongly under the best relabelling (0 is perfect).\n"
        "ARI: adjusted Rand index (1 is perfect, 0 is chance).\n"
        "k-means and the Gaussian mixture: scikit-learn, best of 10 starts. "
        "All methods get the same columns and the true k.\n"
    )
    for method in ("k-means", "Gaussian mixture"):
        say(compared(errors, method))
    say(
        f"These weights read {config.dimensions} principal axes of a table. For tables of your "
        'own, l2c cluster uses the larger weights "universal"; README.md says when not to.'
    )
    if picture is not None:
        draw(picture, answers)
        say(f"\nPicture: {picture} (rings mark the points labelled wrongly)")
    say(f"{time.perf_counter() - start:.1f} s")


def compared(errors: Sequence[Mapping[str, float]], other: str) -> str:
    """On how many data sets the learned clusterer is better and worse than another method.

    Args:
      errors: for each data set the error by method.
      other: the name of the method.

    Returns:
      One sentence.

    Example:
      >>> compared([{"learned": 0.1, "k-means": 0.2}, {"learned": 0.3, "k-means": 0.2}], "k-means")
      'Of 2 data sets, learned has a lower error than k-means on 1 and a higher one on 1.'
    """
    lower = sum(found["learned"] < found[other] for found in errors)
    higher = sum(found["learned"] > found[other] for found in errors)
    return (
        f"Of {len(errors)} data sets, learned has a lower error than {other} on {lower} and a "
        f"higher one on {higher}."
    )


def aligned(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a table whose columns have one width each.

    Args:
      header: names of the columns.
      rows: one cell per column.

    Returns:
      The header, a rule, the rows.

    Example:
      >>> print("\\n".join(aligned(["data", "k"], [["Iris", "3"]])))
      data  k
      ----  -
      Iris  3
    """
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    rule = ["-" * width for width in widths]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
        for cells in (header, rule, *rows)
    ]


def answer(model: TabularModel, data: RealData) -> dict[str, np.ndarray]:
    """Labels by k-means, the Gaussian mixture and the learner, each with the true k.

    Args:
      model: the weights.
      data: N points.

    Returns:
      ``[N]`` int labels by the name of the method.
    """
    k = int(data.labels.max()) + 1
    as_it_is = TabularConfig(standardize=False)  # all methods get the same columns
    fitted = adapt_table(model, data.points, k, config=as_it_is)
    mixture = GaussianMixture(k, n_init=10, random_state=0, reg_covar=1e-5)
    return {
        "k-means": KMeans(k, n_init=10, random_state=0).fit_predict(data.points),
        "Gaussian mixture": mixture.fit_predict(data.points),
        "learned": predict_table(model, fitted, data.points).argmax(axis=1),
    }


def draw(path: Path, answers: Sequence[tuple[RealData, Mapping[str, np.ndarray]]]) -> None:
    """Truth, k-means and learned side by side on two principal axes, as the paper's figure 4.

    Args:
      path: of a PNG file.
      answers: data sets with the labels of :func:`answer`.
    """
    from l2c_jax.plots import partitions

    panels = []
    for data, found in answers:
        plane = fit_table_preprocessing(data.points, "principal", 2, standardize=False)
        axes = apply_preprocessing(plane, data.points)
        shown = {"truth": data.labels, "k-means": found["k-means"], "learned": found["learned"]}
        panels.append((data.name, axes, shown))
    partitions(path, panels)
