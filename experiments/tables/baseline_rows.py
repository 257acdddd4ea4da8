"""Baselines of Tables 3 and 4, their settings chosen on training tables."""

import itertools
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import jax
import numpy as np
from scipy.sparse.linalg import ArpackError

from experiments.lib.baselines import BASELINES
from experiments.lib.baselines.selectors import silhouette
from experiments.lib.curriculum import MODEL
from experiments.lib.splits import Setting
from experiments.lib.tuning import QUICK_DEC
from l2c_jax.metrics import error_rate
from l2c_jax.preprocessing import apply_preprocessing, fit_table_preprocessing
from l2c_jax.tasks.tables import DrawnTable, TableTasks

COLUMNS = ("raw", "standardised")
"""Coordinates of a task from a table: divided by one number, or columns of variance 1."""
PREPROCESSED = "preprocessed"
"""As the learners: principal axes of standardised, clipped columns."""


@jax.jit
def _draw(keys: jax.Array, tasks: TableTasks) -> DrawnTable:
    return jax.vmap(tasks.sample_both)(keys)


def draw_from_tables(key: jax.Array, tasks: TableTasks, count: int) -> DrawnTable:
    """Draw B = ``count`` tasks, in NumPy arrays; the key is consumed."""
    return jax.tree.map(np.asarray, _draw(jax.random.split(key, count), tasks))


@dataclass(frozen=True)
class BaselineRow:
    """One row of the table: a baseline, and the settings to choose from."""

    row: str
    """Its name on the page."""
    method: str
    """Its name in :data:`experiments.lib.baselines.BASELINES`."""
    grid: tuple[Mapping[str, Any], ...]
    """Parameters of the baseline; ``columns``; and the ``number`` of clusters: ``largest`` of the
    setting if not given, ``least``, or ``silhouette``."""
    oracle: bool = False
    """Whether every task has the best setting by its labels, which no user can know."""
    tasks: int | None = None
    """The number of test tasks per split; None: all."""
    constant_columns: bool = False
    """Whether zero columns are kept, so that all tables of a setting have the same width."""

    def quick(self) -> "BaselineRow":
        """The row in smoke runs."""
        more = QUICK_DEC if self.method == "DEC" else {}
        return replace(self, grid=tuple({**setting, **more} for setting in self.grid[:2]))


def _grid(columns: Sequence[str] = COLUMNS, **values: Sequence[Any]) -> tuple[dict[str, Any], ...]:
    """Every combination of some parameters."""
    chosen = itertools.product(columns, *values.values())
    return tuple(
        {"columns": first, **dict(zip(values, rest, strict=True))} for first, *rest in chosen
    )


def _both(method: str) -> tuple[BaselineRow, BaselineRow]:
    raw, standardised = (BaselineRow(f"{method} ({c})", method, _grid([c])) for c in COLUMNS)
    return raw, standardised


_DENSITY = _grid(eps=(0.1, 0.2, 0.3, 0.5, 0.8, 1.2, 1.8, 2.5, 3.5), min_samples=(3, 5, 10))
KNOWN_K = (
    *_both("k-means"),
    BaselineRow("k-means (learner's preprocessing)", "k-means", _grid([PREPROCESSED])),
    BaselineRow(
        "kernel k-means",
        "kernel k-means",
        _grid(gamma=(0.01, 0.03, 0.1, 0.3, 1.0), n_init=(5,)),
    ),
    BaselineRow(
        "spectral",
        "spectral",
        _grid(gamma=(0.03, 0.1, 0.3, 1.0, 3.0)) + _grid(neighbors=(5, 10, 15)),
    ),
    BaselineRow("DBSCAN", "DBSCAN", _DENSITY),
    BaselineRow("DBSCAN (oracle parameters)", "DBSCAN", _DENSITY, oracle=True),
    BaselineRow("HDBSCAN", "HDBSCAN", _grid(min_cluster_size=(5, 10, 20))),
    *_both("Gaussian mixture"),
    *_both("Ward"),
    BaselineRow("DEC", "DEC", _grid(["standardised"]), tasks=30, constant_columns=True),
)
"""The rows of every setting. DEC trains new networks for every task, so it has fewer tasks."""
UNKNOWN_K = (
    BaselineRow("k-means (least k)", "k-means", _grid(["standardised"], number=["least"])),
    BaselineRow("k-means (silhouette)", "k-means", _grid(["standardised"], number=["silhouette"])),
)
"""More rows where k is unknown, because the largest number is seldom the true one."""
ROWS = tuple(one.row for one in (*KNOWN_K, *UNKNOWN_K))


def rows_of(setting: Setting) -> tuple[BaselineRow, ...]:
    """The rows of a setting."""
    return KNOWN_K if setting.known_k else (*KNOWN_K, *UNKNOWN_K)


class Errors(NamedTuple):
    """Errors of a baseline with one setting on B tasks."""

    errors: list[float]  # [B]
    failures: int  # tasks on which it raised; all points count as one cluster there


def errors(
    baseline: BaselineRow,
    parameters: Mapping[str, Any],
    drawn: DrawnTable,
    setting: Setting,
    seed: int,
) -> Errors:
    """Error of a baseline with one setting on every task.

    Args:
      baseline: the row.
      parameters: one element of its grid.
      drawn: B tasks.
      setting: of the tasks.
      seed: of the starts.

    Returns:
      One error per task, and the number of failures.
    """
    parameters = dict(parameters)
    columns, number = parameters.pop("columns"), parameters.pop("number", "largest")
    tasks = drawn.raw if columns == "raw" else drawn.standardized
    cluster, found, failures = BASELINES[baseline.method], [], 0
    for points, labels in zip(tasks.points, tasks.labels, strict=True):
        if columns == PREPROCESSED:
            fitted = fit_table_preprocessing(points, MODEL.preprocessing, MODEL.dimensions)
            points = apply_preprocessing(fitted, points)
        used = points.any(axis=0) | (np.arange(points.shape[1]) == 0) | baseline.constant_columns
        points = points[:, used].astype(np.float64)
        with warnings.catch_warnings():  # about equal points, among others
            warnings.simplefilter("ignore")
            try:
                k = num_clusters_for(number, points, setting, seed)
                predicted = cluster(points, k, seed, **parameters)
            except (np.linalg.LinAlgError, ArpackError, ValueError):
                predicted, failures = np.zeros(len(labels), int), failures + 1
        found.append(error_rate(labels, predicted))
    return Errors(found, failures)


def num_clusters_for(number: str, points: np.ndarray, setting: Setting, seed: int) -> int:
    """The number of clusters that a baseline is given: see :class:`BaselineRow`."""
    least = setting.least_clusters
    if number == "silhouette":
        return max(least, silhouette(points, setting.num_clusters, seed, least))
    return {"largest": setting.num_clusters, "least": least}[number]


def first(drawn: DrawnTable, count: int | None) -> DrawnTable:
    """The first tasks of some."""
    return jax.tree.map(lambda leaf: leaf[:count], drawn)


def measured(
    baseline: BaselineRow, tuning: DrawnTable, test: DrawnTable, setting: Setting, seed: int
) -> dict[str, Any]:
    """Errors of a baseline on test tasks, with the setting of least mean error on others.

    Args:
      baseline: the row.
      tuning: tasks from training tables.
      test: tasks from test tables.
      setting: of the tasks.
      seed: of the starts.

    Returns:
      ``errors`` ``[B]``, the ``parameters`` that were chosen, and ``failures``.
    """
    test = first(test, baseline.tasks)
    if baseline.oracle:
        tried = [errors(baseline, given, test, setting, seed) for given in baseline.grid]
        best_errors = np.min([one.errors for one in tried], axis=0).tolist()
        return {"errors": best_errors, "parameters": "best for each task", "failures": 0}
    best = baseline.grid[0]
    if len(baseline.grid) > 1:
        tuned = [
            np.mean(errors(baseline, given, tuning, setting, seed).errors)
            for given in baseline.grid
        ]
        best = baseline.grid[int(np.argmin(tuned))]
    return {"parameters": dict(best), **errors(baseline, best, test, setting, seed)._asdict()}
