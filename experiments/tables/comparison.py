"""Shared by Tables 3 and 4: tables, splits, tasks, errors of every method, and records."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import jax
import numpy as np
from tqdm import tqdm

from experiments.lib.data import RawTable, raw_tables
from experiments.lib.evaluation import learned_labels
from experiments.lib.records import Record, record
from experiments.lib.runner import Options
from experiments.lib.splits import SPLITS, Setting, family, split
from experiments.tables.baseline_rows import ROWS, draw_from_tables, measured, rows_of
from experiments.tables.training import (
    MIXED,
    REAL,
    START_ROW,
    TrainingTables,
    learner_of,
    start_learner,
)
from l2c_jax.recurrent.evaluation import score_tasks
from l2c_jax.recurrent.learner import Learner
from l2c_jax.tasks.tables import DrawnTable, Pool, make_pool
from l2c_jax.training.weights import content_hash

TEST, TUNE, ORDERS = 100, 20, 16
REFERENCES = ("k-means (raw)", "k-means (standardised)")
"""k-means as in the paper."""
STRICTER = tuple(row for row in ROWS if row.startswith("k-means") and row not in REFERENCES)
"""k-means with the learners' preprocessing, or with another number of clusters."""
LEARNED = (REAL.row, MIXED.row, START_ROW)


Result: TypeAlias = dict[str, Any]
"""``errors`` of a row on the test tasks of a split, and further fields of its record."""


class Split(NamedTuple):
    """Tables for training and test, and tasks from both."""

    training: TrainingTables
    test_pool: Pool
    test_names: list[str]
    tuning: DrawnTable  # tasks from the training tables
    test: DrawnTable  # tasks from the test tables


def measure(name: str, settings: Sequence[Setting], options: Options) -> list[Record]:
    """All records of a table.

    Args:
      name: of the experiment.
      settings: its columns.
      options: of the run.

    Returns:
      Errors, and differences to k-means, of every method in every setting.
    """
    if options.smoke:
        settings = [replace(settings[0], num_points=24, dimensions=4)]
    start = start_learner(options)
    splits = 1 if options.smoke else SPLITS
    records: list[Record] = []
    with tqdm(total=splits * sum(len(rows_of(s)) + len(LEARNED) for s in settings)) as bar:
        for setting in settings:
            tables = list(invented_tables() if options.smoke else raw_tables(setting.suits))
            results, tests = [], []
            for index in range(splits):
                own = make_split(setting, tables, index, options)
                found = {}
                for row, result in answers(own, start, options):
                    found[row] = result
                    bar.set_description(f"{setting.slug}, split {index}, {row}")
                    bar.update()
                results.append(found)
                tests.append(own.test_names)
            records += summarise(Column(name, setting, tables, tests, options.seed), results)
    return records


def make_split(
    setting: Setting, tables: Sequence[RawTable], index: int, options: Options
) -> Split:
    """Tables of one split, and tasks from them; all follow from the seed.

    The pools of all splits contain all tables, with weight 0 where they are not drawn, so that the
    training is compiled once per setting.
    """
    names = [table.name for table in tables]
    training_names, test_names = split(names, options.seed, index)
    pool = make_pool([(table.points, table.labels) for table in tables], setting.dimensions)
    training, test = (
        pool._replace(weights=np.isin(names, some).astype(np.float32))
        for some in (training_names, test_names)
    )
    key = jax.random.fold_in(jax.random.key(options.seed), index)
    key_tuning, key_test = jax.random.split(key)
    tune_count, test_count = (2, 3) if options.smoke else (TUNE, TEST)
    return Split(
        TrainingTables(setting, index, training, training_names),
        test,
        test_names,
        draw_from_tables(key_tuning, setting.tasks(training), tune_count),
        draw_from_tables(key_test, setting.tasks(test), test_count),
    )


def answers(
    own: Split, start: Learner | None, options: Options
) -> Iterator[tuple[str, Result | None]]:
    """The result of every row on the test tasks of one split; cached.

    Args:
      own: the split.
      start: the learner of synthetic tasks, if there is one.
      options: of the run.

    Yields:
      The name of a row, and its result, or None where the weights are missing.
    """
    setting, seed = own.training.setting, options.seed
    folder = f"tables/seed{seed}/{setting.slug}/split{own.training.number}"
    shared = {"test": content_hash(own.test), "seed": seed}
    for row in rows_of(setting):
        row = row.quick() if options.smoke else row
        config = {"tuning": content_hash(own.tuning), "grid": row.grid, "tasks": row.tasks}
        compute = partial(measured, row, own.tuning, own.test, setting, seed)
        yield row.row, options.cache.json(f"{folder}/{row.row}", {**shared, **config}, compute)
    for name in LEARNED:
        variant = {REAL.row: REAL, MIXED.row: MIXED}.get(name)
        learner = start
        if variant is not None:
            learner = learner_of(variant, own.training, start, options)
        if learner is None:
            yield name, None
            continue
        config = {"weights": content_hash(learner.params), "orders": ORDERS}
        compute = partial(learned, learner, setting, own.test, options)
        yield name, options.cache.json(f"{folder}/{name}", {**shared, **config}, compute)


def learned(learner: Learner, setting: Setting, test: DrawnTable, options: Options) -> Result:
    """Errors of a learner, and how it was trained."""
    tasks = jax.tree.map(jax.numpy.asarray, test.standardized)
    orders = 2 if options.smoke else ORDERS
    labels = learned_labels(
        learner, tasks, seed=options.seed, orders=orders, given_num_clusters=setting.known_k
    )
    return {
        "errors": score_tasks(tasks, labels)["error"].tolist(),
        "iterations": learner.metadata.iterations,
        "training_minutes": learner.metadata.minutes,
        "training_points": points_of(learner.metadata.tasks or {}),
        "start": learner.metadata.start,
        "orders": orders,
    }


def points_of(tasks: Mapping[str, Any]) -> int:
    """N of a described task distribution."""
    if "num_points" in tasks:
        return tasks["num_points"]
    return max(points_of(part) for part in tasks["distributions"])


class Column(NamedTuple):
    """One column of the table."""

    experiment: str
    setting: Setting
    tables: Sequence[RawTable]  # all that suit the setting
    tests: Sequence[Sequence[str]]  # names of the test tables of each split
    seed: int  # of splits and tasks

    def line(self, row: str, metric: str, values: np.ndarray, **extra: Any) -> Record:
        """A record with one value per split."""
        extra = {**extra, "by_split": values.tolist()}
        name, title = self.experiment, self.setting.title
        return record(name, title, row, metric, values, seed=self.seed, extra=extra)


def summarise(column: Column, results: Sequence[Mapping[str, Result | None]]) -> Iterator[Record]:
    """Records of one setting; the mean over the tasks of a split is one value.

    Args:
      column: what was measured.
      results: of each split, by row.

    Yields:
      The error of every row, and its differences to k-means on the same tasks.
    """
    setting, tables = column.setting, column.tables
    least = -(-setting.num_points // setting.least_clusters)
    shared = {
        "tables": len(tables),
        "families": len({family(table.name) for table in tables}),
        "tables_that_may_repeat_rows": sum(
            int(np.bincount(table.labels).min() < least) for table in tables
        ),
    }
    for row in results[0]:
        found = [one for result in results if (one := result[row]) is not None]
        if len(found) < len(results):
            continue
        errors = [np.array(one["errors"]) for one in found]
        paper = paper_of(setting, row)
        extra = {
            **shared,
            "tasks_per_split": len(errors[0]),
            **by_split(found),
            **({"test_tables": list(column.tests)} if row == REFERENCES[0] else {}),
            **({"paper": paper[0], "paper_plus_minus": paper[1]} if paper else {}),
        }
        yield column.line(row, "error", np.array([values.mean() for values in errors]), **extra)
        for reference in (*REFERENCES, *STRICTER):
            if row == reference or reference not in results[0]:
                continue
            base = [np.array((result[reference] or {})["errors"]) for result in results]
            gaps = [(own - b[: len(own)]).mean() for own, b in zip(errors, base, strict=True)]
            yield column.line(row, f"error above {reference}", np.array(gaps))


def by_split(found: Sequence[Result]) -> dict[str, Any]:
    """Fields of the results besides errors, as lists with one element per split."""
    return {key: [one[key] for one in found] for key in found[0] if key != "errors"}


def paper_of(setting: Setting, row: str) -> tuple[float, float] | None:
    """The paper's error of a row; for k-means it does not say whether columns are standardised."""
    paper = setting.paper or {}
    return paper.get(row) or paper.get(row.split(" (")[0] if row in REFERENCES else row)


def invented_tables() -> Iterator[RawTable]:
    """Six tables of four classes, for smoke runs."""
    rng = np.random.default_rng(0)
    for letter in "abcdef":
        labels = np.arange(40) % 4
        points = 2 * rng.normal(size=(4, 3))[labels] + rng.normal(size=(40, 3))
        points[:, 2] = 1.0
        points[3, 0] = np.nan
        yield RawTable(f"invented {letter}", points, labels)
