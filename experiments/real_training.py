"""Learners for tasks from tables: trained on tables alone, or from synthetic tasks onwards.

Every training has its own folder, ``runs/tables/SEED/SETTING/SPLIT/VARIANT``, and is resumed
there. The weights go to ``weights/tables/`` too, one file of 0.4 MB a setting, split and variant,
so that they can be evaluated without training.
"""

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jax

from experiments.harness import RUNS, WEIGHTS, Options, train
from experiments.splits import Setting
from experiments.table_school import MODEL, SCHOOL, SCHOOLED, SCHOOLING, TASKS, TRAINING
from l2c_jax.recurrent.config import TrainConfig
from l2c_jax.recurrent.fit import Tasks, fit
from l2c_jax.recurrent.learner import Learner, load_learner, save_learner
from l2c_jax.recurrent.model import ModelConfig, init
from l2c_jax.tasks.gaussian import TaskConfig
from l2c_jax.tasks.mixture import MixedConfig
from l2c_jax.tasks.prior import PriorConfig
from l2c_jax.tasks.tables import Pool
from l2c_jax.training.weights import fingerprint

POINTS = 100
"""Points of a training task, for test tasks of 500 points too: it costs a fifth."""
FROM_SCRATCH = TrainConfig(iterations=2500, batch=16, passes=2, labels="matched", log_every=50)
FINE_TUNING = replace(FROM_SCRATCH, iterations=1500, learning_rate=1e-3)
LONGER_SCHOOL = WEIGHTS / "school_long.safetensors"
START = WEIGHTS / "tables_start.safetensors"
PARTS = (
    (SCHOOLED, SCHOOL, SCHOOLING),
    (LONGER_SCHOOL, SCHOOL, replace(SCHOOLING, iterations=45_000)),
    (START, TASKS, TRAINING),
)
"""The trainings, each from where the one before ended, that make what :data:`MIXED` starts
from: on easy tasks, more of them, and then on the prior of all families."""
SMOKE_MODEL = ModelConfig(dimensions=2, num_clusters=4, hidden=(4,), given_clusters=True)
SMOKE_TASKS = TaskConfig(num_points=24, num_clusters=4, swirls=0)
"""Of a generator that compiles in seconds."""


@dataclass(frozen=True)
class Variant:
    """One way to learn from tables."""

    slug: str
    """Its name in file names."""
    row: str
    """What the table calls it."""
    training: TrainConfig
    synthetic: bool
    """Whether it starts from a learner of synthetic tasks, and half of its tasks are synthetic."""


REAL = Variant("real", "learned (real)", FROM_SCRATCH, synthetic=False)
MIXED = Variant("mixed", "learned (real + synthetic)", FINE_TUNING, synthetic=True)
START_ROW = "learned (synthetic)"


def start_learner(options: Options) -> Learner | None:
    """The learner of synthetic tasks that :data:`MIXED` starts from.

    The shipped one; if there is none, it is trained now if training was asked for; or else none.

    Raises:
      SystemExit: if a signal stopped the training.
    """
    if options.smoke:
        story = {"tasks": dataclasses.asdict(SMOKE_TASKS), "training": {"passes": 2}}
        params = init(jax.random.key(options.seed), SMOKE_MODEL)
        return Learner(params, SMOKE_MODEL, {**story, "iterations": 0, "minutes": 0.0})
    if options.retrain and not START.exists():
        before = None
        for path, tasks, training in PARTS:
            if not path.exists():
                train(path, tasks, MODEL, training, start=before)
            before = load_learner(path)
    return load_learner(START) if START.exists() else None


def tasks_of(variant: Variant, setting: Setting, *, smoke: bool = False) -> Tasks:
    """What a variant learns from: tables, or tables and synthetic tasks like theirs.

    Tasks from tables have classes of the same size, so the synthetic ones have, too.
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
    variant: Variant,
    setting: Setting,
    number: int,
    pool: Pool,
    names: Sequence[str],
    start: Learner | None,
    options: Options,
) -> Learner | None:
    """The learner of one split: trained before, shipped, or trained now.

    Args:
      variant: how it learns.
      setting: on which tables.
      number: of the split.
      pool: the split's training tables.
      names: theirs; weights that were trained on others are not used.
      start: see :func:`start_learner`.
      options: ``retrain`` trains what was not trained to its end before; shipped weights are not
        used then. Otherwise what is missing stays missing.

    Returns:
      The learner, or None.

    Raises:
      SystemExit: if a signal stopped the training.
    """
    tasks = tasks_of(variant, setting, smoke=options.smoke)
    training = replace(variant.training, seed=options.seed, untold=0.0 if setting.told else 1.0)
    if variant.synthetic and start is None and options.retrain:
        raise ValueError("there is no learner to start from")
    begin = start if variant.synthetic else None
    if options.smoke:
        quick = replace(training, iterations=2, batch=2, log_every=2)
        return fit(tasks, SMOKE_MODEL, quick, pool=pool, start=begin, progress=False)[0]
    own = RUNS / "tables" / f"seed{options.seed}" / setting.slug / f"split{number}" / variant.slug
    if options.retrain:
        learner = _trained(own, tasks, training, pool, names, begin)
        if options.seed == 0:
            save_learner(shipped_path(variant, setting, number), learner)
        return learner
    story = {"tasks": dataclasses.asdict(tasks), "training_tables": list(names)}
    for path in (own / "weights.safetensors", shipped_path(variant, setting, number)):
        if path.exists():
            learner = load_learner(path)
            if _tells(learner, story):
                return learner
    return None


def shipped_path(variant: Variant, setting: Setting, number: int) -> Path:
    """Where the weights of a variant for a split lie."""
    return WEIGHTS / "tables" / f"{setting.slug}_split{number}_{variant.slug}.safetensors"


def _tells(learner: Learner, story: dict[str, Any]) -> bool:
    """Whether a learner was made as a story says."""
    return json.loads(json.dumps(story)).items() <= learner.header.items()


def _trained(
    folder: Path,
    tasks: Tasks,
    training: TrainConfig,
    pool: Pool | None = None,
    names: Sequence[str] = (),
    start: Learner | None = None,
) -> Learner:
    """A learner that was trained to its end in a folder, now or before."""
    path = folder / "weights.safetensors"
    story: dict[str, Any] = {
        "tasks": dataclasses.asdict(tasks),
        "training": dataclasses.asdict(training),
        **({} if pool is None else {"pool": fingerprint(pool)}),
        **({} if start is None else {"start": fingerprint(start.params)}),
    }
    if path.exists():
        learner = load_learner(path)
        if learner.model == MODEL and _tells(learner, story):
            return learner
    learner, finished = fit(
        tasks, MODEL, training, pool=pool, start=start, folder=folder, resume=True
    )
    if not finished:
        raise SystemExit(f"stopped; the same command goes on ({folder})")
    learner.header["training_tables"] = list(names)
    save_learner(path, learner)
    return learner
