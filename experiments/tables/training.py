"""Learners for tasks from tables: trained on tables alone, or from synthetic tasks onwards.

A training stores its checkpoints and weights in ``runs/tables/SEED/SETTING/SPLIT/VARIANT`` and
resumes there. The weights of all splits, 60 files, are not committed.
"""

import dataclasses
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import jax

from experiments.lib.curriculum import MODEL, PARTS, START
from experiments.lib.learners import Recipe, load, train, train_file
from experiments.lib.paths import RUNS
from experiments.lib.runner import Options
from experiments.lib.splits import Setting
from l2c_jax.recurrent.config import TrainConfig
from l2c_jax.recurrent.fit import Tasks
from l2c_jax.recurrent.learner import Learner, load_learner, save_learner
from l2c_jax.recurrent.model import ModelConfig, init
from l2c_jax.tasks.gaussian import TaskConfig
from l2c_jax.tasks.mixture import MixedConfig
from l2c_jax.tasks.prior import PriorConfig
from l2c_jax.tasks.tables import Pool
from l2c_jax.training.weights import fingerprint

POINTS = 100
"""Points of a training task, also for test tasks of 500 points: a fifth of the cost."""
FROM_SCRATCH = TrainConfig(iterations=2500, batch=16, passes=2, labels="matched", log_every=50)
FINE_TUNING = replace(FROM_SCRATCH, iterations=1500, learning_rate=1e-3)
SMOKE_MODEL = ModelConfig(dimensions=2, num_clusters=4, hidden=(4,), given_clusters=True)
SMOKE_TASKS = TaskConfig(num_points=24, num_clusters=4, swirls=0)
"""A task distribution that compiles in seconds."""


@dataclass(frozen=True)
class Variant:
    """One way to train on tables."""

    slug: str
    """Its name in file names."""
    row: str
    """Its name on the page."""
    training: TrainConfig
    synthetic: bool
    """Whether it starts from a learner of synthetic tasks, and half of its tasks are synthetic."""


REAL = Variant("real", "learned (real)", FROM_SCRATCH, synthetic=False)
MIXED = Variant("mixed", "learned (real + synthetic)", FINE_TUNING, synthetic=True)
START_ROW = "learned (synthetic)"


class TrainingTables(NamedTuple):
    """The training tables of one split."""

    setting: Setting
    number: int  # of the split
    pool: Pool
    names: list[str]  # of the tables


def start_learner(options: Options) -> Learner | None:
    """The learner of synthetic tasks that :data:`MIXED` starts from.

    Args:
      options: if the weights are missing, they are trained with ``retrain``.

    Returns:
      The learner; None without weights.

    Raises:
      SystemExit: if a signal stopped the training.
    """
    if options.smoke:
        header = {"tasks": dataclasses.asdict(SMOKE_TASKS), "training": {"passes": 2}}
        params = init(jax.random.key(options.seed), SMOKE_MODEL)
        return Learner(params, SMOKE_MODEL, {**header, "iterations": 0, "minutes": 0.0})
    if options.retrain and not START.exists():
        before = None
        for path, recipe in PARTS:
            if not path.exists():
                train_file(path, recipe, start=before)
            before = load_learner(path)
    return load(START, options) if START.exists() else None


def tasks_of(variant: Variant, setting: Setting, *, smoke: bool = False) -> Tasks:
    """The task distribution of a variant: tables, or tables and synthetic tasks.

    Classes of a task from a table have equal sizes, so those of the synthetic tasks have, too.
    """
    points = setting.num_points if smoke else POINTS
    tables = setting.tasks(points)
    if not variant.synthetic:
        return tables
    if smoke:
        return MixedConfig(tables, replace(SMOKE_TASKS, num_clusters=setting.num_clusters))
    prior = PriorConfig(
        num_points=points,
        min_points=points,
        dimensions=max(2, setting.dimensions),
        num_clusters=setting.num_clusters,
        count_weights=tuple(
            float(k >= tables.least_clusters) for k in range(1, setting.num_clusters + 1)
        ),
        unequal=0.0,
    )
    return MixedConfig(tables, prior)


def learner_of(
    variant: Variant, tables: TrainingTables, start: Learner | None, options: Options
) -> Learner | None:
    """The learner of one variant and split.

    Args:
      variant: how it is trained.
      tables: what it is trained on; weights of other tables are not used.
      start: see :func:`start_learner`.
      options: ``retrain`` trains it, unless it was trained to its end before.

    Returns:
      The learner; None without weights.

    Raises:
      SystemExit: if a signal stopped the training.
      ValueError: if there is no learner to start the training from.
    """
    setting = tables.setting
    tasks = tasks_of(variant, setting, smoke=options.smoke)
    unknown = 0.0 if setting.known_k else 1.0
    training = replace(variant.training, seed=options.seed, untold=unknown)
    begin = start if variant.synthetic else None
    if variant.synthetic and start is None and options.retrain:
        raise ValueError("there is no learner to start from")
    if options.smoke:
        recipe = Recipe(tasks, SMOKE_MODEL, training).quick(SMOKE_MODEL.hidden)
        return train(recipe, pool=tables.pool, start=begin, progress=False)
    recipe = Recipe(tasks, MODEL, training)
    path = weight_file(variant, tables, options.seed)
    wanted = run_config(recipe, tables, begin)
    if path.exists():
        learner = load(path, options)
        if learner.model == MODEL and wanted.items() <= learner.header.items():
            return learner
    if not options.retrain:
        return None
    learner = train(recipe, pool=tables.pool, start=begin, folder=path.parent)
    learner.header["training_tables"] = list(tables.names)
    save_learner(path, learner)
    return learner


def weight_file(variant: Variant, tables: TrainingTables, seed: int) -> Path:
    """The weights of a variant and split."""
    own = Path(f"seed{seed}") / tables.setting.slug / f"split{tables.number}" / variant.slug
    return RUNS / "tables" / own / "weights.safetensors"


def run_config(
    recipe: Recipe[Tasks], tables: TrainingTables, start: Learner | None
) -> dict[str, Any]:
    """All that a learner follows from, as the header of its weight file has it."""
    found: dict[str, Any] = {
        "tasks": dataclasses.asdict(recipe.tasks),
        "training": dataclasses.asdict(recipe.training),
        "training_tables": tables.names,
        "pool": fingerprint(tables.pool),
        **({} if start is None else {"start": fingerprint(start.params)}),
    }
    return json.loads(json.dumps(found))
