"""Any table of numbers: study a sample of its rows, then label all of them, however many.

What :mod:`l2c_jax.recurrent.inference` does for points in the learner's frame, for tables as people
have them: any number of rows and columns, the number of clusters known or not.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from l2c_jax.preprocessing.table_frame import TableFrame, enter_frame, table_frame
from l2c_jax.recurrent.cluster import padded_size
from l2c_jax.recurrent.inference import Memory, read, recall_each, recall_log, study
from l2c_jax.recurrent.learner import Learner
from l2c_jax.recurrent.model import ModelConfig, Params
from l2c_jax.tabular.count_head import count_features, count_log_probabilities
from l2c_jax.types import Array, ArrayLike, Key

SAMPLE = 2048
"""Rows that are looked at; of a larger table a random sample."""
READ = 256
"""Points read in one pass, another random sample each time."""
CHUNK = 1024
"""Points labelled in one call."""
SUREST = 4
"""Where every cluster has a memory of its own, the surest reading in so many is kept."""
COUNT_ORDERS = 2
"""Readings for each number of clusters, where their number has to be found."""


class Knowledge(NamedTuple):
    """All that was learned about one table; enough to label any row of its kind."""

    frame: TableFrame
    memory: Memory
    clusters: np.ndarray  # [k] int, which of the learner's K clusters are used
    offsets: np.ndarray  # [k], added to the log-probabilities so that all k are
    count_probabilities: np.ndarray | None  # [K], P(k | X); None if the learner has no such head


def study_table(
    learner: Learner,
    table: ArrayLike,
    *,
    num_clusters: int | None = None,
    standardise: bool = True,
    passes: int = 2,
    orders: int = 16,
    seed: int = 0,
) -> Knowledge:
    """Learn how a table falls into clusters.

    Args:
      learner: with ``given_clusters`` it is told k; another one keeps the k clusters of largest
        total probability.
      table: ``[N, D]`` finite numbers. Units, origin and order of the columns do not matter.
      num_clusters: k; ``None``: the median of P(k | X), if the learner has a head for it, or else
        the clusters that it uses.
      standardise: give every column the same variance first.
      passes: E, passes over the sample.
      orders: M, readings, of which the surest quarter is averaged (all of them, if the learner has
        one memory for the whole task).
      seed: of the sample and the visiting orders.

    Returns:
      What :func:`label_table` needs.

    Raises:
      ValueError: if the table is none, not finite, or ``num_clusters`` is beyond the learner or
        the rows.

    Example:
      >>> import jax
      >>> from l2c_jax.recurrent.model import init
      >>> model = ModelConfig(dimensions=2, num_clusters=3, hidden=(4,), given_clusters=True)
      >>> learner = Learner(init(jax.random.key(0), model), model, {})
      >>> rows = np.random.default_rng(0).normal(size=(30, 5))
      >>> known = study_table(learner, rows, num_clusters=2)
      >>> label_table(learner, known, rows[:4]).shape
      (4, 2)
    """
    rows = checked_table(table)
    model = learner.model
    limit = min(model.num_clusters, len(rows))
    if num_clusters is not None and not 1 <= num_clusters <= limit:
        raise ValueError(
            f"num_clusters is {num_clusters}; it must be at least 1, at most {len(rows)} (the "
            f"rows) and at most {model.num_clusters} (what the weights were trained for)"
        )
    if num_clusters is None and model.given_clusters and learner.params.head is None:
        raise ValueError(
            f"these weights have to be told the number of clusters, 1 to {model.num_clusters}"
        )
    if min(passes, orders) < 1:
        raise ValueError("passes and orders must be at least 1")
    rng = np.random.default_rng(seed)
    if len(rows) > SAMPLE:
        rows = rows[np.sort(rng.choice(len(rows), SAMPLE, replace=False))]
    frame = table_frame(rows, model.dimensions, model.frame, standardise=standardise)
    points = enter_frame(frame, rows)
    points = points[np.lexsort(points.T)]  # the order of the rows shall not matter
    padded = padded_size(len(points))
    spread = np.zeros((padded, model.dimensions), np.float32)
    spread[: len(points)] = points
    mask = np.arange(padded) < len(points)
    key_count, key_told = jax.random.split(jax.random.key(seed))
    how = {"model": model, "passes": passes, "orders": orders}
    chances = None
    if learner.params.head is not None:
        given = (learner.params, key_count, spread, mask)
        every = {**how, "orders": COUNT_ORDERS}
        log_chances = np.array(_log_counts(*given, **every), np.float64)
        log_chances[limit:] = -np.inf
        chances = np.exp(log_chances - np.logaddexp.reduce(log_chances))
        num_clusters = num_clusters or 1 + int((chances.cumsum() < 0.5).sum())
    told = (num_clusters or 0) if model.given_clusters else 0
    keep = max(1, orders // SUREST) if model.memory == "cluster" else None
    memory = _study(learner.params, key_told, spread, mask, np.int32(told), keep=keep, **how)
    everything = np.arange(told or model.num_clusters)
    known = Knowledge(frame, memory, everything, np.zeros(everything.size), chances)
    if num_clusters is None:
        return known
    logs = np.concatenate(list(_log_probabilities(learner, known, [points])))
    largest = np.argsort(-np.exp(logs).sum(axis=0), kind="stable")[:num_clusters]
    kept = everything if told else np.sort(largest)
    return known._replace(clusters=kept, offsets=offsets_to_use_all(logs[:, kept]))


def label_table(learner: Learner, known: Knowledge, table: ArrayLike) -> np.ndarray:
    """Probabilities of the clusters for each row by itself.

    Args:
      learner: the one that studied.
      known: from :func:`study_table`.
      table: ``[N, D]`` of the same columns.

    Returns:
      ``[N, k]`` float64, rows sum to 1.

    Raises:
      ValueError: if the table is none, not finite, or has other columns.
    """
    return np.concatenate(list(label_chunks(learner, known, [checked_table(table)])))


def label_chunks(
    learner: Learner, known: Knowledge, tables: Iterator[np.ndarray] | list[np.ndarray]
) -> Iterator[np.ndarray]:
    """As :func:`label_table`, for a table that comes in pieces: ``[n, k]`` for each of them."""
    for logs in _log_probabilities(
        learner, known, (enter_frame(known.frame, rows) for rows in _fitting(known, tables))
    ):
        logs = logs + known.offsets[None, :]
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


def offsets_to_use_all(logs: np.ndarray) -> np.ndarray:
    """What to add to log-probabilities so that every cluster is the likeliest of some point.

    A cluster that no point likes best gets just as much more weight as its best point needs, as
    long as no other cluster is emptied by that.

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


def _fitting(
    known: Knowledge, tables: Iterator[np.ndarray] | list[np.ndarray]
) -> Iterator[np.ndarray]:
    width = len(known.frame.mean)
    for rows in tables:
        if rows.shape[1] != width:
            raise ValueError(f"{rows.shape[1]} columns, but {width} were studied")
        yield rows


def _log_probabilities(
    learner: Learner, known: Knowledge, clouds: Iterator[np.ndarray] | list[np.ndarray]
) -> Iterator[np.ndarray]:
    """``[n, k]`` for every cloud of points in the frame, labelled in pieces of one size."""
    for points in clouds:
        parts = []
        for start in range(0, len(points), CHUNK):
            part = points[start : start + CHUNK]
            filled = np.zeros((CHUNK, points.shape[1]), np.float32)
            filled[: len(part)] = part
            answer = _recall(learner.params, known.memory, filled, model=learner.model)
            parts.append(np.asarray(answer, np.float64)[: len(part)])
        yield np.concatenate(parts)[:, known.clusters]


def reading_features(
    params: Params,
    key: Key,
    points: Array,
    mask: Array,
    *,
    model: ModelConfig,
    passes: int,
    orders: int,
) -> Array:
    """``[F]``: what readings told 1 ... K clusters, or none, say to the head for their number.

    Args:
      params: a learner that is told the number of clusters.
      key: consumed.
      points: ``[N, D]`` in the learner's frame.
      mask: ``[N]`` bool.
      model: the learner's configuration, static.
      passes: E, static.
      orders: M, readings for each number, static.
    """

    def answers(key: Key, count: Array) -> Array:
        memory = read(
            *(params, key, points, mask, count),
            model=model,
            passes=passes,
            orders=orders,
            most=READ,
        )
        return jnp.exp(recall_each(params, memory, points, model=model))

    keys = jax.random.split(key, 1 + model.num_clusters)
    every = jax.vmap(answers)(keys, jnp.arange(1 + model.num_clusters))  # [1 + K, M, N, K]
    return count_features(points, mask, every[1:], every[0])


def _count_chances(params: Params, *given: Array, **read: Any) -> Array:
    assert params.head is not None
    return count_log_probabilities(params.head, reading_features(params, *given, **read))


_static = ("model", "passes", "orders")
_log_counts = jax.jit(_count_chances, static_argnames=_static)
_study = jax.jit(
    lambda *given, **read: study(*given, **read, most=READ), static_argnames=(*_static, "keep")
)
_recall = jax.jit(recall_log, static_argnames="model")
