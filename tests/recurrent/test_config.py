"""What the configurations refuse."""

import pytest

from l2c_jax.recurrent.config import InferenceConfig, ModelConfig, TrainConfig


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"iterations": 0}, "must be at least 1"),
        ({"batch": 0}, "must be at least 1"),
        ({"epochs": 0}, "must be at least 1"),
        ({"log_every": 0}, "must be at least 1"),
        ({"checkpoint_every": 0}, "must be at least 1"),
        ({"learning_rate": 0.0}, "learning_rate and clip must be positive"),
        ({"clip": -1.0}, "learning_rate and clip must be positive"),
        ({"classification_weight": 1.5}, r"classification_weight must lie in \[0, 1\]"),
        ({"random_rotation_prob": -0.1}, r"random_rotation_prob must lie in \[0, 1\]"),
        ({"num_neighbors": 0}, "num_neighbors must be at least 1"),
        ({"label_assignment": "random"}, '"canonical" or "hungarian", got \'random\''),
        ({"update": "never"}, '"epoch" or "iteration", got \'never\''),
    ],
)
def test_impossible_trainings_are_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        TrainConfig(**fields)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"dimensions": 0}, "dimensions and num_clusters must be at least 1"),
        ({"num_clusters": 0}, "dimensions and num_clusters must be at least 1"),
        ({"hidden": ()}, "at least one layer"),
        ({"hidden": (8, 0)}, "at least 1 unit"),
        ({"preprocessing": "polar"}, "preprocessing must be one of .*'raw'.*, got 'polar'"),
        ({"logit_scale": 0.0}, "logit_scale must be positive"),
    ],
)
def test_impossible_models_are_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        ModelConfig(**fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"architecture": "nobody"},
        {"architecture": "slots", "hidden": (4,)},
        {"architecture": "slots", "hidden": (4, 4), "logit_scale": 1.0},
        {"architecture": "slots", "hidden": (4,), "logit_scale": 1.0, "feedback": False},
    ],
)
def test_impossible_slots_are_refused(fields):
    with pytest.raises(ValueError, match="architecture"):
        ModelConfig(**fields)


@pytest.mark.parametrize(
    "fields", [{"epochs": 0}, {"orders": 0}, {"top_fraction": 0.0}, {"points_per_epoch": 0}]
)
def test_impossible_configurations_are_refused(fields):
    with pytest.raises(ValueError, match="must"):
        InferenceConfig(**fields)


@pytest.mark.parametrize(
    ("architecture", "fraction", "kept"),
    [("slots", None, 4), ("stacked", None, 16), ("slots", 0.5, 8)],
)
def test_the_share_of_members_that_are_kept(architecture, fraction, kept):
    config = ModelConfig(hidden=(4,), architecture=architecture, logit_scale=1.0)
    assert InferenceConfig(top_fraction=fraction).kept(config) == kept
