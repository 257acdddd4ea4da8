"""Files of release 1 are read by their old names."""

import jax
import numpy as np

from l2c_jax.recurrent import release1
from l2c_jax.recurrent.config import ModelConfig
from l2c_jax.recurrent.learner import (
    KIND,
    load_learner,
)
from l2c_jax.recurrent.model import init
from l2c_jax.training import weights


def test_files_of_release_1_are_read_by_their_old_names(tmp_path):
    config = ModelConfig(
        3,
        2,
        (4,),
        "slots",
        logit_scale=1.0,
        condition_on_num_clusters=True,
        preprocessing="clipped",
    )
    params = init(jax.random.key(0), config)
    old_names = {new: old for old, new in release1.LEAVES.items()}
    named = dict(zip(weights.leaf_names(params), jax.tree.leaves(params), strict=True))
    header = {
        "kind": KIND,
        "model": {
            **{"dimensions": 3, "num_clusters": 2, "hidden": [4], "memory": "cluster"},
            **{"feedback": True, "frame": "winsorised", "logit_scale": 1.0},
            **{"given_clusters": True, "count_hidden": 0},
        },
        "training": {
            "passes": 3,
            "lam": 0.5,
            "labels": "matched",
            "update": "pass",
            "untold": 0.1,
        },
        "commit": "abc",
        "error": {"mean": 0.2},
        "pool": "0123",
    }
    path = tmp_path / "old.safetensors"
    weights.save(path, {old_names[name]: leaf for name, leaf in named.items()}, header)
    learner = load_learner(path)
    assert learner.config == config
    jax.tree.map(np.testing.assert_array_equal, learner.params, params)
    training = learner.metadata.training
    assert (training.epochs, training.label_assignment, training.update) == (
        *(3, "hungarian"),
        "epoch",
    )
    assert (training.classification_weight, training.k_dropout) == (0.5, 0.1)
    assert learner.metadata.provenance["commit"] == "abc"
    assert learner.metadata.extra["pool"] == "0123"
