"""A curriculum: easy synthetic tasks first, a warm-up, then the prior of all families.

The learners of Tables 3 and 4 start from the result of :data:`PARTS`; the packaged weights
"universal" have a warm-up of the same kind.
"""

from dataclasses import replace
from typing import Any

from experiments.lib.learners import Recipe
from experiments.lib.paths import WEIGHTS
from l2c_jax.recurrent.config import ModelConfig, TrainConfig
from l2c_jax.tasks.corruptions import CORRUPTIONS
from l2c_jax.tasks.families import SHAPES
from l2c_jax.tasks.prior import BroadPrior

MODEL = ModelConfig(
    dimensions=4, num_clusters=10, condition_on_num_clusters=True, preprocessing="clipped"
)
"""The stacked learner on four principal axes, as in the paper but for the preprocessing."""
GAUSSIANS_ALONE: dict[str, Any] = {
    **{f"{name}_weight": 0.0 for name in SHAPES if name != "gaussian"},
    **{f"{name}_prob": 0.0 for name in CORRUPTIONS},
}
"""Fields of a prior without any family but Gaussian clusters."""
EASY = BroadPrior(
    num_points=64,
    min_points=32,
    dimensions=4,
    num_clusters_weights=(0, 4, 4, 4, 3, 2, 1, 1, 1, 1),
    **GAUSSIANS_ALONE,
    separation=(5.0, 20.0),
    anisotropy=0.5,
)
"""Well-separated Gaussian clusters: the tasks of the warm-up."""
WARM_UP = TrainConfig(
    iterations=10_000, label_assignment="hungarian", random_rotation_prob=1.0, log_every=50
)
"""Every task is rotated at random. Without rotations the learner assigns the same regions of the
preprocessed coordinates to the same clusters in every task, and does not improve from there."""
TRAINING = TrainConfig(
    iterations=12_000,
    learning_rate=4e-3,
    label_assignment="hungarian",
    k_dropout=0.1,
    random_rotation_prob=0.3,
    log_every=50,
)
START = WEIGHTS / "tables_start.safetensors"
"""The learner of synthetic tasks that trainings on tables start from."""
PARTS = (
    (WEIGHTS / "warm_up.safetensors", Recipe(EASY, MODEL, WARM_UP)),
    (
        WEIGHTS / "warm_up_long.safetensors",
        Recipe(EASY, MODEL, replace(WARM_UP, iterations=45_000)),
    ),
    (START, Recipe(BroadPrior(), MODEL, TRAINING)),
)
"""Weight files and recipes of the trainings that make :data:`START`, each from the parameters of
the one before: the warm-up, a longer warm-up, and all families of the prior."""
