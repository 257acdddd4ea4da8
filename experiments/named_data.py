"""The three data sets of Table 2, as the samples that its runs are made on."""

import csv
import gzip
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.datasets import load_digits, load_iris
from sklearn.decomposition import PCA

from experiments.data import data_folder
from experiments.harness import Options

UKM_ROWS, MNIST_ROWS = 100, 1000


class Sample(NamedTuple):
    """What one run clusters."""

    points: np.ndarray  # [N, D] float64
    labels: np.ndarray  # [N] int, 0 ... K-1


def samples(name: str, count: int, options: Options) -> Iterator[Sample]:
    """The samples of a data set, one a run; the seed decides them.

    Args:
      name: a row of the table.
      count: how many.
      options: for the seed; in smoke runs MNIST is scikit-learn's small digits, and UKM random.

    Yields:
      One sample after another.
    """
    rng = np.random.default_rng(options.seed)
    if name == "Iris":
        iris = load_iris()
        for _ in range(count):
            yield Sample(iris.data, iris.target)
    elif name.startswith("UKM"):
        levels = ("low", "high") if name.endswith("high") else ("low", "middle")
        points, labels = smoke_ukm() if options.smoke else read_ukm(levels)
        for _ in range(count):
            rows = rng.choice(len(points), UKM_ROWS, replace=False)
            yield Sample(points[rows], labels[rows])
    else:
        images, digits = small_digits() if options.smoke else read_mnist()
        on_all = name.endswith("all digits")
        axes = PCA(2, random_state=0).fit_transform(images) if on_all else None
        for _ in range(count):
            two = rng.choice(10, 2, replace=False)
            rows = rng.permutation(np.flatnonzero(np.isin(digits, two)))[:MNIST_ROWS]
            seen = (
                PCA(2, random_state=0).fit_transform(images[rows]) if axes is None else axes[rows]
            )
            yield Sample(seen, (digits[rows] == two[1]).astype(int))


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


def read_idx(path: Path) -> np.ndarray:
    """An array of bytes in the IDX format.

    Raises:
      ValueError: if the file is truncated, or holds something else.
    """
    try:
        content = gzip.decompress(path.read_bytes())
        if content[:3] != b"\0\0\x08":
            raise ValueError(f"{path}: expected an IDX file of bytes")
        rank = content[3]
        shape = np.frombuffer(content, ">u4", rank, 4)
        return np.frombuffer(content, np.uint8, offset=4 + 4 * rank).reshape(shape)
    except (EOFError, OSError, ValueError) as error:
        raise ValueError(f"{path}: is no complete IDX file ({error})") from error


def small_digits() -> tuple[np.ndarray, np.ndarray]:
    """scikit-learn's 8x8 digits, which need no download."""
    digits = load_digits()
    return digits.data, digits.target


def smoke_ukm() -> tuple[np.ndarray, np.ndarray]:
    """Random rows in the place of UKM's."""
    labels = np.arange(2 * UKM_ROWS) % 2
    return np.random.default_rng(0).normal(size=(len(labels), 5)) + labels[:, None], labels
