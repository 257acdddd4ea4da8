"""The weights "universal": how they are trained.

The learner is that of the first edition, trained 15,000 iterations at the commit that its metadata
name; of the trainings since, none was better on real tables (``experiments/results/ATTEMPTS.md``).
:data:`WHOLE` has its settings, with today's task distributions.
"""

from dataclasses import replace
from typing import Any

import jax

from experiments.lib import curriculum
from experiments.lib.learners import Recipe, train_file
from experiments.lib.paths import RUNS
from l2c_jax.recurrent.config import ModelConfig, TrainConfig
from l2c_jax.recurrent.learner import Learner, Metadata, load_learner
from l2c_jax.recurrent.model import init
from l2c_jax.tabular.judge import init_judge
from l2c_jax.tabular.judge_examples import JudgeConfig
from l2c_jax.tabular.model import TabularModel
from l2c_jax.tasks.description import describe
from l2c_jax.tasks.gaussian import GaussianTasks
from l2c_jax.tasks.isolated import IsolatedTasks
from l2c_jax.tasks.mixture import TaskMixture
from l2c_jax.tasks.prior import BroadPrior
from l2c_jax.tasks.structures import StructureTasks

MODEL = ModelConfig(
    dimensions=8,
    num_clusters=10,
    hidden=(48,),
    architecture="slots",
    logit_scale=1.0,
    condition_on_num_clusters=True,
    preprocessing="robust",
)
WARM_UP = Recipe(
    replace(curriculum.EASY, dimensions=8),
    MODEL,
    TrainConfig(
        iterations=4_000,
        learning_rate=5e-3,
        label_assignment="hungarian",
        k_dropout=0.25,
        random_rotation_prob=1.0,
        frozen_loss_weight=0.5,
        log_every=50,
    ),
)
"""Well-separated Gaussian clusters, of half as many points as the prior's tasks."""
PRIOR = BroadPrior(
    num_points=128,
    num_clusters_weights=(3, 20, 18, 14, 11, 9, 8, 7, 5, 5),
    swirled_prob=0.2,
)
"""Tasks as tables are."""
WHOLE = Recipe(
    PRIOR,
    MODEL,
    replace(
        WARM_UP.training,
        iterations=15_000,
        learning_rate=4e-3,
        k_dropout=0.25,
        random_rotation_prob=0.3,
    ),
)
"""All families of the prior, from the parameters after the warm-up."""
JUDGED = TaskMixture(
    (
        replace(
            PRIOR,
            num_points=1024,
            min_points=60,
            separation=(1.2, 15.0),
            num_clusters_weights=(12, 20, 18, 14, 11, 9, 8, 7, 5, 5),
        ),
        StructureTasks(num_points=1024),
        IsolatedTasks(num_points=1024),
        GaussianTasks(
            *(400, 5, 8),
            min_points=60,
            min_dimensions=2,
            min_clusters=1,
            theta=5.0,
            anisotropy=1.0,
        ),
    ),
    (0.3, 0.35, 0.2, 0.15),
)
"""Tasks of the judge: of all sizes, and some of one cluster. The last are those of section 4.1."""
OVERLAPPING = TaskMixture(
    (
        StructureTasks(
            num_points=1024, weights=(0, 0, 0, 0, 1, 1, 5, 0.5, 0, 0, 2.5), noise_prob=0.05
        ),
        IsolatedTasks(num_points=1024, one_prob=0.9),
    ),
    (0.8, 0.2),
)
"""More tasks in which clusters overlap, and of one cluster."""
SHARDS = ((JUDGED, 1_000), (OVERLAPPING, 200), (OVERLAPPING, 200))
"""What the judge reads, and how many tasks of it."""
JUDGE = JudgeConfig()
"""The judge of view, members and number of clusters, trained last."""
FOLDER = RUNS / "universal"
WEIGHTS = FOLDER / "universal.safetensors"
"""Where the result goes; :mod:`experiments.universal.release` takes it from there."""


def trained() -> Learner:
    """The learner of the packaged weights."""
    learner = load_learner("universal")
    return replace(learner, metadata=replace(learner.metadata, extra={}))


def trained_anew() -> Learner:
    """Another learner by the same settings; trained now if there is none; resumes.

    Raises:
      SystemExit: if a signal stopped a training.
    """
    path = FOLDER / "without_judge.safetensors"
    if not path.exists():
        train_file(path, WHOLE, start=warmed_up(), folder=FOLDER / "whole")
    return load_learner(path)


def warmed_up() -> Learner:
    """The learner after the warm-up; trained now if there is none.

    Raises:
      SystemExit: if a signal stopped the training.
    """
    path = FOLDER / "warm_up.safetensors"
    if not path.exists():
        train_file(path, WARM_UP, folder=FOLDER / "warm_up")
    return load_learner(path)


def untrained() -> TabularModel:
    """A small model with random parameters, for smoke runs."""
    small: dict[str, Any] = {"num_points": 32, "min_points": 16, "num_clusters": 3}
    tasks = replace(PRIOR, **small, num_clusters_weights=(1, 1, 1))
    config = replace(MODEL, num_clusters=3, hidden=(8,))
    metadata = Metadata(tasks=describe(tasks))
    learner = Learner(init(jax.random.key(0), config), config, metadata)
    return TabularModel(learner, init_judge(jax.random.key(1), MODEL.dimensions, 3, 4))
