"""Any table of numbers: read a sample of its rows, judge the candidates, label all rows."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import numpy as np

from l2c_jax.preprocessing.principal import (
    Preprocessing,
    apply_preprocessing,
    fit_table_preprocessing,
)
from l2c_jax.recurrent.config import InferenceConfig
from l2c_jax.recurrent.inference import AdaptedState, adapt
from l2c_jax.tabular.ensemble import offsets_to_use_all
from l2c_jax.tabular.judge import number_of_clusters
from l2c_jax.tabular.model import TabularModel
from l2c_jax.tabular.reading import different_places, make_cloud, make_sequences
from l2c_jax.tabular.table import check_num_clusters, checked_table, pad_points, sample_rows
from l2c_jax.tabular.table_programs import ENSEMBLE, JUDGE, LABEL, READ, start_programs
from l2c_jax.tabular.views import VIEWS, TableViews, View, apply_view, fit_views
from l2c_jax.training.host import host_call
from l2c_jax.types import ArrayLike

CHUNK = 1024
"""Rows labelled in one call; every table shares the compiled program."""

_INFERENCE = InferenceConfig(points_per_epoch=256)
_ROWS_JUDGED, _ROWS = 512, 2048


@dataclass(frozen=True)
class TabularConfig:
    """How a table is read."""

    inference: InferenceConfig = _INFERENCE
    """Epochs and orders, and the rows read in an epoch. With a judge, this many orders are read in
    the view that it chooses, and ``top_fraction`` of them are kept; None: a quarter."""
    count_orders: int = 2
    """Orders for each view and number of clusters among which the judge chooses."""
    max_rows: int | None = None
    """Rows that the learner adapts to; of a larger table a random sample. None: 512 with a judge,
    else 2,048."""
    standardize: bool = True
    """Give every column the same variance first."""
    views: tuple[View, ...] = VIEWS
    """Views that the judge may choose from."""

    def __post_init__(self) -> None:
        if min(self.count_orders, self.max_rows or 1) < 1:
            raise ValueError("count_orders and max_rows must be at least 1")
        if not self.views or not set(self.views) <= set(VIEWS):
            raise ValueError(f"views must be some of {VIEWS}, got {self.views}")

    def rows(self, model: TabularModel) -> int:
        """How many rows a model adapts to."""
        return self.max_rows or (_ROWS if model.judge is None else _ROWS_JUDGED)


class FittedTable(NamedTuple):
    """All that was learned about one table; enough to label any row with its columns."""

    preprocessing: Preprocessing  # of the principal view
    views: TableViews | None  # None without a judge: the principal view is read
    view: View
    state: AdaptedState
    clusters: np.ndarray  # [k] int, which of the learner's K clusters are used
    offsets: np.ndarray  # [k], added to the log-probabilities so that all k are used
    count_probabilities: np.ndarray | None  # [K], P(k | X); None if k was given, or for no judge
    expected_index: float | None  # the judge's estimate of the adjusted Rand index
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

    With a judge, the learner reads a sample of the rows in all views, for k clusters, or for 1 ...
    K; the judge chooses the number and the view, in which the rows are read in more orders.

    Args:
      model: with ``condition_on_num_clusters`` its learner is given k; for another learner, the k
        clusters of largest total probability are kept.
      table: ``[N, D]`` finite numbers. Units, offsets and the order of the columns do not matter.
      num_clusters: k; ``None``: the most probable one of P(k | X) if the model has a judge, or
        else the clusters that the learner uses.
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
    check_num_clusters(model, num_clusters, len(rows))
    rng = np.random.default_rng(seed)
    rows = rows[sample_rows(rows, config.rows(model), rng, standardize=config.standardize)]
    if model.judge is None:
        return _adapt_by_confidence(model, rows, num_clusters, config, seed)
    return _adapt_by_judge(model, rows, num_clusters, config, rng)


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
        logs = _label(model, fitted, _points(model, fitted, rows)) + fitted.offsets[None, :]
        yield np.exp(logs - np.logaddexp.reduce(logs, axis=1, keepdims=True))


def _adapt_by_judge(
    model: TabularModel,
    rows: np.ndarray,
    num_clusters: int | None,
    config: TabularConfig,
    rng: np.random.Generator,
) -> FittedTable:
    """With a judge: all views, and then more orders in the view that it chooses."""
    assert model.judge is not None
    most = config.rows(model)
    shape = model.learner.config
    views, graph, gaps = fit_views(
        rows, shape.preprocessing, shape.dimensions, standardize=config.standardize
    )
    cloud, _ = make_cloud(rows, views, graph, gaps, most, rng)
    found = num_clusters is None
    numbers = np.arange(1, shape.num_clusters + 1) if found else np.array([num_clusters])
    inference = config.inference
    length = min(inference.points_per_epoch or most, most)
    sequences, last = (
        make_sequences(len(rows), members, inference.epochs, length, rng)
        for members in (config.count_orders, inference.orders)
    )
    kept = max(1, int(inference.orders * (inference.top_fraction or 0.25)))
    learner, counts = model.learner.without_metadata(), numbers.astype(np.int32)
    start_programs(learner, model.judge, cloud, counts, sequences, last, kept=kept, chunk=CHUNK)
    candidates = READ(learner, cloud, counts, sequences)
    verdict = JUDGE(model.judge, cloud, candidates, counts)
    quality = np.asarray(verdict.quality, np.float64).mean(axis=2)  # [V, K']
    probabilities, place = None, 0
    if found:
        logs = np.array(verdict.count_log_probs, np.float64)
        logs[len(graph.rows) :] = -np.inf
        probabilities = np.exp(logs - np.logaddexp.reduce(logs))
        place = number_of_clusters(probabilities) - 1
    k = int(counts[place])
    left_out = np.array([name not in config.views for name in VIEWS])
    too_few = different_places(cloud, k) < k
    view = int((quality[:, place] - too_few - 2 * left_out).argmax())
    state = ENSEMBLE(learner, cloud, np.int32(view), counts[place], last, kept=kept)
    expected, columns = float(quality[view, place]), rows.shape[1]
    fitted = FittedTable(
        *(views.principal, views),
        VIEWS[view],
        state,
        *(np.arange(k), np.zeros(k)),
        probabilities,
        expected,
        columns,
    )
    logs = _label(model, fitted, _points(model, fitted, rows))
    return fitted._replace(offsets=offsets_to_use_all(logs))


def _adapt_by_confidence(
    model: TabularModel,
    rows: np.ndarray,
    num_clusters: int | None,
    config: TabularConfig,
    seed: int,
) -> FittedTable:
    """Without a judge: one view, and the most confident members."""
    learner = model.learner.without_metadata()
    shape = learner.config
    preprocessing = fit_table_preprocessing(
        rows, shape.preprocessing, shape.dimensions, standardize=config.standardize
    )
    points = apply_preprocessing(preprocessing, rows, shape.dimensions)
    points = points[np.lexsort(points.T)]  # the result does not depend on the order of the rows
    padded, mask = pad_points(points)
    _, key_adapt = jax.random.split(jax.random.key(seed))
    k = (num_clusters or 0) if shape.condition_on_num_clusters else 0
    state = _adapt(
        *(learner, key_adapt, padded, mask, np.int32(k)),
        config=config.inference,
        preprocessed=True,
    )
    every = np.arange(k or shape.num_clusters)
    unused = np.zeros(every.size)
    fitted = FittedTable(
        preprocessing, None, "principal", state, every, unused, None, None, rows.shape[1]
    )
    if num_clusters is None:
        return fitted
    logs = _label(model, fitted, points)
    largest = np.argsort(-np.exp(logs).sum(axis=0), kind="stable")[:num_clusters]
    kept = every if k else np.sort(largest)
    return fitted._replace(clusters=kept, offsets=offsets_to_use_all(logs[:, kept]))


def _points(model: TabularModel, fitted: FittedTable, rows: np.ndarray) -> np.ndarray:
    """``[n, dimensions]``, rows in the view that was chosen."""
    if fitted.views is None:
        return apply_preprocessing(fitted.preprocessing, rows, model.learner.config.dimensions)
    return apply_view(fitted.views, fitted.view, rows, len(fitted.clusters))


@host_call()
def _label(model: TabularModel, fitted: FittedTable, points: np.ndarray) -> np.ndarray:
    """``[N, k]`` log-probabilities of preprocessed points, in chunks of one size."""
    learner, state = jax.device_put((model.learner.without_metadata(), fitted.state))
    label: Any = None
    parts = []
    for start in range(0, len(points), CHUNK):
        part = points[start : start + CHUNK]
        filled = np.zeros((CHUNK, points.shape[1]), np.float32)
        filled[: len(part)] = part
        label = label or LABEL.ready(learner, state, filled)
        answer = label(learner, state, filled)
        parts.append(np.asarray(answer, np.float64)[: len(part)])
    return np.concatenate(parts)[:, fitted.clusters]


_adapt: Any = jax.jit(adapt, static_argnames=("config", "preprocessed"))
