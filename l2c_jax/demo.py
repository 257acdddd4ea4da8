"""The demo: a learned clusterer, trained on synthetic tasks alone, on three real data sets."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from sklearn.datasets import load_breast_cancer, load_iris, load_wine

from l2c_jax.baselines import gaussian_mixture, kmeans
from l2c_jax.evaluate import scores
from l2c_jax.io.tables import standardised
from l2c_jax.preprocessing.principal import canonical
from l2c_jax.recurrent.cluster import cluster
from l2c_jax.recurrent.learner import Learner, load_learner
from l2c_jax.report import markdown_table, number

WEIGHTS = "demo"


class RealData(NamedTuple):
    """A labelled data set that comes with scikit-learn."""

    name: str
    points: np.ndarray  # [N, D]
    labels: np.ndarray  # [N] int


def data_sets() -> Iterator[RealData]:
    """Iris as measured and standardised; Wine and Breast cancer standardised.

    Wine's and Breast cancer's columns have units that differ by factors of a thousand, so that
    no method that looks at distances can use them as they are.
    """
    iris, wine, cancer = load_iris(), load_wine(), load_breast_cancer()
    yield RealData("Iris", iris.data, iris.target)
    yield RealData("Iris, standardised", standardised(iris.data), iris.target)
    yield RealData("Wine, standardised", standardised(wine.data), wine.target)
    yield RealData("Breast cancer, standardised", standardised(cancer.data), cancer.target)


def run(picture: Path | None, say: Callable[[str], None] = print) -> None:
    """Cluster the data sets, print the scores, draw the picture.

    Args:
      picture: where to draw; ``None`` draws nothing.
      say: prints a line.
    """
    start = time.perf_counter()
    learner = load_learner(WEIGHTS)
    tasks, training = learner.header["tasks"], learner.header["training"]
    say(
        f"A clusterer that was learned, not designed: {learner.header['iterations']:,} iterations "
        f"on {training['batch']} synthetic tasks each, up to {tasks['num_clusters']} clusters "
        f"in {tasks['dimensions']} dimensions. It has never seen the data below, nor any label "
        "of them.\n"
    )
    answers = [(data, answer(learner, data)) for data in data_sets()]
    rows = []
    for data, found in answers:
        row = [data.name, str(len(data.labels)), str(data.labels.max() + 1)]
        for labels in found.values():
            result = scores(data.labels, labels)
            row.append(f"{number(result['error'])} / {number(result['ARI'])}")
        rows.append(row)
    say(markdown_table(["error / ARI", "N", "k", *answers[0][1]], rows))
    say(
        "\nerror: share of points labelled wrongly under the best relabelling; "
        "ARI: adjusted Rand index (1 is perfect).\n"
        "k-means and the Gaussian mixture: scikit-learn, best of 10 starts. "
        "Every method is told k and sees the same columns."
    )
    if picture is not None:
        draw(picture, answers)
        say(f"\nPicture: {picture} (rings mark the points labelled wrongly)")
    say(f"{time.perf_counter() - start:.1f} s")


def answer(learner: Learner, data: RealData) -> dict[str, np.ndarray]:
    """Labels by k-means, the Gaussian mixture and the learner, each told k."""
    k = int(data.labels.max()) + 1
    return {
        "k-means": kmeans(data.points, k, 0),
        "Gaussian mixture": gaussian_mixture(data.points, k, 0),
        "learned": cluster(learner.params, learner.model, data.points, num_clusters=k).labels,
    }


def draw(path: Path, answers: Sequence[tuple[RealData, Mapping[str, np.ndarray]]]) -> None:
    """Truth, k-means and learned side by side on two principal axes, as the paper's figure 4.

    Args:
      path: a PNG file.
      answers: data sets with what :func:`answer` says of them.
    """
    from l2c_jax.plots import partitions

    panels = []
    for data, found in answers:
        points = jnp.asarray(data.points, jnp.float32)
        axes = np.asarray(canonical(points, jnp.ones(len(points), bool), 2))
        shown = {"truth": data.labels, "k-means": found["k-means"], "learned": found["learned"]}
        panels.append((data.name, axes, shown))
    partitions(path, panels)
