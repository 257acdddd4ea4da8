"""Files of learned similarities: round trips, files of release 1, refusals; the pytree."""

import jax
import numpy as np
import pytest

from l2c_jax.pairwise.backbones import MLP, VGGS, describe_backbone
from l2c_jax.pairwise.config import SimilarityConfig
from l2c_jax.pairwise.layers import Variables
from l2c_jax.pairwise.networks import init_similarity, pair_log_odds
from l2c_jax.pairwise.similarity import (
    Similarity,
    SimilarityMetadata,
    load_similarity,
    save_similarity,
)
from l2c_jax.training import weights
from l2c_jax.training.weights import WeightsError

SMALL = MLP(2, (4, 3))
METADATA = SimilarityMetadata(
    training=SimilarityConfig(lr_milestones=(0.5,)),
    data="6c4e2b07473fce2d",
    iterations=7,
    minutes=1.8,
    provenance={"commit": "a2c8f28baa37", "device": "cpu x1"},
    versions={"jax": "0.10.2"},
    extra={"note": "any"},
)


def random_variables(backbone):
    shapes = jax.eval_shape(lambda: init_similarity(jax.random.key(0), backbone))
    rng = np.random.default_rng(0)
    return jax.tree.map(lambda x: rng.normal(size=x.shape).astype(np.float32), shapes)


@pytest.mark.parametrize("backbone", [SMALL, VGGS(size=16, width=1 / 64, mean=0.5)])
def test_a_similarity_comes_back_bit_for_bit(backbone, tmp_path):
    similarity = Similarity(random_variables(backbone), backbone, METADATA)
    save_similarity(tmp_path / "g.safetensors", similarity)
    back = load_similarity(tmp_path / "g.safetensors")
    assert (back.backbone, back.metadata) == (backbone, METADATA)
    jax.tree.map(np.testing.assert_array_equal, back.variables, similarity.variables)


def test_a_file_of_release_1_is_read_by_its_old_names(tmp_path):
    variables = random_variables(SMALL)
    old = Variables(*({"trunk": part["backbone"], "head": part["head"]} for part in variables))
    names = set(weights.leaf_names(old))
    assert {"params.trunk.linear1.kernel", "batch_stats.trunk.norm2.var"} < names
    training = {"iterations": 2000, "classes": 10, "per_class": 10, "learning_rate": 0.001}
    training |= {"drops": [0.6, 0.8], "crop": [0.85, 1.0], "seed": 0, "log_every": 10}
    header = {
        "kind": "similarity",
        "trunk": {"name": "MLP", "columns": 2, "hidden": [4, 3]},
        "training": {**training, "checkpoint_every": 500},
        "data": "6c4e2b07473fce2d",
        "commit": "a2c8f28baa37",
        "device": "cpu x1",
        "versions": {"jax": "0.10.2"},
        "iterations": 2000,
        "minutes": 1.8,
    }
    weights.save(tmp_path / "g.safetensors", old, header)
    back = load_similarity(tmp_path / "g.safetensors")
    assert back.backbone == SMALL
    jax.tree.map(np.testing.assert_array_equal, back.variables, variables)
    config = SimilarityConfig(2000, classes=10, per_class=10, lr_milestones=(0.6, 0.8))
    assert back.metadata.training == config
    assert back.metadata.provenance == {"commit": "a2c8f28baa37", "device": "cpu x1"}
    assert (back.metadata.iterations, back.metadata.extra) == (2000, {})


def test_a_similarity_is_a_pytree_that_jit_takes():
    similarity = Similarity(random_variables(SMALL), SMALL, METADATA)

    @jax.jit
    def log_odds(g, points):
        return pair_log_odds(g.variables, points, backbone=g.backbone, train=False)[0]

    points = np.random.default_rng(1).normal(size=(5, 2)).astype(np.float32)
    half = jax.tree.map(lambda x: x / 2, similarity)
    assert half.metadata == METADATA
    assert log_odds(similarity, points).shape == (5, 5)
    assert (log_odds(half, points) != log_odds(similarity, points)).any()


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ({"kind": "recurrent"}, "expected weights of kind \"similarity\", found 'recurrent'"),
        ({"kind": "similarity"}, "expected the configuration of a backbone, found None"),
        ({"kind": "similarity", "backbone": {"name": "ResNet"}}, "ResNet"),
        ({"kind": "similarity", "backbone": {"name": "MLP", "columns": 0}}, "at least 1"),
        ({"kind": "similarity", "backbone": {"name": "MLP", "width": 3}}, "unexpected keyword"),
        ({"kind": "similarity", "backbone": describe_backbone(SMALL)}, "expected arrays"),
        ({"kind": "similarity", "trunk": describe_backbone(SMALL)}, "expected arrays"),
        (
            {"kind": "similarity", "backbone": describe_backbone(SMALL), "training": {"a": 1}},
            "expected the configuration of a training",
        ),
    ],
)
def test_files_without_a_similarity_are_refused(header, message, tmp_path):
    weights.save(tmp_path / "other.safetensors", {"a": np.zeros(3)}, header)
    with pytest.raises(WeightsError, match=message):
        load_similarity(tmp_path / "other.safetensors")
