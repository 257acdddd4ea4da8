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
from l2c_jax.recurrent.config import ModelConfig, TrainConfig
from l2c_jax.recurrent.learner import Learner, Metadata, load_learner, save_learner
from l2c_jax.recurrent.model import init
from l2c_jax.tasks.base import TaskDistribution
from l2c_jax.tasks.description import describe
from l2c_jax.tasks.gaussian import GaussianTasks
from l2c_jax.tasks.mixture import TaskMixture
from l2c_jax.tasks.prior import BroadPrior
from l2c_jax.tasks.tables import Pool
from l2c_jax.training.weights import content_hash

POINTS = 100
"""Points of a training task, also for test tasks of 500 points: a fifth of the cost."""
FROM_SCRATCH = TrainConfig(
    iterations=2500, batch=16, epochs=2, label_assignment="hungarian", log_every=50
)
FINE_TUNING = replace(FROM_SCRATCH, iterations=1500, learning_rate=1e-3)
SMOKE_MODEL = ModelConfig(
    dimensions=2, num_clusters=4, hidden=(4,), condition_on_num_clusters=True
)
SMOKE_TASKS = GaussianTasks(num_points=24, num_clusters=4, num_swirls=0)
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
        metadata = Metadata(tasks=describe(SMOKE_TASKS), training=TrainConfig())
        params = init(jax.random.key(options.seed), SMOKE_MODEL)
        return Learner(params, SMOKE_MODEL, metadata)
    if options.retrain and not START.exists():
        before = None
        for path, recipe in PARTS:
            if not path.exists():
                train_file(path, recipe, start=before)
            before = load_learner(path)
    return load(START, options) if START.exists() else None


def tasks_of(variant: Variant, tables: TrainingTables, *, smoke: bool = False) -> TaskDistribution:
    """The task distribution of a variant: tables, or tables and synthetic tasks.

    Classes of a task from a table have equal sizes, so those of the synthetic tasks have, too.
    """
    setting = tables.setting
    points = setting.num_points if smoke else POINTS
    real = setting.tasks(tables.pool, points)
    if not variant.synthetic:
        return real
    half = (0.5, 0.5)
    if smoke:
        easy = replace(SMOKE_TASKS, num_clusters=setting.num_clusters)
        return TaskMixture((real, easy), half)
    prior = BroadPrior(
        num_points=points,
        min_points=points,
        dimensions=max(2, setting.dimensions),
        num_clusters=setting.num_clusters,
        num_clusters_weights=tuple(
            float(k >= setting.least_clusters) for k in range(1, setting.num_clusters + 1)
        ),
        size_imbalance=0.0,
    )
    return TaskMixture((real, prior), half)


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
    tasks = tasks_of(variant, tables, smoke=options.smoke)
    unknown = 0.0 if setting.known_k else 1.0
    training = replace(variant.training, seed=options.seed, k_dropout=unknown)
    begin = start if variant.synthetic else None
    if variant.synthetic and start is None and options.retrain:
        raise ValueError("there is no learner to start from")
    if options.smoke:
        recipe = Recipe(tasks, SMOKE_MODEL, training).quick(SMOKE_MODEL.hidden)
        return train(recipe, start=begin, progress=False)
    recipe = Recipe(tasks, MODEL, training)
    path = weight_file(variant, tables, options.seed)
    wanted = run_config(recipe, tables, begin)
    if path.exists():
        learner = load(path, options)
        made = json.loads(json.dumps(learner.metadata.to_json()))
        if learner.config == MODEL and wanted.items() <= made.items():
            return learner
    if not options.retrain:
        return None
    learner = train(recipe, start=begin, folder=path.parent)
    extra = {**learner.metadata.extra, "training_tables": list(tables.names)}
    learner = replace(learner, metadata=replace(learner.metadata, extra=extra))
    save_learner(path, learner)
    return learner


def weight_file(variant: Variant, tables: TrainingTables, seed: int) -> Path:
    """The weights of a variant and split."""
    own = Path(f"seed{seed}") / tables.setting.slug / f"split{tables.number}" / variant.slug
    return RUNS / "tables" / own / "weights.safetensors"


def run_config(
    recipe: Recipe[TaskDistribution], tables: TrainingTables, start: Learner | None
) -> dict[str, Any]:
    """All that a learner follows from, as the header of its weight file has it."""
    found: dict[str, Any] = {
        "tasks": describe(recipe.tasks),
        "training": dataclasses.asdict(recipe.training),
        "training_tables": tables.names,
        **({} if start is None else {"start": content_hash(start.params)}),
    }
    return json.loads(json.dumps(found))
