"""Distributions as JSON, and back; headers of release 1."""

import json
from dataclasses import dataclass

import pytest

from l2c_jax.tasks import BroadPrior, GaussianTasks, describe, from_description


@pytest.mark.parametrize(
    "distribution", [GaussianTasks(num_points=30, concentration=1.0), BroadPrior(num_points=90)]
)
def test_there_and_back(distribution):
    described = json.loads(json.dumps(describe(distribution)))
    assert from_description(described) == distribution


def test_headers_of_release_1_are_read():
    old = {"num_points": 128, "min_points": 64, "dimensions": 8, "num_clusters": 3}
    old |= {"count_weights": [1, 2, 3], "unequal": 0.5, "rings": 2, "bent_columns": 0.1}
    assert from_description(old) == BroadPrior(
        num_points=128,
        dimensions=8,
        num_clusters=3,
        num_clusters_weights=(1, 2, 3),
        size_imbalance=0.5,
        rings_weight=2,
        skewed_columns_prob=0.1,
    )


@dataclass(frozen=True)
class Foreign:
    num_points: int = 3
    dimensions: int = 2
    num_clusters: int = 2


class Plain:
    num_points, dimensions, num_clusters = 3, 2, 2


def test_foreign_objects_are_described_but_not_made_again():
    sizes = {"num_points": 3, "dimensions": 2, "num_clusters": 2}
    assert describe(Foreign()) == {"kind": "Foreign", **sizes}
    assert describe(Plain()) == {"kind": "Plain", **sizes}
    assert from_description(describe(Foreign())) is None
    assert from_description({"kind": "GaussianTasks", "of another version": 1}) is None
