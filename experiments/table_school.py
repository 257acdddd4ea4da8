"""A first learner of all kinds of tables: one memory for the whole task, on four axes.

What the learners of Tables 3 and 4 begin from. Its first part are easy tasks, here called its
school.
"""

from typing import Any

from experiments.harness import WEIGHTS
from l2c_jax.recurrent.config import TrainConfig
from l2c_jax.recurrent.model import ModelConfig
from l2c_jax.tasks.families import CHANGES, SHAPES
from l2c_jax.tasks.prior import PriorConfig

MODEL = ModelConfig(dimensions=4, num_clusters=10, given_clusters=True, frame="winsorised")
NOTHING_ELSE: dict[str, Any] = {name: 0.0 for name in (*SHAPES, *CHANGES) if name != "gaussian"}
SCHOOL = PriorConfig(
    num_points=64,
    min_points=32,
    dimensions=4,
    count_weights=(0, 4, 4, 4, 3, 2, 1, 1, 1, 1),
    **NOTHING_ELSE,
    separation=(5.0, 20.0),
    anisotropy=0.5,
)
"""Well-separated Gaussian clusters, to begin with."""
SCHOOLING = TrainConfig(iterations=10_000, labels="matched", turned=1.0, log_every=50)
"""Turned at random, so that a learner has to find the clusters: without this it only learns to
cut the canonical frame into the same pieces for every task, and stays there."""
TASKS = PriorConfig()
TRAINING = TrainConfig(
    iterations=12_000,
    learning_rate=4e-3,
    labels="matched",
    untold=0.1,
    turned=0.3,
    log_every=50,
)
SCHOOLED = WEIGHTS / "school.safetensors"
"""The learner after its first part of the training; what other trainings may begin from."""
