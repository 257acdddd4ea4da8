"""The recurrent meta-clusterer of Jiang & Verma 2019."""

from l2c_jax.recurrent.assign import aligned_mean, assign, assign_tasks
from l2c_jax.recurrent.cluster import Clustering, cluster
from l2c_jax.recurrent.config import TrainConfig
from l2c_jax.recurrent.fit import fit
from l2c_jax.recurrent.learner import Learner, load_learner, save_learner, shipped
from l2c_jax.recurrent.losses import (
    classify_loss,
    local_loss,
    matched_labels,
    nearest_neighbours,
)
from l2c_jax.recurrent.model import (
    Carry,
    ModelConfig,
    Params,
    clear,
    init,
    known_count,
    log_probabilities,
    rollout,
    step,
)
from l2c_jax.recurrent.train import TrainInfo, TrainState, init_state, iterations, train_step

__all__ = [
    "Carry",
    "Clustering",
    "Learner",
    "ModelConfig",
    "Params",
    "TrainConfig",
    "TrainInfo",
    "TrainState",
    "aligned_mean",
    "assign",
    "assign_tasks",
    "classify_loss",
    "clear",
    "cluster",
    "fit",
    "init",
    "init_state",
    "iterations",
    "known_count",
    "load_learner",
    "local_loss",
    "log_probabilities",
    "matched_labels",
    "nearest_neighbours",
    "rollout",
    "save_learner",
    "shipped",
    "step",
    "train_step",
]
