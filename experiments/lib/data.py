"""Real data for the experiments, from a folder on this machine."""

import gzip
import json
import os
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sklearn.datasets import load_breast_cancer, load_iris, load_wine

from experiments.lib.paths import ROOT
from l2c_jax.preprocessing import standardize


class DataError(ValueError):
    """A data file that cannot be used; the message says what was expected."""


class LabelledTable(NamedTuple):
    """A table with the class of each row."""

    name: str
    points: np.ndarray  # [N, D] float64, columns standardised
    labels: np.ndarray  # [N] int
    num_clusters: int  # K, classes among the rows


class RawTable(NamedTuple):
    """A table before any preprocessing, with the class of each row."""

    name: str
    points: np.ndarray  # [N, D] float64, NaN where missing; categories are numbered
    labels: np.ndarray  # [N] int in 0..K-1


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


def data_folder() -> Path:
    """The folder of the data: ``$L2C_DATA``, or ``shared/data`` beside the repository.

    Raises:
      FileNotFoundError: if neither is there.
    """
    for folder in (os.environ.get("L2C_DATA"), ROOT.parent / "shared" / "data"):
        if folder and Path(folder).is_dir():
            return Path(folder)
    raise FileNotFoundError("no data: set L2C_DATA to the folder that has tabular.npz")


def raw_tables(
    suits: Callable[[Mapping[str, Any]], bool], file: str = "tabular"
) -> Iterator[RawTable]:
    """The labelled tables of ``tabular.npz``, without preprocessing.

    Args:
      suits: whether to include a table, from its entry in ``tabular_index.json``; an entry has
        among others the name ``key``, rows ``n``, columns ``d``, classes ``k``, ``class_counts``.
      file: another file of the same form, without suffix: ``tabular2``, ``shapes``.

    Yields:
      One table after another, in the order of the index.
    """
    folder = data_folder()
    index = json.loads((folder / f"{file}_index.json").read_text())
    with np.load(folder / f"{file}.npz") as arrays:
        for entry in filter(suits, index):
            points = arrays[f"{entry['key']}/X"].astype(np.float64)
            labels = np.unique(arrays[f"{entry['key']}/y"], return_inverse=True)[1]
            yield RawTable(entry["key"], points, labels)


def development_tables(
    *, most_points: int = 1000, most_clusters: int = 10, seed: int = 0, file: str = "tabular"
) -> Iterator[LabelledTable]:
    """The real labelled tables of ``tabular.npz``.

    Missing values are replaced by the mean of their column, columns are standardised, constant
    columns are left out.

    Args:
      most_points: of a larger table, a uniform sample of this many rows.
      most_clusters: tables of one class or of more than this many are left out.
      seed: of the sampling.
      file: see :func:`raw_tables`.

    Yields:
      One table after another.
    """
    for name, points, labels in raw_tables(lambda entry: 2 <= entry["k"] <= most_clusters, file):
        rows = np.random.default_rng(seed).permutation(len(points))[:most_points]
        points, labels = points[rows], np.unique(labels[rows], return_inverse=True)[1]
        means = np.nan_to_num(np.nanmean(points, axis=0))
        points = standardize(np.where(np.isnan(points), means, points))
        points = points[:, points.std(axis=0) > 0]
        if points.shape[1]:
            yield LabelledTable(name, points, labels, int(labels.max()) + 1)


def labelled_tables(seed: int = 0) -> Iterator[LabelledTable]:
    """The real labelled tables of both files."""
    for file in ("tabular", "tabular2"):
        yield from development_tables(seed=seed, file=file)


def shapes() -> Iterator[LabelledTable]:
    """The planar and spatial shape sets of ``shapes.npz``, at most 2,000 points."""
    yield from development_tables(most_points=2000, file="shapes")


def small_tables() -> Iterator[LabelledTable]:
    """The demo's data sets, which come with scikit-learn; for smoke runs."""
    for data in data_sets():
        k = int(data.labels.max()) + 1
        yield LabelledTable(data.name, data.points, data.labels, k)


def read_idx(path: str | Path) -> np.ndarray:
    """The array of a gzipped idx file of bytes.

    Args:
      path: the file.

    Returns:
      uint8, of the shape in the file's header.

    Raises:
      FileNotFoundError: if there is no such file.
      DataError: if the file is truncated or has another format.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; set L2C_DATA to the folder of the data")
    try:
        data = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: expected a complete gzip file ({error})") from error
    if len(data) < 4 or data[:3] != b"\0\0\x08" or len(data) < 4 + 4 * data[3]:
        raise DataError(f"{path}: expected an idx file of bytes")
    shape = np.frombuffer(data, ">u4", data[3], 4)
    body = np.frombuffer(data, np.uint8, offset=4 + 4 * data[3])
    if body.size != shape.prod(dtype=np.int64):
        raise DataError(f"{path}: expected {shape.tolist()} bytes, found {body.size}")
    return body.reshape(shape)
