"""From a file of rows to a file of labelled rows, piece by piece."""

import csv
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TextIO

import numpy as np
from tqdm import tqdm

from l2c_jax.io.files import TableFile, open_table
from l2c_jax.io.tables import Scan, numeric_pieces, scan
from l2c_jax.metrics import scores
from l2c_jax.preprocessing.principal import apply_preprocessing
from l2c_jax.tabular.clusterer import FittedTable, TabularConfig, adapt_table, predict_chunks
from l2c_jax.tabular.model import TabularModel

PROGRESS_ROWS = 200_000
"""Files of at least so many rows get a progress bar."""


@dataclass(frozen=True)
class LabelRequest:
    """Which file to cluster, and how."""

    file: Path
    num_clusters: int | None = None
    """k, or None: as the model estimates it."""
    label_column: str | None = None
    """True labels: not used for clustering, only for the scores."""
    config: TabularConfig = TabularConfig()  # noqa: RUF009  frozen
    """How the table is read."""
    seed: int = 0
    """Of the sample of rows and of the reading orders."""


class FittedFile(NamedTuple):
    """A file that was read once, and its clusters."""

    request: LabelRequest
    file: TableFile
    scan: Scan
    fitted: FittedTable


class LabelSummary(NamedTuple):
    """What scores and plots need of the labels."""

    sizes: np.ndarray  # [k] int64, rows of each cluster
    labels: np.ndarray  # [N] int8, or [0] without a label column
    classes: np.ndarray  # [N] cells of the label column, or [0]
    sample: np.ndarray  # [S, k], probabilities of the sampled rows


def adapt_file(model: TabularModel, request: LabelRequest) -> FittedFile:
    """Read the file once and adapt the model to a random sample of its rows.

    Args:
      model: the clusterer.
      request: the file and the settings.

    Returns:
      What :func:`write_labels` needs.

    Raises:
      TableError: if the file is no usable table.
      ValueError: see :func:`l2c_jax.tabular.clusterer.adapt_table`.
    """
    file, config = open_table(request.file), request.config
    found = scan(file, request.label_column, config.rows(model), request.seed)
    fitted = adapt_table(
        model, found.sample, request.num_clusters, config=config, seed=request.seed
    )
    return FittedFile(request, file, found, fitted)


def write_labels(model: TabularModel, adapted: FittedFile, out: TextIO) -> LabelSummary:
    """Write every row with its cluster and its probabilities.

    Args:
      model: the clusterer that was adapted.
      adapted: from :func:`adapt_file`.
      out: gets comma-separated text: the columns of the file, ``cluster`` (the index of the
        largest probability) and ``probability_0`` to ``probability_{k-1}``.

    Returns:
      What scores and plots need.

    Raises:
      TableError: if the file turns out to be ragged or broken.
    """
    file, fitted = adapted.file, adapted.fitted
    k = len(fitted.clusters)
    writer = csv.writer(out)
    writer.writerow([*file.names, "cluster", *(f"probability_{j}" for j in range(k))])
    sizes = np.zeros(k, np.int64)
    labels: list[np.ndarray] = [np.zeros(0, np.int8)]
    classes: list[np.ndarray] = []
    column = adapted.request.label_column
    rows = adapted.scan.rows
    shown = rows >= PROGRESS_ROWS and sys.stderr.isatty()
    with tqdm(total=rows, unit="rows", unit_scale=True, disable=not shown) as bar:
        for piece, numbers in numeric_pieces(file, adapted.scan.numeric):
            probabilities = next(predict_chunks(model, fitted, [numbers]))
            found = probabilities.argmax(axis=1)
            sizes += np.bincount(found, minlength=k)
            if column is not None:
                labels.append(found.astype(np.int8))
                classes.append(piece.columns[file.names.index(column)].astype(str))
            digits = np.char.mod("%.6f", probabilities)
            for cells, label, text in zip(
                zip(*piece.columns, strict=True), found, digits, strict=True
            ):
                writer.writerow([*cells, label, *text])
            bar.update(len(found))
    sample = next(predict_chunks(model, fitted, [adapted.scan.sample]))
    return LabelSummary(
        sizes,
        np.concatenate(labels),
        np.concatenate(classes) if classes else np.zeros(0, str),
        sample,
    )


def report_lines(adapted: FittedFile, summary: LabelSummary) -> Iterator[str]:
    """What was read, which clusters were found, and their scores, a line each.

    Args:
      adapted: from :func:`adapt_file`.
      summary: from :func:`write_labels`.

    Yields:
      Lines without line ends.
    """
    if adapted.scan.dropped:
        yield f"not numbers, left out: {', '.join(adapted.scan.dropped)}"
    used = summary.sizes[summary.sizes > 0]
    yield (
        f"{adapted.scan.rows} rows, {len(adapted.scan.numeric)} columns, "
        f"{used.size} clusters in use, of {', '.join(map(str, used))} rows"
    )
    probabilities = adapted.fitted.count_probabilities
    if probabilities is not None and adapted.request.num_clusters is None:
        likely = [int(k) for k in np.argsort(-probabilities)[:3]]
        estimate = ", ".join(f"{k + 1} ({probabilities[k]:.0%})" for k in likely)
        yield f"number of clusters: {estimate}"
    if summary.labels.size:
        result = scores(summary.classes, summary.labels)
        yield ", ".join(f"{name} {value:.4f}" for name, value in result.items())


def draw_sample(adapted: FittedFile, summary: LabelSummary, path: Path) -> None:
    """Plot the sampled rows on two principal axes, colored by their probabilities.

    Args:
      adapted: from :func:`adapt_file`.
      summary: from :func:`write_labels`.
      path: of the image.
    """
    from l2c_jax import plots

    points = apply_preprocessing(adapted.fitted.preprocessing, adapted.scan.sample)
    plots.memberships(path, points, summary.sample, title=adapted.file.path.name)
