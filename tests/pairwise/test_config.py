"""Configurations: what is refused, how a loss is chosen, how they are written down."""

import json

import numpy as np
import pytest

from l2c_jax.pairwise.config import (
    ConstrainedConfig,
    SimilarityConfig,
    check_crop,
    check_schedule,
    describe_config,
)
from l2c_jax.pairwise.losses import kcl, mcl


@pytest.mark.parametrize(
    ("rate", "milestones"), [(0.0, ()), (np.nan, ()), (1.0, (0.0,)), (1.0, (1.0,))]
)
def test_impossible_schedules_are_refused(rate, milestones):
    with pytest.raises(ValueError, match=r"learning_rate must be positive|lr_milestones are shar"):
        check_schedule(rate, milestones)


@pytest.mark.parametrize("crop", [(0.0, 1.0), (0.9, 0.8), (0.5, 1.1)])
def test_impossible_crops_are_refused(crop):
    with pytest.raises(ValueError, match="least and a largest share"):
        check_crop(crop)


@pytest.mark.parametrize(
    "options", [{"iterations": 0}, {"classes": 1}, {"per_class": 0}, {"crop": (0.0, 1.0)}]
)
def test_impossible_similarity_configurations_are_refused(options):
    with pytest.raises(ValueError, match="must be"):
        SimilarityConfig(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_clusters": 0}, "num_clusters must be at least 1, got 0"),
        ({"batch": 1}, "no pairs"),
        ({"epochs": 0}, "at least 1"),
        ({"loss": "hinge"}, "one of"),
        ({"learning_rate": 0.0}, "positive"),
        ({"lr_milestones": (2.0,)}, "between 0 and 1"),
        ({"crop": (0.9, 0.5)}, "share of the area"),
    ],
)
def test_impossible_clustering_configurations_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        ConstrainedConfig(**options)


def test_a_loss_is_a_name_or_a_function():
    assert ConstrainedConfig().pair_loss is mcl
    assert ConstrainedConfig(loss="kcl").pair_loss is kcl
    assert ConstrainedConfig(loss=min).pair_loss is min


def test_json_can_hold_every_description():
    described = describe_config(ConstrainedConfig(loss=kcl))
    assert described["loss"] == "kcl"
    assert json.loads(json.dumps(described))["lr_milestones"] == [2 / 3]
