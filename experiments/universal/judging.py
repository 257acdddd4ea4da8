"""The judge of the weights "universal": cross-fitted on real tables, then trained on everything.

    python -m experiments.universal.judging

reads examples with the learner of the packaged weights (:mod:`experiments.universal.examples`) and
trains a judge on all of them, in ``runs/universal/universal.safetensors``. For each of five groups
of table families, another judge learns from the synthetic tasks and from the tables of the other
four; its answers are the cross-fitted ones.
"""

from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np

from experiments.lib.splits import family
from experiments.universal import examples
from experiments.universal.examples import TableExamples
from experiments.universal.recipe import JUDGE, SHARDS, WEIGHTS, trained
from l2c_jax.recurrent.learner import Learner
from l2c_jax.tabular.judge_examples import Examples, JudgeConfig, join_examples
from l2c_jax.tabular.judge_training import with_judge
from l2c_jax.tabular.model import TabularModel, save_tabular_model

FOLDS = 5
TABLE_SHARE = 0.3
"""How often a task of the judge is from a real table."""


def fold_of(name: str) -> int:
    """The fold of a table; all tables of a family are in the same."""
    return sum(family(name).encode()) % FOLDS


def part(tables: TableExamples, chosen: np.ndarray) -> Examples:
    """The chosen readings."""
    return jax.tree.map(lambda leaf: leaf[chosen], tables.examples)


def cross_fitted(
    learner: Learner, synthetic: Examples, tables: TableExamples, config: JudgeConfig
) -> list[TabularModel]:
    """One model for each fold, whose judge has not seen a table of that fold's families."""
    folds = np.array([fold_of(name) for name in tables.names])
    return [
        with_judge(learner, synthetic, config, part(tables, folds != fold), TABLE_SHARE)
        for fold in range(FOLDS)
    ]


def on_everything(
    learner: Learner, synthetic: Examples, tables: TableExamples, config: JudgeConfig
) -> TabularModel:
    """The model that ships."""
    every = np.ones(len(tables.names), bool)
    return with_judge(learner, synthetic, config, part(tables, every), TABLE_SHARE)


def examples_of(learner: Learner) -> tuple[Examples, TableExamples]:
    """All examples of a learner; those that are missing are read now; resumes."""
    synthetic = join_examples(examples.synthetic(learner, shard) for shard in range(len(SHARDS)))
    order = np.random.default_rng(0).permutation(len(synthetic.counts))
    mixed = jax.tree.map(lambda leaf: leaf[order], synthetic)
    return mixed, examples.of_tables(learner)


def make() -> Path:
    """Train the weights: examples, judge; resumes.

    Returns:
      The weight file.

    Raises:
      SystemExit: if a signal stopped a training.
    """
    learner = trained()
    save_tabular_model(WEIGHTS, on_everything(learner, *examples_of(learner), JUDGE))
    return WEIGHTS


def models_of_tables(learner: Learner) -> Callable[[str], TabularModel]:
    """By the name of a table, the model whose judge has not seen its family."""
    models = cross_fitted(learner, *examples_of(learner), JUDGE)
    return lambda name: models[fold_of(name)]


if __name__ == "__main__":
    print(make())
