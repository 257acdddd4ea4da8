"""The three data sets of Table 2, as the samples that its runs cluster."""

import csv
from collections.abc import Iterator
from functools import cache

import numpy as np
from sklearn.datasets import load_digits, load_iris
from sklearn.decomposition import PCA

from experiments.lib.data import data_folder, read_idx
from experiments.lib.runner import Options
from experiments.lib.tuning import Sample

UKM_ROWS, MNIST_ROWS = 100, 1000


def samples(name: str, count: int, options: Options) -> Iterator[Sample]:
    """The samples of a data set, one per run; they follow from the seed.

    Args:
      name: a row of the table.
      count: number of samples.
      options: with the seed; in smoke runs MNIST is scikit-learn's small digits, and UKM random.

    Yields:
      One sample after another.
    """
    rng = np.random.default_rng(options.seed)
    seeds = range(options.seed, options.seed + count)
    if name == "Iris":
        iris = load_iris()
        for seed in seeds:
            yield Sample(iris.data, iris.target, 3, seed)
    elif name.startswith("UKM"):
        levels = ("low", "high") if name.endswith("high") else ("low", "middle")
        points, labels = smoke_ukm() if options.smoke else read_ukm(levels)
        for seed in seeds:
            rows = rng.choice(len(points), UKM_ROWS, replace=False)
            yield Sample(points[rows], labels[rows], 2, seed)
    else:
        images, digits = load_digits(return_X_y=True) if options.smoke else read_mnist()
        on_all = name.endswith("all digits")
        axes = PCA(2, random_state=0).fit_transform(images) if on_all else None
        for seed in seeds:
            two = rng.choice(10, 2, replace=False)
            rows = rng.permutation(np.flatnonzero(np.isin(digits, two)))[:MNIST_ROWS]
            own = images[rows] if axes is None else axes[rows]
            points = PCA(2, random_state=0).fit_transform(own) if axes is None else own
            yield Sample(points, (digits[rows] == two[1]).astype(int), 2, seed)


def read_ukm(levels: tuple[str, str]) -> tuple[np.ndarray, np.ndarray]:
    """User Knowledge Modeling: the rows of two of its four levels.

    Args:
      levels: of ``very_low``, ``low``, ``middle``, ``high``.

    Returns:
      Points ``[N, 5]`` and labels ``[N]``.
    """
    with (data_folder() / "ukm.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["UNS"] in levels]
    names = ("STG", "SCG", "STR", "LPR", "PEG")
    points = np.array([[float(row[name]) for name in names] for row in rows])
    return points, np.array([levels.index(row["UNS"]) for row in rows])


@cache
def read_mnist() -> tuple[np.ndarray, np.ndarray]:
    """The 60,000 training images of MNIST ``[n, 784]`` in 0 ... 1, and their digits."""
    folder = data_folder() / "mnist"
    images = read_idx(folder / "train-images-idx3-ubyte.gz")
    digits = read_idx(folder / "train-labels-idx1-ubyte.gz")
    return images.reshape(len(images), -1).astype(np.float32) / 255, digits.astype(int)


def smoke_ukm() -> tuple[np.ndarray, np.ndarray]:
    """Random rows in the place of UKM's."""
    labels = np.arange(2 * UKM_ROWS) % 2
    return np.random.default_rng(0).normal(size=(len(labels), 5)) + labels[:, None], labels
