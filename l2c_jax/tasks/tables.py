"""Labelled tables as a source of tasks: draw a table, some of its classes, some of their rows.

Section 4.5: classification data sets, their labels hidden, are clustering problems. A pool holds
many of them as arrays on the device, so that tasks are drawn inside ``jit`` and ``vmap``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from l2c_jax.preprocessing import fit_columns, standardize
from l2c_jax.preprocessing.numbers import is_missing
from l2c_jax.tasks.base import Task
from l2c_jax.types import Array, ArrayLike, Key


class Pool(NamedTuple):
    """T labelled tables, R rows in all, at most D columns and C classes a table."""

    rows: ArrayLike  # [R, D] float32, mean 0 and variance 1 a column and table; NaN where missing
    scales: ArrayLike  # [T, D] float32, what each column was divided by; 0: constant, or none
    members: ArrayLike  # [T, C, M] int32, which rows a class has: the first of them, see sizes
    sizes: ArrayLike  # [T, C] int32, rows of each class; 0: the table has no such class
    weights: ArrayLike  # [T] float32, how often each table is drawn; 0: never


class DrawnTable(NamedTuple):
    """One task from a pool, the same rows with either kind of columns."""

    raw: Task
    standardized: Task
    table: Array  # [] int32, the number of the table that they come from


@partial(
    jax.tree_util.register_dataclass,
    data_fields=["pool"],
    meta_fields=["num_points", "dimensions", "num_clusters", "min_clusters", "standardize"],
)
@dataclass(frozen=True)
class TableTasks:
    """Tasks from labelled tables, their labels hidden (section 4.5); a pytree.

    The table is drawn by the pool's weights, the classes are uniform among the table's, and the
    rows uniform among each class's; all classes of a task have the same size, to one. No row is
    drawn twice before every row of its class was drawn once, so rows repeat only in classes of
    fewer than N / K. Missing values become the mean of their column in the task. Columns have
    mean 0; columns that are constant in the task, or that the table does not have, are zeros.

    Raises:
      ValueError: if the pool cannot give such tasks.

    Example:
      >>> import jax
      >>> rng = np.random.default_rng(0)
      >>> tables = [(rng.normal(size=(50, d)), rng.integers(3, size=50)) for d in (2, 4)]
      >>> tasks = TableTasks(make_pool(tables), num_points=20, dimensions=4)
      >>> task = tasks.sample(jax.random.key(0))
      >>> task.points.shape, task.labels.sum().item()
      ((20, 4), 10)
    """

    pool: Pool
    """The tables."""
    num_points: int = 100
    """N, points of a task."""
    dimensions: int = 15
    """D, the pool's width: narrower tables are followed by zeros."""
    num_clusters: int = 2
    """K, classes of a task, or the largest possible number."""
    min_clusters: int | None = None
    """Least number of classes; the number is uniform from there to K, or to what the table has.
    None: always num_clusters."""
    standardize: bool = True
    """Give every column of a task variance 1. False keeps the relative units of a table's columns
    and divides them all by one number, so that their mean variance is 1."""

    def __post_init__(self) -> None:
        if not 1 <= self.least_clusters <= self.num_clusters <= self.num_points:
            raise ValueError(
                "1 <= min_clusters <= num_clusters <= num_points must hold, got "
                f"{self.least_clusters}, {self.num_clusters} and {self.num_points}"
            )
        if self.dimensions < 1:
            raise ValueError("dimensions must be at least 1")
        if all(isinstance(leaf, np.ndarray) for leaf in self.pool):  # not while JAX traces
            _check_pool(self.pool, self)

    @property
    def least_clusters(self) -> int:
        """Least number of classes of a task."""
        return self.num_clusters if self.min_clusters is None else self.min_clusters

    def sample(self, key: Key) -> Task:
        """Draw one task.

        Args:
          key: consumed.

        Returns:
          Points ``[N, D]``, labels ``[N]`` in ``0..k-1`` in no order, mask ``[N]``, all True.
        """
        drawn = self.sample_both(key)
        return drawn.standardized if self.standardize else drawn.raw

    def sample_both(self, key: Key) -> DrawnTable:
        """Draw one task with either kind of columns, whatever ``standardize`` says."""
        key_table, key_count, key_classes, key_rows = jax.random.split(key, 4)
        rows, scales, members, sizes, weights = (jnp.asarray(leaf) for leaf in self.pool)
        table = jax.random.choice(key_table, sizes.shape[0], p=weights / weights.sum())
        there = sizes[table] > 0  # [C]
        most = jnp.minimum(there.sum(), self.num_clusters)
        least = jnp.minimum(most, self.least_clusters)
        count = jax.random.randint(key_count, (), least, most + 1)
        shuffled = jnp.argsort(jnp.where(there, jax.random.uniform(key_classes, there.shape), 2.0))
        classes = shuffled[: self.num_clusters]
        number = jnp.arange(self.num_points)
        labels = (number % count).astype(jnp.int32)
        quota = -(-self.num_points // self.least_clusters)
        picked = _shuffled_rows(key_rows, members[table, classes], sizes[table, classes], quota)
        points = rows[picked[labels, number // count]]  # [N, D]

        missing = jnp.isnan(points)
        known = jnp.where(missing, 0.0, points)
        mean = known.sum(axis=0, keepdims=True) / jnp.maximum((~missing).sum(axis=0), 1)[None, :]
        points = jnp.where(missing, mean, points)
        mask = jnp.ones(self.num_points, bool)
        raw = Task(_in_units(points, scales[table]), labels, mask)
        return DrawnTable(raw, Task(standardize(points, mask), labels, mask), table)


def make_pool(
    tables: Sequence[tuple[ArrayLike, ArrayLike]], dimensions: int | None = None
) -> Pool:
    """A pool of tables.

    Args:
      tables: T pairs of points ``[R_t, D_t]``, NaN where missing, and labels ``[R_t]`` of any
        values; rows without a label (NaN, None, an empty text) are left out.
      dimensions: D; ``None``: as wide as the widest table.

    Returns:
      The pool, in NumPy arrays, all tables of weight 1. With other weights it is a pool of some
      of the tables that shares compiled programs with this one.

    Raises:
      ValueError: if there is no table, or one is empty, infinite, wider than ``dimensions``, or
        has another number of labels than rows.

    Example:
      >>> points = np.array([[1.0, 5.0], [2.0, 5.0], [3.0, np.nan]])
      >>> pool = make_pool([(points, ["a", "b", "b"])], dimensions=3)
      >>> pool.rows.shape, pool.sizes.tolist()
      ((3, 3), [[1, 2]])
      >>> print(pool.scales.round(2))  # the second column is constant, the third not there
      [[0.82 0.   0.  ]]
    """
    arrays = [(np.asarray(points, np.float64), np.asarray(labels)) for points, labels in tables]
    if not arrays:
        raise ValueError("a pool needs at least one table")
    for number, (points, labels) in enumerate(arrays):
        if points.ndim != 2 or 0 in points.shape or labels.shape != points.shape[:1]:
            raise ValueError(
                f"table {number} must have rows, columns and one label a row, "
                f"got shapes {points.shape} and {labels.shape}"
            )
        if np.isinf(points).any():
            raise ValueError(f"table {number} has an infinite number")
    arrays = [(points[~(gone := is_missing(own))], own[~gone]) for points, own in arrays]
    if not all(len(own) for _, own in arrays):
        raise ValueError("a table has no row with a label")
    widest = max(points.shape[1] for points, _ in arrays)
    dimensions = widest if dimensions is None else dimensions
    if widest > dimensions:
        raise ValueError(f"a table has {widest} columns, the pool only {dimensions}")
    classes = [np.unique(labels, return_inverse=True)[1] for _, labels in arrays]
    counts = [np.bincount(own) for own in classes]
    most = max(len(count) for count in counts)
    largest = max(count.max() for count in counts)
    members = np.zeros((len(arrays), most, largest), np.int32)
    sizes = np.zeros((len(arrays), most), np.int32)
    rows, scales, done = [], np.zeros((len(arrays), dimensions), np.float32), 0
    for t, (points, _) in enumerate(arrays):
        for c, count in enumerate(counts[t]):
            members[t, c, :count] = done + np.flatnonzero(classes[t] == c)
            sizes[t, c] = count
        scaled, deviation = _scaled(points)
        rows.append(np.pad(scaled, ((0, 0), (0, dimensions - points.shape[1]))))
        scales[t, : points.shape[1]] = deviation
        done += len(points)
    weights = np.ones(len(arrays), np.float32)
    return Pool(np.concatenate(rows).astype(np.float32), scales, members, sizes, weights)


def _scaled(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Columns of mean 0 and variance 1 over what is not missing, and what they were divided by.

    In double precision, so that single precision loses nothing later; constant columns are zeros.
    """
    known = ~np.isnan(points)
    filled = np.where(known, points, 0)
    shift = fit_columns(filled, known).shift
    centered = np.where(known, points - shift, 0)
    largest = np.abs(centered).max(axis=0)
    largest = np.where(largest > 1e-12 * np.abs(filled).max(axis=0), largest, 0)
    unit = np.where(largest > 0, largest, 1)  # so that no square overflows
    inverse = fit_columns(centered / unit, known).inverse * (largest > 0)
    scaled = np.where(known | (inverse == 0), centered / unit * inverse, np.nan)
    deviation = np.where(inverse > 0, unit / np.where(inverse > 0, inverse, 1), 0)
    return scaled, deviation


def _check_pool(pool: Pool, tasks: TableTasks) -> None:
    """Refuse a pool of another width, with too few classes, or without weights."""
    width, weights = pool.rows.shape[1], np.asarray(pool.weights)
    if weights.min() < 0 or not weights.any():
        raise ValueError("weights of tables must not be negative, nor all 0")
    fewest = int((np.asarray(pool.sizes)[weights > 0] > 0).sum(axis=1).min())
    if width != tasks.dimensions:
        raise ValueError(f"the pool is {width} columns wide, the tasks {tasks.dimensions}")
    if fewest < tasks.least_clusters:
        raise ValueError(f"a table has {fewest} classes, the tasks {tasks.least_clusters}")


def _shuffled_rows(key: Key, members: Array, sizes: Array, quota: int) -> Array:
    """Rows of the classes ``[K, quota]``, each class's in random order, over again at its end."""
    noise = jax.random.uniform(key, members.shape)
    real = jnp.arange(members.shape[1])[None, :] < sizes[:, None]
    _, order = jax.lax.top_k(jnp.where(real, noise, -1.0), min(quota, members.shape[1]))
    turn = jnp.arange(quota)[None, :] % jnp.maximum(sizes, 1)[:, None]
    return jnp.take_along_axis(members, jnp.take_along_axis(order, turn, axis=1), axis=1)


def _in_units(points: Array, scales: Array) -> Array:
    """Columns in the units of their table, centred, all over one number: mean variance 1."""
    points = points - points.mean(axis=0, keepdims=True)
    moves = (points**2).mean(axis=0) > 1e-12  # the units here are standard deviations
    relative = scales * moves / jnp.maximum(scales.max(), 1e-30)
    points = points * relative[None, :]
    total = jnp.sqrt((points**2).sum(axis=1).mean() / jnp.maximum(moves.sum(), 1))
    return points / jnp.where(total > 0, total, 1.0)
