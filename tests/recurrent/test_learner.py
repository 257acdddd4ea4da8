"""The file of a trained learner."""

import json
import math
from dataclasses import replace

import jax
import numpy as np
import pytest

from l2c_jax.recurrent.config import ModelConfig, TrainConfig
from l2c_jax.recurrent.learner import (
    KIND,
    Learner,
    Metadata,
    load_learner,
    pretrained_weights,
    save_learner,
)
from l2c_jax.recurrent.model import init
from l2c_jax.training import weights
from l2c_jax.training.checkpoints import Checkpoints
from l2c_jax.training.weights import WeightsError

MODEL = ModelConfig(dimensions=3, num_clusters=4, hidden=(5, 6), feedback=False, logit_scale=2.5)
METADATA = Metadata(
    training=TrainConfig(seed=7, epochs=3), error={"mean": 0.1}, extra={"card": {"limits": []}}
)


def a_learner() -> Learner:
    return Learner(init(jax.random.key(0), MODEL), MODEL, METADATA)


@pytest.fixture
def file(tmp_path):
    save_learner(tmp_path / "learner.safetensors", a_learner())
    return tmp_path / "learner.safetensors"


def test_learner_comes_back(file):
    back = load_learner(file)
    assert back.config == MODEL
    assert hash(back.config) == hash(MODEL)  # so that it can be a static argument
    jax.tree.map(np.testing.assert_array_equal, back.params, a_learner().params)


def test_the_header_holds_configuration_and_metadata(file):
    header = weights.read_header(file)
    assert header["kind"] == KIND == "recurrent"
    assert header["config"]["hidden"] == [5, 6]
    assert {"python", "jax", "jaxlib", "numpy", "l2c_jax"} <= header["versions"].keys()
    assert header["training"]["epochs"] == 3
    metadata = load_learner(file).metadata
    assert metadata == replace(METADATA, versions=header["versions"])
    assert hash(metadata) == hash(replace(METADATA, versions=header["versions"]))


def test_loaded_learner_can_be_saved_again(file, tmp_path):
    save_learner(tmp_path / "copy", load_learner(file))
    assert weights.read_header(tmp_path / "copy") == weights.read_header(file)


def test_a_learner_is_a_pytree():
    learner = a_learner()
    double = jax.tree.map(lambda leaf: 2 * leaf, learner)
    assert double.config == learner.config
    assert double.metadata == learner.metadata
    np.testing.assert_array_equal(
        double.params.layers[0].bias, 2 * np.asarray(learner.params.layers[0].bias)
    )
    total = jax.jit(lambda one: sum(leaf.sum() for leaf in jax.tree.leaves(one)))(learner)
    assert np.isfinite(total)
    stacked = jax.tree.map(lambda *leaves: np.stack(leaves), learner, double)
    assert jax.vmap(lambda one: one.params.layers[0].bias)(stacked).shape == (2, 20)


def test_orbax_takes_a_learner(tmp_path):
    kept = Checkpoints(tmp_path / "checkpoints")
    kept.save(1, a_learner())
    back = kept.restore(1, a_learner())
    kept.close()
    assert back.config == MODEL
    jax.tree.map(np.testing.assert_array_equal, back.params, a_learner().params)


def rewritten(file, **changes):
    """The same arrays under a changed header."""
    header = {**weights.read_header(file), **changes}
    weights.save(file, a_learner().params, header)
    return file


def with_model(file, **changes):
    return rewritten(file, config={**weights.read_header(file)["config"], **changes})


@pytest.mark.parametrize("kind", ["pairwise", None, 3])
def test_other_kind_is_refused(file, kind):
    with pytest.raises(WeightsError, match=f'expected weights of kind "{KIND}", found') as error:
        load_learner(rewritten(file, kind=kind))
    assert str(file) in str(error.value)


@pytest.mark.parametrize(
    "changes",
    [{"num_clusters": 5}, {"dimensions": 2}, {"hidden": [5, 7]}, {"feedback": True}],
    ids=lambda changes: next(iter(changes)),
)
def test_header_that_does_not_fit_the_arrays_is_refused(file, changes):
    with pytest.raises(WeightsError, match=r"expected layers\.\d\.\w+ of shape .*, found"):
        load_learner(with_model(file, **changes))


def test_other_number_of_layers_is_refused(file):
    with pytest.raises(WeightsError, match="expected arrays"):
        load_learner(with_model(file, hidden=[5, 6, 6]))


@pytest.mark.parametrize(
    "model",
    [None, {}, [], "text", {"hidden": 3}, {"hidden": [5, 6], "unknown": 1}, {"hidden": []}],
    ids=json.dumps,
)
def test_header_without_a_model_is_refused(file, model):
    with pytest.raises(WeightsError, match="expected a model configuration of") as error:
        load_learner(rewritten(file, config=model))
    assert str(file) in str(error.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"hidden": [5.5, 6]},
        {"dimensions": 2.5},
        {"num_clusters": "4"},
        {"logit_scale": None},
        {"logit_scale": math.nan},
        {"preprocessing": "polar"},
    ],
    ids=["hidden", "dimensions", "num_clusters", "no scale", "scale is nan", "preprocessing"],
)
def test_header_with_a_model_of_wrong_types_is_refused(file, changes):
    with pytest.raises(WeightsError):
        load_learner(with_model(file, **changes))


def test_missing_learner_is_refused(tmp_path):
    with pytest.raises(WeightsError, match="no such weight file"):
        load_learner(tmp_path / "nothing")


def test_every_shipped_learner_loads_by_name():
    for name, path in pretrained_weights().items():
        if weights.read_header(path)["kind"] == KIND:
            assert jax.tree.leaves(load_learner(name).params)
