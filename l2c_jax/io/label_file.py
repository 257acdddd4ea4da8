"""From a file of rows to a file of labelled rows, piece by piece."""

import csv
import io
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import NamedTuple, TextIO, TypeAlias

import numpy as np
from tqdm import tqdm

from l2c_jax.io.dialect import ReadOptions, generated_names
from l2c_jax.io.reader import open_table
from l2c_jax.io.tables import Prepared, encoded_batches, labels_of, prepare, role_lines
from l2c_jax.metrics import scores
from l2c_jax.preprocessing.column_options import ColumnOptions
from l2c_jax.preprocessing.encoder import encode, sample_rows
from l2c_jax.preprocessing.principal import apply_preprocessing
from l2c_jax.tabular.clusterer import FittedTable, TabularConfig, adapt_table, predict_chunks
from l2c_jax.tabular.fitted_model import (
    FittedModel,
    keep_used,
    learner_points,
    weights_hash,
)
from l2c_jax.tabular.model import TabularModel
from l2c_jax.tabular.table import SORTED_ROWS

Observer: TypeAlias = Callable[[int, np.ndarray, np.ndarray], None]

PROGRESS_ROWS = 200_000
"""Files of at least so many rows get a progress bar."""


@dataclass(frozen=True)
class LabelRequest:
    """Which file to cluster, and how."""

    file: Path | str
    num_clusters: int | None = None
    """k, or None: as the model estimates it."""
    columns: ColumnOptions = ColumnOptions()  # noqa: RUF009  frozen
    """What is known about the columns, the column of true labels included."""
    read: ReadOptions = ReadOptions()  # noqa: RUF009  frozen
    """What is known about the layout of the file."""
    config: TabularConfig = TabularConfig()  # noqa: RUF009  frozen
    """How the table is read."""
    seed: int = 0
    """Of the sample of rows and of the reading orders; as ``random_state`` of the estimator."""


class FittedFile(NamedTuple):
    """A file whose columns are known, and its clusters."""

    request: LabelRequest
    prepared: Prepared
    fitted: FittedTable
    sample: np.ndarray  # [S, D'] what the model adapted to
    used: tuple[int, ...] | None = None  # of the clusters of fitted; None: all


class LabelSummary(NamedTuple):
    """What scores and plots need of the labels."""

    sizes: np.ndarray  # [k] int64, rows of each cluster
    labels: np.ndarray  # [L] int16, of the rows with a true label; [0] without a label column
    classes: np.ndarray  # [L] true labels
    sample: np.ndarray  # [S, k], probabilities of the sampled rows
    unseen: dict[str, int]  # cells of each column with a level that the sample does not have


def adapt_file(model: TabularModel, request: LabelRequest) -> FittedFile:
    """Adapt the model to a random sample of the rows of a file.

    Args:
      model: the clusterer.
      request: the file and the settings.

    Returns:
      What :func:`write_labels` needs.

    Raises:
      TableError: if the file is no usable table.
      ValueError: see :func:`l2c_jax.tabular.clusterer.adapt_table`.
    """
    prepared = prepare(open_table(request.file, request.read), request.columns)
    config, seed = learner_config(prepared, request.config), clusterer_seed(request.seed)
    rows = sample_rows(prepared.file.rows, SORTED_ROWS, seed)
    matrix = encode(prepared.encoder, prepared.file.take(rows)).matrix
    sample = learner_input(prepared, request.config, matrix)
    fitted = adapt_table(model, sample, request.num_clusters, config=config, seed=seed)
    shown = sample_rows(len(sample), request.config.rows(model), seed)
    return FittedFile(request, prepared, fitted, sample[shown])


def clusterer_seed(seed: int) -> int:
    """The seed that ``MetaClusterer(random_state=seed)`` uses, so that both answer alike."""
    return int(np.random.RandomState(seed % 2**32).randint(2**31 - 1))


def learner_config(prepared: Prepared, config: TabularConfig) -> TabularConfig:
    """The configuration for an encoded table: indicators are not standardized again."""
    if prepared.encoder.unit.any() and config.standardize:
        return replace(config, standardize=False)
    return config


def learner_input(prepared: Prepared, config: TabularConfig, matrix: np.ndarray) -> np.ndarray:
    """``[N, D']``: numbers standardized beside indicators, or the matrix as it is."""
    return learner_points(prepared.encoder, matrix, config.standardize)


def fitted_model_of(model: TabularModel, adapted: FittedFile, weights: str = "") -> FittedModel:
    """What :func:`l2c_jax.tabular.fitted_model.save_fitted_model` writes.

    Args:
      model: the clusterer that was adapted.
      adapted: from :func:`adapt_file`.
      weights: name or file of the weights.
    """
    request, file = adapted.request, adapted.prepared.file
    inference = request.config.inference
    return FittedModel(
        *(model, adapted.fitted, adapted.prepared.roles, adapted.prepared.encoder),
        standardize=request.config.standardize,
        by_position=file.names == generated_names(len(file.names)),
        how={
            "parameters": {
                "n_clusters": request.num_clusters,
                "weights": weights,
                "n_orders": inference.orders,
                "n_epochs": inference.epochs,
                "columns": asdict(request.columns),
                "random_state": request.seed,
            },
            "names": file.names,
            "seed": clusterer_seed(request.seed),
            "rows": file.rows,
            "weights_hash": weights_hash(model),
        },
    )


def write_labels(
    model: TabularModel, adapted: FittedFile, out: TextIO, observe: Observer | None = None
) -> LabelSummary:
    """Write every row with its cluster and its probabilities.

    Args:
      model: the clusterer that was adapted.
      adapted: from :func:`adapt_file`.
      out: gets comma-separated text: the columns of the file without those of an earlier answer,
        ``cluster`` (the index of the largest probability) and ``probability_0`` to
        ``probability_{k-1}``.
      observe: called for each piece with the number of its first row, the points ``[n, D']`` and
        the probabilities ``[n, k]``.

    Returns:
      What scores and plots need.

    Raises:
      TableError: if a column of numbers has cells that are none.
    """
    prepared, fitted, request = adapted.prepared, adapted.fitted, adapted.request
    file, k = prepared.file, len(fitted.clusters if adapted.used is None else adapted.used)
    old = [role.name for role in prepared.roles if role.kind == "earlier answer"]
    names = [name for name in file.names if name not in old]
    out.write(_csv_line([*names, "cluster", *(f"probability_{j}" for j in range(k))]))
    sizes, unseen = np.zeros(k, np.int64), Counter[str]()
    labels, classes = [np.zeros(0, np.int16)], [np.zeros(0, object)]
    column = request.columns.label_column
    shown = file.rows >= PROGRESS_ROWS and sys.stderr.isatty()
    with tqdm(total=file.rows, unit="rows", unit_scale=True, disable=not shown) as bar:
        for start, stop, matrix, unknown in encoded_batches(prepared):
            points = learner_input(prepared, request.config, matrix)
            probabilities = next(predict_chunks(model, fitted, [points]))
            probabilities = keep_used(probabilities, adapted.used)
            if observe is not None:
                observe(start, points, probabilities)
            found = probabilities.argmax(axis=1)
            sizes += np.bincount(found, minlength=k)
            unseen.update(unknown)
            if column is not None:
                truth = labels_of(file, column, start, stop)
                there = np.array([cell is not None for cell in truth], bool)
                labels.append(found[there].astype(np.int16))
                classes.append(truth[there])
            _write_rows(out, file.lines(start, stop, old), found, probabilities)
            bar.update(stop - start)
    sample = np.zeros((0, k))
    if len(adapted.sample):
        sample = keep_used(next(predict_chunks(model, fitted, [adapted.sample])), adapted.used)
    return LabelSummary(
        sizes, np.concatenate(labels), np.concatenate(classes).astype(str), sample, dict(unseen)
    )


def _csv_line(cells: list[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue()


def _write_rows(
    out: TextIO, lines: list[str], found: np.ndarray, probabilities: np.ndarray
) -> None:
    pattern = ",".join(["%.6f"] * probabilities.shape[1])
    out.writelines(
        f"{line},{label},{pattern % tuple(row)}\n" if line else f"{label},{pattern % tuple(row)}\n"
        for line, label, row in zip(lines, found.tolist(), probabilities.tolist(), strict=True)
    )


def report_lines(adapted: FittedFile, summary: LabelSummary) -> Iterator[str]:
    """What was read, which clusters were found, and their scores, a line each.

    Args:
      adapted: from :func:`adapt_file`.
      summary: from :func:`write_labels`.

    Yields:
      Lines without line ends.
    """
    prepared = adapted.prepared
    yield from role_lines(prepared)
    for name, count in summary.unseen.items():
        yield f"{count} cells of column {name!r} have a level that the sample does not have"
    used = summary.sizes[summary.sizes > 0]
    yield size_line(adapted, summary)
    asked = adapted.request.num_clusters
    if asked is not None and used.size < asked:
        yield f"found {used.size} clusters, fewer than -k {asked}: the rows are too much alike"
    probabilities = adapted.fitted.count_probabilities
    if probabilities is not None and asked is None:
        likely = [int(k) for k in np.argsort(-probabilities)[:3]]
        estimate = ", ".join(f"{k + 1} ({probabilities[k]:.0%})" for k in likely)
        yield f"number of clusters: {estimate}"
    if adapted.request.columns.label_column is not None:
        yield from score_lines(adapted, summary)


def size_line(adapted: FittedFile, summary: LabelSummary) -> str:
    """Rows, columns and sizes of the clusters."""
    used, prepared = summary.sizes[summary.sizes > 0], adapted.prepared
    return (
        f"{prepared.file.rows} rows, {len(prepared.encoder.columns)} columns, "
        f"{used.size} clusters in use, of {', '.join(map(str, used))} rows"
    )


def score_lines(adapted: FittedFile, summary: LabelSummary) -> Iterator[str]:
    """How well the labels fit the true ones."""
    without = adapted.prepared.file.rows - summary.labels.size
    if not summary.labels.size:
        yield "no row has a true label: no scores"
        return
    result = scores(summary.classes, summary.labels)
    note = f" ({without} rows without a label left out)" if without else ""
    yield ", ".join(f"{name} {value:.4f}" for name, value in result.items()) + note


def draw_sample(adapted: FittedFile, summary: LabelSummary, path: Path) -> None:
    """Plot the sampled rows on two principal axes, colored by their probabilities.

    Args:
      adapted: from :func:`adapt_file`.
      summary: from :func:`write_labels`.
      path: of the image.
    """
    from l2c_jax import plots

    points = apply_preprocessing(adapted.fitted.preprocessing, adapted.sample)
    title = Path(adapted.prepared.file.name).name
    plots.memberships(path, points, summary.sample, title=title)
