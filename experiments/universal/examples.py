"""What the judge learns from: readings of labelled tasks, in shards that resume.

    python -m experiments.universal.examples --part synthetic --weights FILE --shard 0
    python -m experiments.universal.examples --part tables --weights FILE

``synthetic``: tasks of the prior, of section 4.1, planar structures and isolated clusters.
``tables``: variants of the real labelled tables, each of some of its classes, rows and columns.
The files go to ``runs/universal/examples``; :mod:`experiments.universal.judging` trains on them.
"""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from tqdm import tqdm

from experiments.lib.data import LabelledTable, labelled_tables
from experiments.universal.recipe import FOLDER, JUDGE, SHARDS
from l2c_jax.atomic import replacing
from l2c_jax.recurrent.learner import Learner, load_learner
from l2c_jax.tabular.judge_examples import (
    Examples,
    JudgeConfig,
    drawn_tables,
    join_examples,
    read_examples,
)
from l2c_jax.tabular.partition_features import Features
from l2c_jax.training.weights import content_hash

EXAMPLES = FOLDER / "examples"
VARIANTS = 5
"""Variants of every table, the first is the table itself."""


class TableExamples(NamedTuple):
    """Readings of real tables."""

    examples: Examples
    names: np.ndarray  # [T] str, of the table
    variants: np.ndarray  # [T] int, 0: the whole table


def synthetic(learner: Learner, shard: int, config: JudgeConfig = JUDGE) -> Examples:
    """One of :data:`~experiments.universal.recipe.SHARDS`; resumes."""
    distribution, size = SHARDS[shard]
    path = EXAMPLES / content_hash(learner.params) / f"synthetic_{shard}.npz"
    if not path.exists():
        tables = drawn_tables(jax.random.key(1_000 + shard), distribution, size)
        read = read_examples(learner, tables, replace(config, seed=shard))
        write(path, join_examples(tqdm(read, total=size, desc=path.stem)))
    return read_file(path)


def of_tables(learner: Learner, config: JudgeConfig = JUDGE) -> TableExamples:
    """Variants of all real tables; resumes."""
    path = EXAMPLES / content_hash(learner.params) / "tables.npz"
    every = [(table, v) for table in labelled_tables() for v in range(VARIANTS)]
    if not path.exists():
        tables = (variant(table, v) for table, v in every)
        read = read_examples(learner, tables, config)
        write(path, join_examples(tqdm(read, total=len(every), desc=path.stem)))
    names = np.array([table.name for table, _ in every])
    return TableExamples(read_file(path), names, np.array([v for _, v in every]))


def variant(table: LabelledTable, number: int) -> tuple[np.ndarray, np.ndarray]:
    """A table, or a random part of it.

    Args:
      table: K classes.
      number: 0: the table; otherwise the seed of the part: 2 to K classes (in a tenth of the
        parts one), half to all of their rows, and in half of the parts half to all columns.

    Returns:
      Rows and labels.
    """
    points, labels = table.points, table.labels
    if number == 0:
        return points, labels
    rng = np.random.default_rng([number, len(points)])
    classes = np.unique(labels)
    count = 1 if rng.uniform() < 0.1 else int(rng.integers(2, len(classes) + 1))
    rows = np.flatnonzero(np.isin(labels, rng.choice(classes, count, replace=False)))
    if len(rows) > 20:
        rows = rng.choice(rows, int(len(rows) * rng.uniform(0.5, 1)), replace=False)
    columns = np.arange(points.shape[1])
    if len(columns) > 2 and rng.uniform() < 0.5:
        columns = rng.choice(columns, max(2, int(len(columns) * rng.uniform(0.5, 1))), False)
    part = points[np.ix_(rows, columns)]
    varies = part.std(axis=0) > 0
    return (part[:, varies] if varies.any() else part[:, :1]), labels[rows]


def write(path: Path, examples: Examples) -> None:
    """Examples as a file of arrays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    flat = {**examples.features._asdict(), **examples._asdict()}
    del flat["features"]
    with replacing(path) as draft, draft.open("wb") as file:
        np.savez_compressed(file, **flat)


def read_file(path: Path) -> Examples:
    """Examples that :func:`write` wrote."""
    with np.load(path) as found:
        features = Features(*(found[name] for name in Features._fields))
        return Examples(features, *(found[name] for name in Examples._fields[1:]))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--part", choices=("synthetic", "tables"), required=True)
    parser.add_argument("--weights", required=True, help="file or packaged name")
    parser.add_argument("--shard", type=int, default=0)
    given = parser.parse_args()
    learner = load_learner(given.weights)
    if given.part == "synthetic":
        synthetic(learner, given.shard)
    else:
        of_tables(learner)


if __name__ == "__main__":
    main()
