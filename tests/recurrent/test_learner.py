"""The file of a trained learner."""

import json
import math
from dataclasses import replace

import jax
import numpy as np
import pytest

from l2c_jax.recurrent.learner import (
    KIND,
    Learner,
    load_learner,
    save_learner,
    shipped,
    without_head,
)
from l2c_jax.recurrent.model import ModelConfig, init
from l2c_jax.training import weights
from l2c_jax.training.weights import WeightsError

MODEL = ModelConfig(dimensions=3, num_clusters=4, hidden=(5, 6), feedback=False, logit_scale=2.5)
STORY = {"training": {"seed": 7, "passes": 2}, "error": {"mean": 0.1}}


def a_learner() -> Learner:
    return Learner(init(jax.random.key(0), MODEL), MODEL, dict(STORY))


@pytest.fixture
def file(tmp_path):
    save_learner(tmp_path / "learner.safetensors", a_learner())
    return tmp_path / "learner.safetensors"


def test_learner_comes_back(file):
    back = load_learner(file)
    assert back.model == MODEL
    assert hash(back.model) == hash(MODEL)  # so that it can be a static argument
    jax.tree.map(np.testing.assert_array_equal, back.params, a_learner().params)


def test_header_tells_the_story(file):
    header = weights.read_header(file)
    assert header["kind"] == KIND == "recurrent"
    assert header["model"]["hidden"] == [5, 6]
    assert {"python", "jax", "jaxlib", "numpy", "l2c_jax"} <= header["versions"].keys()
    assert STORY.items() <= header.items()
    assert load_learner(file).header == header


def test_saving_leaves_the_learner_as_it_was(tmp_path):
    learner = a_learner()
    save_learner(tmp_path / "w", learner)
    assert learner.header == STORY


def test_loaded_learner_can_be_saved_again(file, tmp_path):
    save_learner(tmp_path / "copy", load_learner(file))
    assert weights.read_header(tmp_path / "copy") == weights.read_header(file)


def rewritten(file, **changes):
    """The same arrays under a changed header."""
    header = {**weights.read_header(file), **changes}
    weights.save(file, a_learner().params, header)
    return file


def with_model(file, **changes):
    return rewritten(file, model={**weights.read_header(file)["model"], **changes})


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
        load_learner(rewritten(file, model=model))
    assert str(file) in str(error.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"hidden": [5.5, 6]},
        {"dimensions": 2.5},
        {"num_clusters": "4"},
        {"logit_scale": None},
        {"logit_scale": math.nan},
        {"frame": "polar"},
    ],
    ids=["hidden", "dimensions", "num_clusters", "no scale", "scale is nan", "frame"],
)
def test_header_with_a_model_of_wrong_types_is_refused(file, changes):
    with pytest.raises(WeightsError):
        load_learner(with_model(file, **changes))


def test_missing_learner_is_refused(tmp_path):
    with pytest.raises(WeightsError, match="no such weight file"):
        load_learner(tmp_path / "nothing")


def test_every_shipped_learner_loads_by_name():
    for name, path in shipped().items():
        if weights.read_header(path)["kind"] == KIND:
            assert jax.tree.leaves(load_learner(name).params)


def test_without_head_is_the_learner_before_it_got_one(tmp_path):
    model = replace(MODEL, given_clusters=True, count_hidden=3)
    learner = Learner(init(jax.random.key(0), model), model, {**STORY, "count": {"exact": 0.5}})
    before = without_head(learner)
    assert before.model == replace(model, count_hidden=0)
    assert before.header == STORY
    jax.tree.map(np.testing.assert_array_equal, before.params.layers, learner.params.layers)
    assert jax.tree.structure(before.params) == jax.tree.structure(
        init(jax.random.key(0), before.model)
    )
    assert learner.params.head is not None
    save_learner(tmp_path / "w", before)
    assert load_learner(tmp_path / "w").model == before.model
