"""What a discovery reads: labeled examples, and new images or rows, as points."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from l2c_jax.io.dialect import ReadOptions
from l2c_jax.io.images import ImageError, image_files, read_images
from l2c_jax.io.labeled_images import labeled_images
from l2c_jax.io.reader import SNIFFED
from l2c_jax.io.rows import NewRows, read_labeled_rows, read_new_rows
from l2c_jax.pairwise import MLP, VGGS
from l2c_jax.pairwise.discovery import Columns
from l2c_jax.preprocessing.column_options import ColumnOptions
from l2c_jax.preprocessing.numbers import Decimal


class Labeled(NamedTuple):
    """Labeled examples."""

    points: np.ndarray  # [M, ...]
    labels: np.ndarray  # [M] text
    backbone: VGGS | MLP
    columns: Columns | None  # of a table
    notes: list[str]


class New(NamedTuple):
    """Images or rows to cluster."""

    noun: str  # "image" or "row"
    names: list[str]  # N, files, or numbers of rows from 1
    points: np.ndarray  # [N, ...]
    rows: NewRows | None  # of a table
    notes: list[str]


def read_labeled_images(source: Path, size: int, channels: int, width: float) -> Labeled:
    """Labeled images at one size.

    Args:
      source: a folder, or a table of files and labels.
      size: side of an image, pixels.
      channels: 1 for gray, 3 for color.
      width: factor on the channels of the network.

    Raises:
      ImageError: if there are not 2 classes with 2 images that can be read.
      TableError: if a table of files cannot be read.
    """
    files, classes = labeled_images(source)
    read = read_images(files, size, channels=channels)
    there = set(read.files)
    labels = np.array([c for path, c in zip(files, classes, strict=True) if path in there])
    names, sizes = np.unique(labels, return_counts=True)
    known = np.isin(labels, names[sizes > 1])
    if (sizes > 1).sum() < 2:
        raise ImageError(f"{source}: needs at least 2 classes with 2 images that can be read")
    notes = [f"skipped {line}" for line in read.broken]
    backbone = VGGS(size=size, channels=channels, width=width)
    return Labeled(read.images[known], labels[known], backbone, None, notes)


def read_labeled_table(source: Path, options: ColumnOptions, read: ReadOptions) -> Labeled:
    """Rows with labels; classes with a single row are left out.

    Args:
      source: of the table.
      options: what is known about its columns, the label column among it.
      read: what is known about its layout.

    Raises:
      TableError: if it is no usable table.
      ImageError: if there are not 2 classes with 2 rows.
    """
    rows = read_labeled_rows(source, options, read)
    names, sizes = np.unique(rows.labels, return_counts=True)
    if (sizes > 1).sum() < 2:
        raise ImageError(f"{source}: needs at least 2 labels with at least 2 rows each")
    known = np.isin(rows.labels, names[sizes > 1])
    backbone = MLP(columns=rows.points.shape[1])
    return Labeled(rows.points[known], rows.labels[known], backbone, rows.columns, [])


def read_new_images(source: Path, shape: tuple[int, ...]) -> New:
    """New images, of the size that G takes.

    Args:
      source: a folder, or one image.
      shape: ``(H, W, C)``.

    Raises:
      ImageError: if none can be read.
    """
    files = [source] if source.is_file() else image_files(source)
    read = read_images(files, shape[0], channels=shape[2])
    notes = [f"skipped {line}" for line in read.broken]
    return New("image", [str(path) for path in read.files], read.images, None, notes)


def read_new_table(
    source: Path | str,
    columns: Columns,
    read: ReadOptions = SNIFFED,
    decimal: Decimal | None = None,
) -> New:
    """New rows, on the scale of the labeled ones.

    Args:
      source: of the table.
      columns: of the labeled table.
      read: what is known about its layout.
      decimal: the sign before the decimals, if it is known.

    Raises:
      TableError: if it is no usable table, or lacks columns.
    """
    rows = read_new_rows(source, columns, read, decimal=decimal)
    names = [str(number + 1) for number in range(len(rows.points))]
    return New("row", names, rows.points, rows, list(rows.notes))
