"""The weights "universal": how they are trained."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import jax

from experiments.lib import curriculum
from experiments.lib.learners import Recipe, train_file
from experiments.lib.paths import RUNS
from l2c_jax.recurrent.config import TrainConfig
from l2c_jax.recurrent.fit import task_source
from l2c_jax.recurrent.learner import Learner, load_learner, save_learner
from l2c_jax.recurrent.model import ModelConfig, init
from l2c_jax.tabular.fit_count_head import CountConfig, fit_count
from l2c_jax.tasks.prior import PriorConfig

MODEL = ModelConfig(
    dimensions=8,
    num_clusters=10,
    hidden=(48,),
    memory="cluster",
    logit_scale=1.0,
    given_clusters=True,
    frame="winsorised",
)
WARM_UP = Recipe(
    replace(curriculum.EASY, dimensions=8),
    MODEL,
    TrainConfig(
        iterations=4_000,
        learning_rate=5e-3,
        labels="matched",
        untold=0.25,
        turned=1.0,
        recall=0.5,
        log_every=50,
    ),
)
"""Well-separated Gaussian clusters, of half as many points as the prior's tasks."""
WHOLE = Recipe(
    PriorConfig(count_weights=(3, 20, 18, 14, 11, 9, 8, 7, 5, 5), swirled=0.2),
    MODEL,
    replace(WARM_UP.training, iterations=15_000, learning_rate=4e-3, turned=0.3),
)
"""All families of the prior, from the parameters after the warm-up."""
COUNT = CountConfig(tasks=10_240, hidden=32, epochs=30, weight_decay=1.0)
"""The head for the number of clusters, trained last."""
FOLDER = RUNS / "universal"
WEIGHTS = FOLDER / "universal.safetensors"
"""Where a training puts its result; :mod:`experiments.universal.release` takes it from there."""


def make() -> Path:
    """Train the weights: warm-up, prior, head for k; resumes.

    Returns:
      The weight file, :data:`WEIGHTS`.

    Raises:
      SystemExit: if a signal stopped a training.
    """
    whole = FOLDER / "without_head.safetensors"
    train_file(whole, WHOLE, start=warmed_up(), folder=FOLDER / "whole")
    save_learner(WEIGHTS, fit_count(load_learner(whole), task_source(WHOLE.tasks), COUNT))
    return WEIGHTS


def warmed_up() -> Learner:
    """The learner after the warm-up; trained now if there is none.

    Raises:
      SystemExit: if a signal stopped the training.
    """
    path = FOLDER / "warm_up.safetensors"
    if not path.exists():
        train_file(path, WARM_UP, folder=FOLDER / "warm_up")
    return load_learner(path)


def untrained() -> Learner:
    """A small learner with random parameters, for smoke runs."""
    small: dict[str, Any] = {"num_points": 32, "min_points": 16, "num_clusters": 3}
    tasks = replace(WHOLE.tasks, **small, count_weights=(1, 1, 1))
    model = replace(MODEL, num_clusters=3, hidden=(8,), count_hidden=4)
    return Learner(init(jax.random.key(0), model), model, {"tasks": asdict(tasks)})
