"""The weights that come with the package as "universal"."""

from pathlib import Path

import l2c_jax
from l2c_jax.recurrent.model import ModelConfig
from l2c_jax.recurrent.train import TrainConfig
from l2c_jax.tasks.priors import PriorConfig

TASKS = PriorConfig()
MODEL = ModelConfig(dimensions=8, num_clusters=10, given_clusters=True)
TRAINING = TrainConfig(
    iterations=30_000, batch=32, passes=2, labels="matched", untold=0.2, log_every=50
)
PACKAGED = Path(l2c_jax.__file__).parent / "pretrained" / "universal.safetensors"
