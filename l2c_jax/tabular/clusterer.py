"""Any table of numbers: adapt to a sample of its rows, then label all of them in chunks."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import jax
import numpy as np

from l2c_jax.preprocessing.principal import (
    Preprocessing,
    apply_preprocessing,
    fit_table_preprocessing,
)
from l2c_jax.recurrent.config import InferenceConfig
from l2c_jax.recurrent.inference import AdaptedState, adapt, predict_log_probs
from l2c_jax.tabular.count_head import table_count_log_probs
from l2c_jax.tabular.model import TabularModel
from l2c_jax.training.host import host_call
from l2c_jax.types import ArrayLike, Key

CHUNK = 1024
"""Rows labelled in one call; every table shares the compiled program."""


_INFERENCE = InferenceConfig(points_per_epoch=256)


@dataclass(frozen=True)
class TabularConfig:
    """How a table is read."""

    inference: InferenceConfig = _INFERENCE
    """Epochs and orders, and the rows read in an epoch."""
    count_orders: int = 2
    """Orders for each candidate number of clusters, where the number has to be found."""
    max_rows: int = 2048
    """Rows that the learner adapts to; of a larger table a random sample."""
    standardize: bool = True
    """Give every column the same variance first."""

    def __post_init__(self) -> None:
        if min(self.count_orders, self.max_rows) < 1:
            raise ValueError("count_orders and max_rows must be at least 1")

    @property
    def counting(self) -> InferenceConfig:
        """Inference for each candidate number of clusters."""
        return replace(self.inference, orders=self.count_orders, top_fraction=1.0)


class FittedTable(NamedTuple):
    """All that was learned about one table; enough to label any row with its columns."""

    preprocessing: Preprocessing
    state: AdaptedState
    clusters: np.ndarray  # [k] int, which of the learner's K clusters are used
    offsets: np.ndarray  # [k], added to the log-probabilities so that all k are used
    count_probabilities: np.ndarray | None  # [K], P(k | X); None without a head for k
    num_columns: int  # D, columns of the table


@host_call()
def adapt_table(
    model: TabularModel,
    table: ArrayLike,
    num_clusters: int | None = None,
    *,
    config: TabularConfig = TabularConfig(),
    seed: int = 0,
) -> FittedTable:
    """Adapt to a table.

    Args:
      model: with ``condition_on_num_clusters`` its learner is given k; for another learner, the k
        clusters of largest total probability are kept.
      table: ``[N, D]`` finite numbers. Units, offsets and the order of the columns do not matter.
      num_clusters: k; ``None``: the median of P(k | X) if the model has a head for it, or else
        the clusters that the learner uses.
      config: how the table is read.
      seed: of the sample and the orders.

    Returns:
      The state for :func:`predict_table`.

    Raises:
      ValueError: if the table is none, not finite, or ``num_clusters`` is above K or above N, or
        missing for weights that need it.

    Example:
      >>> import numpy as np
      >>> from l2c_jax.tabular.model import load_tabular_model
      >>> model, rows = load_tabular_model("demo"), np.random.default_rng(0).normal(size=(30, 5))
      >>> fitted = adapt_table(model, rows, num_clusters=2)
      >>> predict_table(model, fitted, rows[:4]).shape
      (4, 2)
    """
    rows = checked_table(table)
    learner = model.learner.without_metadata()
    shape = learner.config
    limit = check_num_clusters(model, num_clusters, len(rows))
    if len(rows) > config.max_rows:
        rng = np.random.default_rng(seed)
        rows = rows[np.sort(rng.choice(len(rows), config.max_rows, replace=False))]
    preprocessing = fit_table_preprocessing(
        rows, shape.preprocessing, shape.dimensions, standardize=config.standardize
    )
    points = apply_preprocessing(preprocessing, rows, shape.dimensions)
    points = points[np.lexsort(points.T)]  # the result does not depend on the order of the rows
    padded, mask = pad_points(points)
    key_count, key_adapt = jax.random.split(jax.random.key(seed))
    probabilities = _count_probabilities(model, key_count, padded, mask, config, limit)
    if num_clusters is None and probabilities is not None:
        num_clusters = 1 + int((probabilities.cumsum() < 0.5).sum())
    k = (num_clusters or 0) if shape.condition_on_num_clusters else 0
    state = _adapt(
        *(learner, key_adapt, padded, mask, np.int32(k)),
        config=config.inference,
        preprocessed=True,
    )
    every = np.arange(k or shape.num_clusters)
    offsets = np.zeros(every.size)
    columns = rows.shape[1]
    fitted = FittedTable(preprocessing, state, every, offsets, probabilities, columns)
    if num_clusters is None:
        return fitted
    logs = _label(model, fitted, points)
    largest = np.argsort(-np.exp(logs).sum(axis=0), kind="stable")[:num_clusters]
    kept = every if k else np.sort(largest)
    return fitted._replace(clusters=kept, offsets=offsets_to_use_all(logs[:, kept]))


def predict_table(model: TabularModel, fitted: FittedTable, table: ArrayLike) -> np.ndarray:
    """Probabilities of the clusters for each row by itself.

    Args:
      model: the one that adapted.
      fitted: from :func:`adapt_table`.
      table: ``[N, D]`` with the same columns.

    Returns:
      ``[N, k]`` float64, rows sum to 1.

    Raises:
      ValueError: if the table is none, not finite, or has other columns.
    """
    return np.concatenate(list(predict_chunks(model, fitted, [checked_table(table)])))


def predict_chunks(
    model: TabularModel, fitted: FittedTable, tables: Iterable[np.ndarray]
) -> Iterator[np.ndarray]:
    """:func:`predict_table` for a table that comes in pieces.

    Args:
      model: the one that adapted.
      fitted: from :func:`adapt_table`.
      tables: ``[n, D]`` each, finite.

    Yields:
      ``[n, k]`` for each piece.

    Raises:
      ValueError: if a piece has other columns.
    """
    for rows in tables:
        if rows.shape[1] != fitted.num_columns:
            raise ValueError(
                f"{rows.shape[1]} columns, but the model was fitted on {fitted.num_columns}"
            )
        dimensions = model.learner.config.dimensions
        points = apply_preprocessing(fitted.preprocessing, rows, dimensions)
        logs = _label(model, fitted, points) + fitted.offsets[None, :]
        yield np.exp(logs - np.logaddexp.reduce(logs, axis=1, keepdims=True))


def checked_table(table: ArrayLike) -> np.ndarray:
    """A table as float64.

    Raises:
      ValueError: if it has not two dimensions, no row or no column, or NaN or infinity.
    """
    rows = np.asarray(table, np.float64)
    if rows.ndim != 2 or 0 in rows.shape:
        raise ValueError(f"a table of rows and columns is needed, got shape {rows.shape}")
    if not np.isfinite(rows).all():
        raise ValueError("the table must be finite; found NaN or infinity")
    return rows


def check_num_clusters(model: TabularModel, num_clusters: int | None, rows: int) -> int:
    """The largest number of clusters for a table of some rows.

    Raises:
      ValueError: if ``num_clusters`` is above it or below 1, or missing for weights that need it.
    """
    config = model.learner.config
    limit = min(config.num_clusters, rows)
    if num_clusters is not None and not 1 <= num_clusters <= limit:
        raise ValueError(
            f"num_clusters is {num_clusters}; it must be at least 1, at most {rows} (the "
            f"rows) and at most {config.num_clusters} (what the weights were trained for)"
        )
    if num_clusters is None and config.condition_on_num_clusters and model.count_head is None:
        raise ValueError(f"these weights need the number of clusters, 1 to {config.num_clusters}")
    return limit


def pad_points(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points padded with zeros to one of few sizes, so that tables share compiled programs.

    Args:
      points: ``[N, D]``.

    Returns:
      ``[P, D]`` float32, and the mask ``[P]``; P is the least of 16, 24, 32, 48, 64, ... that is
      at least N.

    Example:
      >>> [pad_points(np.ones((n, 1)))[0].shape[0] for n in (1, 17, 150)]
      [16, 24, 192]
    """
    size, power = len(points), 16
    while power < size:
        power *= 2
    padded = power * 3 // 4 if 16 < size <= power * 3 // 4 else power
    filled = np.zeros((padded, points.shape[1]), np.float32)
    filled[:size] = points
    return filled, np.arange(padded) < size


def offsets_to_use_all(logs: np.ndarray) -> np.ndarray:
    """What to add to log-probabilities so that every cluster is the likeliest of some point.

    A cluster that is the likeliest of no point gets the least offset that gives it one, as long
    as no other cluster is emptied.

    Args:
      logs: ``[N, k]`` logarithms of probabilities.

    Returns:
      ``[k]``, zeros where nothing is needed.

    Example:
      >>> logs = np.log([[0.6, 0.4], [0.9, 0.1], [0.7, 0.3]])
      >>> (logs + offsets_to_use_all(logs)[None, :]).argmax(axis=1).tolist()
      [1, 0, 0]
    """
    count = logs.shape[1]
    offsets = np.zeros(count)
    for _ in range(count**2):  # a cluster may take the only point of another, which takes it back
        moved = logs + offsets[None, :]
        labels = moved.argmax(axis=1)
        sizes = np.bincount(labels, minlength=count)
        empty = np.flatnonzero(sizes == 0)
        if not empty.size:
            break
        cluster = empty[0]
        lacks = moved.max(axis=1) - moved[:, cluster]
        lacks = np.where(sizes[labels] > 1, lacks, np.inf)
        if not np.isfinite(lacks.min()):
            break
        offsets[cluster] += lacks.min() + 1e-6 * (1 + abs(lacks.min()))
    return offsets


def _count_probabilities(
    model: TabularModel,
    key: Key,
    points: np.ndarray,
    mask: np.ndarray,
    config: TabularConfig,
    limit: int,
) -> np.ndarray | None:
    """``[K]``, P(k | X) with no weight above the limit; None without a head."""
    if model.count_head is None:
        return None
    given = model.learner.without_metadata(), model.count_head, key, points, mask
    logs = np.array(_count_log_probs(*given, config=config.counting), np.float64)
    logs[limit:] = -np.inf
    return np.exp(logs - np.logaddexp.reduce(logs))


@host_call()
def _label(model: TabularModel, fitted: FittedTable, points: np.ndarray) -> np.ndarray:
    """``[N, k]`` log-probabilities of preprocessed points, in chunks of one size."""
    learner, parts = model.learner.without_metadata(), []
    for start in range(0, len(points), CHUNK):
        part = points[start : start + CHUNK]
        filled = np.zeros((CHUNK, points.shape[1]), np.float32)
        filled[: len(part)] = part
        answer = _predict_log_probs(learner, fitted.state, filled)
        parts.append(np.asarray(answer, np.float64)[: len(part)])
    return np.concatenate(parts)[:, fitted.clusters]


_adapt = jax.jit(adapt, static_argnames=("config", "preprocessed"))
_predict_log_probs = jax.jit(predict_log_probs)
_count_log_probs = jax.jit(table_count_log_probs, static_argnames="config")
