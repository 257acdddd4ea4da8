"""Labeled images: a folder with one folder for each class, or a table of files and labels."""

from pathlib import Path

import numpy as np

from l2c_jax.io.images import ImageError, image_files
from l2c_jax.io.reader import open_table
from l2c_jax.preprocessing.levels import level_cells

COLUMNS = ("file", "label")


def labeled_images(source: str | Path) -> tuple[list[Path], np.ndarray]:
    """Files of images and their classes; classes with a single image are left out.

    Args:
      source: a folder, in which the folder of an image is its class; or a table with the columns
        ``file`` (relative to the folder of the table) and ``label``.

    Returns:
      M files and ``[M]`` classes, text.

    Raises:
      ImageError: if there is no such folder or file, a column is missing, or there are fewer than
        2 classes with at least 2 images.
      TableError: if the table cannot be read.
    """
    source = Path(source)
    if source.is_file():
        files, classes = _listed(source)
    else:
        files = image_files(source)
        classes = np.array([path.relative_to(source).parent.as_posix() for path in files])
    names, sizes = np.unique(classes, return_counts=True)
    names = names[(sizes > 1) & (names != ".")]
    if len(names) < 2:
        wanted = "labels" if source.is_file() else "folders"
        raise ImageError(f"{source}: needs at least 2 {wanted} with at least 2 images each")
    known = np.isin(classes, names)
    return [path for path, kept in zip(files, known, strict=True) if kept], classes[known]


def _listed(source: Path) -> tuple[list[Path], np.ndarray]:
    """Files and labels of a table; rows without either are left out."""
    table = open_table(source)
    if not set(COLUMNS) <= set(table.names):
        raise ImageError(
            f"{source}: needs the columns file and label, for images; it has "
            f"{', '.join(table.names[:20])}. For rows of a table, name --label-column"
        )
    cells = table.columns(0, table.rows, [table.names.index(name) for name in COLUMNS])
    files, labels = (level_cells(cells[table.names.index(name)]) for name in COLUMNS)
    there = np.array(
        [a is not None and b is not None for a, b in zip(files, labels, strict=True)], bool
    )
    return [source.parent / str(name) for name in files[there]], labels[there].astype(str)
