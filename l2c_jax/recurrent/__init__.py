"""The recurrent meta-clusterer of Jiang & Verma 2019."""

from l2c_jax.recurrent.config import Cell, InferenceConfig, ModelConfig, TrainConfig
from l2c_jax.recurrent.evaluation import predict_tasks, sample_tasks
from l2c_jax.recurrent.fitting import fit
from l2c_jax.recurrent.inference import (
    AdaptedState,
    Prediction,
    adapt,
    align_members,
    last_epoch,
    predict,
)
from l2c_jax.recurrent.learner import (
    Learner,
    Metadata,
    load_learner,
    pretrained_weights,
    save_learner,
)
from l2c_jax.recurrent.losses import (
    classification_loss,
    hungarian_labels,
    local_loss,
    nearest_neighbors,
)
from l2c_jax.recurrent.model import (
    append_num_clusters,
    clear,
    frozen_scores,
    init,
    log_probabilities,
    rollout,
    step,
)
from l2c_jax.recurrent.train import (
    TrainInfo,
    TrainState,
    default_optimizer,
    init_state,
    train_step,
    train_steps,
)

__all__ = [
    "AdaptedState",
    "Cell",
    "InferenceConfig",
    "Learner",
    "Metadata",
    "ModelConfig",
    "Prediction",
    "TrainConfig",
    "TrainInfo",
    "TrainState",
    "adapt",
    "align_members",
    "append_num_clusters",
    "classification_loss",
    "clear",
    "default_optimizer",
    "fit",
    "frozen_scores",
    "hungarian_labels",
    "init",
    "init_state",
    "last_epoch",
    "load_learner",
    "local_loss",
    "log_probabilities",
    "nearest_neighbors",
    "predict",
    "predict_tasks",
    "pretrained_weights",
    "rollout",
    "sample_tasks",
    "save_learner",
    "step",
    "train_step",
    "train_steps",
]
