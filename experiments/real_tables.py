"""What Tables 3 and 4 share: tables, splits, tasks, everybody's errors, and their records."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from tqdm import tqdm

from experiments.data import RawTable, raw_tables
from experiments.harness import RUNS, Options
from experiments.kept import kept
from experiments.real_training import MIXED, REAL, START_ROW, learner_of, start_learner
from experiments.rivals import QUICK, ROWS, Rival, draw_from_pool, measured, rivals_of
from experiments.splits import SPLITS, Setting, family, split
from l2c_jax.evaluate import learned_labels, record, scores_of_tasks
from l2c_jax.recurrent.learner import Learner
from l2c_jax.report import Record
from l2c_jax.tasks.tables import Drawn, Pool, make_pool
from l2c_jax.training.weights import fingerprint

TEST, TUNE, ORDERS = 100, 20, 16
REFERENCES = ("k-means (raw)", "k-means (standardised)")
"""k-means as the paper has it."""
STRICTER = tuple(row for row in ROWS if row.startswith("k-means") and row not in REFERENCES)
"""k-means with help: in the learners' frame, or with another number of clusters."""
LEARNED = (REAL.row, MIXED.row, START_ROW)


class Split(NamedTuple):
    """Tables for training and test, and tasks from both."""

    number: int
    training: Pool
    training_names: list[str]
    test_pool: Pool
    test_names: list[str]
    tuning: Drawn
    test: Drawn


def measure(name: str, settings: Sequence[Setting], options: Options) -> list[Record]:
    """All records of a table.

    Args:
      name: the experiment.
      settings: its rows.
      options: what is asked for.

    Returns:
      Errors, and differences to k-means, of every method in every setting.
    """
    if options.smoke:
        settings = [replace(settings[0], num_points=24, dimensions=4)]
    start = start_learner(options)
    splits = 1 if options.smoke else SPLITS
    bar = tqdm(total=splits * sum(len(rivals_of(s)) + len(LEARNED) for s in settings), desc=name)
    records: list[Record] = []
    with bar:
        for setting in settings:
            tables = list(made_tables() if options.smoke else raw_tables(setting.suits))
            results, tests = [], []
            for index in range(splits):
                own = make_split(setting, tables, index, options)
                found = {}
                for row, result in answers(setting, own, start, options):
                    found[row] = result
                    bar.set_postfix({"of": f"{setting.slug} split {index}: {row}"})
                    bar.update()
                results.append(found)
                tests.append(own.test_names)
            records += summarise(name, setting, tables, tests, results, options.seed)
    return records


def make_split(
    setting: Setting, tables: Sequence[RawTable], index: int, options: Options
) -> Split:
    """Tables of one split, and tasks from them; all follow from the seed.

    The pools of all splits hold all tables, with weight 0 where they are not drawn from, so that
    training is compiled once a setting.
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
        index,
        training,
        training_names,
        test,
        test_names,
        draw_from_pool(key_tuning, training, setting.tasks(), tune_count),
        draw_from_pool(key_test, test, setting.tasks(), test_count),
    )


def answers(
    setting: Setting, own: Split, start: Learner | None, options: Options
) -> Iterator[tuple[str, dict[str, Any] | None]]:
    """Every row's errors on the test tasks of one split, kept for the next time.

    Args:
      setting: which tasks.
      own: the split.
      start: the learner of synthetic tasks, if there is one.
      options: what is asked for.

    Yields:
      A row's name, and its ``errors`` with more to tell, or None where the weights are missing.
    """
    folder = RUNS / "tables" / f"seed{options.seed}" / setting.slug / f"split{own.number}"
    shared = {"test": fingerprint(own.test), "seed": options.seed}
    for rival in rivals_of(setting):
        rival = quickened(rival) if options.smoke else rival
        story = {
            **shared,
            "tuning": fingerprint(own.tuning),
            "grid": rival.grid,
            "tasks": rival.tasks,
        }
        yield (
            rival.row,
            kept(
                path_of(folder, rival.row, options),
                story,
                partial(
                    measured,
                    *(rival, own.tuning, own.test, setting, options.seed),
                ),
            ),
        )
    for row in LEARNED:
        variant = {REAL.row: REAL, MIXED.row: MIXED}.get(row)
        learner = start
        if variant is not None:
            learner = learner_of(
                *(variant, setting, own.number, own.training, own.training_names, start, options)
            )
        if learner is None:
            yield row, None
            continue
        story = {**shared, "weights": fingerprint(learner.params), "orders": ORDERS}
        yield (
            row,
            kept(
                path_of(folder, row, options),
                story,
                partial(learned, learner, setting, own.test, options),
            ),
        )


def path_of(folder: Path, row: str, options: Options) -> Path | None:
    """Where the result of a row is kept."""
    return None if options.smoke else folder / f"{row}.json"


def quickened(rival: Rival) -> Rival:
    """A rival of smoke runs."""
    quick = QUICK.get(rival.method, {})
    return replace(rival, grid=tuple({**setting, **quick} for setting in rival.grid[:2]))


def learned(learner: Learner, setting: Setting, test: Drawn, options: Options) -> dict[str, Any]:
    """Errors of a learner, and how it was made."""
    tasks = jax.tree.map(jax.numpy.asarray, test.standardised)
    orders = 2 if options.smoke else ORDERS
    labels = learned_labels(learner, tasks, seed=options.seed, orders=orders, told=setting.told)
    return {
        "errors": scores_of_tasks(tasks, labels)["error"].tolist(),
        "iterations": learner.header["iterations"],
        "training_minutes": learner.header["minutes"],
        "training_points": points_of(learner.header["tasks"]),
        "start": learner.header.get("start"),
        "orders": orders,
    }


def points_of(tasks: dict[str, Any]) -> int:
    """Points of the tasks that a header tells of."""
    return tasks["num_points"] if "num_points" in tasks else tasks["pool"]["num_points"]


def summarise(
    name: str,
    setting: Setting,
    tables: Sequence[RawTable],
    tests: Sequence[Sequence[str]],
    results: Sequence[dict[str, dict[str, Any] | None]],
    seed: int,
) -> Iterator[Record]:
    """Records of one setting: the mean of every split is one value.

    Args:
      name: the experiment.
      setting: which tasks.
      tables: all tables that suit it.
      tests: the test tables of each split.
      results: of each split, every row's errors.
      seed: of splits and tasks.

    Yields:
      The error of every row, and its differences to k-means on the same tasks.
    """
    least = -(-setting.num_points // setting.tasks().least_clusters)
    few = sum(int(np.bincount(table.labels).min() < least) for table in tables)
    shared = {
        "tables": len(tables),
        "families": len({family(table.name) for table in tables}),
        "tables_that_may_repeat_rows": few,
    }
    for row in results[0]:
        found = [result[row] for result in results]
        if any(one is None for one in found):
            continue
        errors = [np.array(one["errors"]) for one in found if one is not None]
        paper = paper_of(setting, row)
        extra = {
            **shared,
            "tasks_per_split": len(errors[0]),
            "by_split": [float(values.mean()) for values in errors],
            **told_by(found),
            **({"test_tables": list(tests)} if row == REFERENCES[0] else {}),
            **({"paper_plus_minus": paper[1]} if paper else {}),
        }
        means = np.array(extra["by_split"])
        printed = paper[0] if paper else None
        yield record(
            name, setting.title, row, "error", means, seed=seed, paper=printed, extra=extra
        )
        for reference in (*REFERENCES, *STRICTER):
            if row == reference or reference not in results[0]:
                continue
            base = [np.array((result[reference] or {})["errors"]) for result in results]
            gaps = np.array(
                [(own - b[: len(own)]).mean() for own, b in zip(errors, base, strict=True)]
            )
            extra, metric = {"by_split": gaps.tolist()}, f"error above {reference}"
            yield record(name, setting.title, row, metric, gaps, seed=seed, extra=extra)


def told_by(found: Sequence[dict[str, Any] | None]) -> dict[str, Any]:
    """What the splits tell besides errors, a list with one element a split."""
    keys = [key for key in found[0] or {} if key != "errors"]
    return {key: [(one or {})[key] for one in found] for key in keys}


def paper_of(setting: Setting, row: str) -> tuple[float, float] | None:
    """What the paper prints for a row; it does not say in which columns k-means worked."""
    printed = setting.paper or {}
    return printed.get(row) or printed.get(row.split(" (")[0] if row in REFERENCES else row)


def made_tables() -> Iterator[RawTable]:
    """Six tables of four classes made by code, for smoke runs."""
    rng = np.random.default_rng(0)
    for letter in "abcdef":
        labels = np.arange(40) % 4
        points = 2 * rng.normal(size=(4, 3))[labels] + rng.normal(size=(40, 3))
        points[:, 2] = 1.0
        points[3, 0] = np.nan
        yield RawTable(f"made {letter}", points, labels)
