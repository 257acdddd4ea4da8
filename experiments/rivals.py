"""Designed clusterers on tasks from tables, their settings chosen on training tables."""

import itertools
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import numpy as np
from scipy.sparse.linalg import ArpackError

from experiments.splits import Setting
from experiments.table_school import MODEL
from l2c_jax.baselines import BASELINES
from l2c_jax.baselines.counts import silhouette
from l2c_jax.metrics import error_rate
from l2c_jax.preprocessing.table_frame import enter_frame, table_frame
from l2c_jax.tasks.tables import Drawn, Pool, PoolConfig, draw_both

COLUMNS = ("raw", "standardised")
"""In their own relative units, over one number; or each with variance 1: fields of a task that
was drawn from a pool."""
FRAME = "frame"
"""Columns, too: the principal axes that the learners read, of standardised columns."""


def draw_from_pool(key: jax.Array, pool: Pool, config: PoolConfig, count: int) -> Drawn:
    """Draw B = ``count`` tasks, in NumPy arrays; the key is consumed."""
    draw = jax.jit(jax.vmap(lambda key, pool: draw_both(key, pool, config), (0, None)))
    drawn = draw(jax.random.split(key, count), jax.tree.map(jax.numpy.asarray, pool))
    return jax.tree.map(np.asarray, drawn)


@dataclass(frozen=True)
class Rival:
    """One row of the table: a baseline, and the settings to choose from."""

    row: str
    """What the table calls it."""
    method: str
    """Its name in :data:`l2c_jax.baselines.BASELINES`."""
    grid: tuple[Mapping[str, Any], ...]
    """Parameters of the baseline, ``columns``, and which ``number`` of clusters it is given: the
    ``largest`` of the setting unless it says ``least`` or ``silhouette``."""
    oracle: bool = False
    """Whether every task gets the setting that is best for it, which no user can know."""
    tasks: int | None = None
    """How many of a split's test tasks it is run on; None: all."""
    constant_columns: bool = False
    """Whether it sees columns that are zero, so that all tables of a setting are as wide."""


def _grid(columns: Sequence[str] = COLUMNS, **values: Sequence[Any]) -> tuple[dict[str, Any], ...]:
    """Every combination of some parameters."""
    chosen = itertools.product(columns, *values.values())
    return tuple(
        {"columns": first, **dict(zip(values, rest, strict=True))} for first, *rest in chosen
    )


def _both(method: str) -> tuple[Rival, Rival]:
    raw, standardised = (Rival(f"{method} ({c})", method, _grid([c])) for c in COLUMNS)
    return raw, standardised


_DENSITY = _grid(eps=(0.1, 0.2, 0.3, 0.5, 0.8, 1.2, 1.8, 2.5, 3.5), min_samples=(3, 5, 10))
RIVALS = (
    *_both("k-means"),
    Rival("k-means (in the learner's frame)", "k-means", _grid([FRAME])),
    Rival(
        "kernel k-means",
        "kernel k-means",
        _grid(gamma=(0.01, 0.03, 0.1, 0.3, 1.0), n_init=(5,)),
    ),
    Rival(
        "spectral",
        "spectral",
        _grid(gamma=(0.03, 0.1, 0.3, 1.0, 3.0)) + _grid(neighbours=(5, 10, 15)),
    ),
    Rival("DBSCAN", "DBSCAN", _DENSITY),
    Rival("DBSCAN (oracle parameters)", "DBSCAN", _DENSITY, oracle=True),
    Rival("HDBSCAN", "HDBSCAN", _grid(min_cluster_size=(5, 10, 20))),
    *_both("Gaussian mixture"),
    *_both("Ward"),
    Rival(
        "DEC",
        "DEC",
        _grid(["standardised"]),
        tasks=30,
        constant_columns=True,
    ),
)
"""Every row. DEC trains its networks anew for every task, so it is run on fewer of them."""
UNTOLD = (
    Rival("k-means (least k)", "k-means", _grid(["standardised"], number=["least"])),
    Rival("k-means (silhouette)", "k-means", _grid(["standardised"], number=["silhouette"])),
)
"""More rows where the number of clusters is not told: the largest is seldom the true one."""
ROWS = tuple(rival.row for rival in (*RIVALS, *UNTOLD))


def rivals_of(setting: Setting) -> tuple[Rival, ...]:
    """The rows of a setting."""
    return RIVALS if setting.told else (*RIVALS, *UNTOLD)


QUICK: Mapping[str, Mapping[str, Any]] = {
    "DEC": {"hidden": (8,), "pretraining": 2, "finetuning": 2, "interval": 2, "refreshes": 1}
}
"""Parameters of smoke runs."""


class Errors(NamedTuple):
    """Of one setting of a rival on B tasks."""

    errors: list[float]  # [B]
    failures: int  # tasks on which it raised; all points count as one cluster there


def errors(
    rival: Rival, parameters: Mapping[str, Any], drawn: Drawn, setting: Setting, seed: int
) -> Errors:
    """Error of one setting of a rival on every task.

    Args:
      rival: which.
      parameters: one element of its grid.
      drawn: B tasks.
      setting: what they were drawn for.
      seed: of its starts.

    Returns:
      One error a task, and how often it failed.
    """
    parameters = dict(parameters)
    columns, number = parameters.pop("columns"), parameters.pop("number", "largest")
    tasks = drawn.standardised if columns == FRAME else getattr(drawn, columns)
    cluster, found, failures = BASELINES[rival.method], [], 0
    for points, labels in zip(tasks.points, tasks.labels, strict=True):
        if columns == FRAME:
            frame = table_frame(points, MODEL.dimensions, MODEL.frame)
            points = enter_frame(frame, points)
        used = points.any(axis=0) | (np.arange(points.shape[1]) == 0) | rival.constant_columns
        points = points[:, used].astype(np.float64)
        with warnings.catch_warnings():  # that some points are the same, among others
            warnings.simplefilter("ignore")
            try:
                k = clusters_of(number, points, setting, seed)
                predicted = cluster(points, k, seed, **parameters)
            except (np.linalg.LinAlgError, ArpackError, ValueError):
                predicted, failures = np.zeros(len(labels), int), failures + 1
        found.append(error_rate(labels, predicted))
    return Errors(found, failures)


def clusters_of(number: str, points: np.ndarray, setting: Setting, seed: int) -> int:
    """How many clusters a rival is given: see :class:`Rival`."""
    least = setting.tasks().least_clusters
    if number == "silhouette":
        return max(least, silhouette(points, setting.num_clusters, seed, least))
    return {"largest": setting.num_clusters, "least": least}[number]


def first(drawn: Drawn, count: int | None) -> Drawn:
    """The first tasks of some."""
    return jax.tree.map(lambda leaf: leaf[:count], drawn)


def measured(
    rival: Rival, tuning: Drawn, test: Drawn, setting: Setting, seed: int
) -> dict[str, Any]:
    """Errors of a rival on test tasks, at the setting of least mean error on others.

    Args:
      rival: which.
      tuning: tasks from training tables.
      test: tasks from test tables.
      setting: what they were drawn for.
      seed: of its starts.

    Returns:
      ``errors`` ``[B]``, the ``parameters`` that were chosen, and ``failures``.
    """
    test = first(test, rival.tasks)
    if rival.oracle:
        tried = [errors(rival, given, test, setting, seed) for given in rival.grid]
        best_errors = np.min([one.errors for one in tried], axis=0).tolist()
        return {"errors": best_errors, "parameters": "best for each task", "failures": 0}
    best = rival.grid[0]
    if len(rival.grid) > 1:
        tuned = [
            np.mean(errors(rival, given, tuning, setting, seed).errors) for given in rival.grid
        ]
        best = rival.grid[int(np.argmin(tuned))]
    return {"parameters": dict(best), **errors(rival, best, test, setting, seed)._asdict()}
