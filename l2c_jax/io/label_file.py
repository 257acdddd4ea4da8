"""From a file of rows to a file of labelled rows, piece by piece."""

import csv
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TextIO

import numpy as np
from tqdm import tqdm

from l2c_jax.io.tables import Scan, TableFile, numeric_pieces, open_table, scan
from l2c_jax.preprocessing.table_frame import enter_frame
from l2c_jax.recurrent.learner import Learner
from l2c_jax.tabular.clusterer import SAMPLE, Knowledge, label_chunks, study_table

BAR_FROM = 200_000
"""Rows from which on a progress bar is shown."""


@dataclass(frozen=True)
class Request:
    """What is to be done with which file."""

    file: Path
    num_clusters: int | None = None
    """k, or None: the learner's guess."""
    label_column: str | None = None
    """True labels: not read, but compared with."""
    standardise: bool = True
    """Give every column the same variance first."""
    orders: int = 16
    """M, visiting orders."""
    passes: int = 2
    """E, passes over the sample."""
    seed: int = 0
    """Of the sample and the orders."""


class Study(NamedTuple):
    """A file that was looked at once, and what the learner knows of it."""

    request: Request
    file: TableFile
    scan: Scan
    known: Knowledge


class Seen(NamedTuple):
    """What is kept of the answer for scores and pictures."""

    sizes: np.ndarray  # [k], rows of each cluster
    labels: np.ndarray  # [N] int8, or [0] if there is no column to compare with
    classes: np.ndarray  # [N] cells of that column
    sample: np.ndarray  # [S, k], probabilities of the sampled rows


def study(learner: Learner, request: Request) -> Study:
    """Scan the file and let the learner study a sample of its rows.

    Raises:
      TableError: if the file is no usable table.
      ValueError: see :func:`l2c_jax.tabular.clusterer.study_table`.
    """
    file = open_table(request.file)
    seen = scan(file, request.label_column, SAMPLE, request.seed)
    known = study_table(
        learner,
        seen.sample,
        num_clusters=request.num_clusters,
        standardise=request.standardise,
        passes=request.passes,
        orders=request.orders,
        seed=request.seed,
    )
    return Study(request, file, seen, known)


def write(learner: Learner, study: Study, out: TextIO) -> Seen:
    """Write every row with its cluster and the probabilities.

    Args:
      learner: that studied.
      study: the file.
      out: text, comma-separated.

    Returns:
      What scores and pictures need.
    """
    file, known = study.file, study.known
    k = len(known.clusters)
    writer = csv.writer(out)
    writer.writerow([*file.names, "cluster", *(f"probability_{j}" for j in range(k))])
    sizes = np.zeros(k, np.int64)
    labels: list[np.ndarray] = [np.zeros(0, np.int8)]
    classes: list[np.ndarray] = []
    column = study.request.label_column
    show = study.scan.rows >= BAR_FROM and sys.stderr.isatty()
    with tqdm(total=study.scan.rows, unit="rows", unit_scale=True, disable=not show) as bar:
        for piece, numbers in numeric_pieces(file, study.scan.numeric):
            chances = next(label_chunks(learner, known, [numbers]))
            found = chances.argmax(axis=1)
            sizes += np.bincount(found, minlength=k)
            if column is not None:
                labels.append(found.astype(np.int8))
                classes.append(piece.columns[file.names.index(column)].astype(str))
            digits = np.char.mod("%.6f", chances)
            for row, label, probabilities in zip(
                zip(*piece.columns, strict=True), found, digits, strict=True
            ):
                writer.writerow([*row, label, *probabilities])
            bar.update(len(found))
    sample = next(label_chunks(learner, known, [study.scan.sample]))
    return Seen(
        sizes,
        np.concatenate(labels),
        np.concatenate(classes) if classes else np.zeros(0, str),
        sample,
    )


def report(study: Study, seen: Seen) -> Iterator[str]:
    """Lines for the person who asked: what was read, what was found, how well it fits."""
    from l2c_jax.evaluate import scores

    if study.scan.dropped:
        yield f"not numbers, left out: {', '.join(study.scan.dropped)}"
    used = seen.sizes[seen.sizes > 0]
    yield (
        f"{study.scan.rows} rows, {len(study.scan.numeric)} columns, "
        f"{used.size} clusters in use, of {', '.join(map(str, used))} rows"
    )
    chances = study.known.count_probabilities
    if chances is not None and study.request.num_clusters is None:
        likely = [int(k) for k in np.argsort(-chances)[:3]]
        yield "number of clusters: " + ", ".join(f"{k + 1} ({chances[k]:.0%})" for k in likely)
    if seen.labels.size:
        result = scores(seen.classes, seen.labels)
        yield ", ".join(f"{name} {value:.4f}" for name, value in result.items())


def draw(study: Study, seen: Seen, path: Path) -> None:
    """A picture of the sampled rows on their first two principal axes."""
    from l2c_jax import plots

    points = enter_frame(study.known.frame, study.scan.sample)
    plots.memberships(path, points, seen.sample, title=study.file.path.name)
