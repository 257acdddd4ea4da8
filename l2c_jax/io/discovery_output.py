"""What a discovery writes: clusters.csv, a contact sheet for each cluster, and pictures."""

import csv
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO

import numpy as np

from l2c_jax.atomic import OutputError, replacing
from l2c_jax.io.images import contact_sheet, picture_address, picture_of_places
from l2c_jax.report import Items, shown_items

SHEET = 100
"""Images on a contact sheet, the most certain ones of a cluster."""


def check_folder(out: Path, folders: Sequence[Path], files: Sequence[Path]) -> None:
    """Refuse a folder of outputs that would mix with the inputs.

    Args:
      out: folder of the outputs.
      folders: of the inputs.
      files: of the inputs.

    Raises:
      OutputError: if ``out`` is a file, is one of the folders or lies in one, or holds a file.
    """
    here = out.resolve()
    if out.exists() and not out.is_dir():
        raise OutputError(f"{out}: is a file; name a folder")
    for folder in folders:
        if folder.resolve() in (here, *here.parents):
            raise OutputError(f"{out}: lies in the input {folder}; choose another folder")
    for file in files:
        if file.resolve().parent == here:
            raise OutputError(f"{out}: holds the input {file}; choose another folder")


def write_clusters(
    out: Path | None, noun: str, names: Sequence[str], probabilities: np.ndarray
) -> None:
    """Write a line for each image or row: its name, its cluster, its probabilities.

    Args:
      out: of the file, replaced in one step; ``None``: standard output.
      noun: header of the first column, "file" or "row".
      names: N.
      probabilities: ``[N, k]``.
    """
    if out is None:
        _write(sys.stdout, noun, names, probabilities)
        return
    with replacing(out) as draft, draft.open("w", newline="", encoding="utf-8") as file:
        _write(file, noun, names, probabilities)


def _write(file: TextIO, noun: str, names: Sequence[str], probabilities: np.ndarray) -> None:
    writer = csv.writer(file, lineterminator="\n")
    count = probabilities.shape[1]
    writer.writerow([noun, "cluster", *(f"probability_{number}" for number in range(count))])
    for name, row in zip(names, probabilities, strict=True):
        writer.writerow([name, int(row.argmax()), *(f"{p:.6f}" for p in row)])


def write_sheets(out: Path, images: np.ndarray, probabilities: np.ndarray) -> None:
    """Write ``cluster_000.png`` and so on; sheets of an earlier run are removed.

    Args:
      out: folder.
      images: ``[N, H, W, C]`` uint8.
      probabilities: ``[N, k]``.
    """
    labels, count = probabilities.argmax(axis=1), probabilities.shape[1]
    for number in range(count):
        mine = np.flatnonzero(labels == number)
        mine = mine[np.argsort(-probabilities[mine, number], kind="stable")][:SHEET]
        if len(mine):
            with replacing(out / f"cluster_{number:03}.png") as draft:
                contact_sheet(images[mine], draft)
    for old in out.glob("cluster_[0-9][0-9][0-9].png"):
        if int(old.stem[-3:]) >= count:
            old.unlink()


def write_places(
    out: Path, images: np.ndarray, places: np.ndarray, probabilities: np.ndarray
) -> None:
    """Write ``embedding.png``, in which similar images lie near each other.

    Args:
      out: folder.
      images: ``[N, H, W, C]`` uint8.
      places: ``[N, 2]``.
      probabilities: ``[N, k]``.
    """
    with replacing(out / "embedding.png") as draft:
        picture_of_places(images, places, probabilities.argmax(axis=1), draft)


def image_items(names: Sequence[str], images: np.ndarray, probabilities: np.ndarray) -> Items:
    """The images that a page shows.

    Args:
      names: N, of their files.
      images: ``[N, H, W, C]`` uint8.
      probabilities: ``[N, k]``.
    """
    wanted = sorted(_shown(probabilities))
    pictures = {at: picture_address(images[at]) for at in wanted}
    return Items("image", names, pictures, {}, (), ())


def _shown(probabilities: np.ndarray) -> Iterator[int]:
    for certain, uncertain in shown_items(probabilities):
        yield from (int(at) for at in (*certain, *uncertain))
