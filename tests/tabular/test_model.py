"""A learner and its head in one file."""

from dataclasses import replace

import jax
import numpy as np
import pytest

from l2c_jax.recurrent.config import ModelConfig
from l2c_jax.recurrent.learner import Learner, Metadata, load_learner
from l2c_jax.recurrent.model import init
from l2c_jax.tabular.count_head import init_count_head
from l2c_jax.tabular.model import TabularModel, load_tabular_model, save_tabular_model
from l2c_jax.training.weights import WeightsError

CONFIG = ModelConfig(2, 3, (4,), condition_on_num_clusters=True)
LEARNER = Learner(init(jax.random.key(0), CONFIG), CONFIG, Metadata(minutes=2.0))
HEAD = init_count_head(jax.random.key(1), 2, 5, 3)


@pytest.mark.parametrize("head", [HEAD, None], ids=["with a head", "without"])
def test_a_model_comes_back_from_its_file(head, tmp_path):
    path = tmp_path / "weights.safetensors"
    save_tabular_model(path, TabularModel(LEARNER, head))
    found = load_tabular_model(path)
    jax.tree.map(np.testing.assert_array_equal, found.count_head, head)
    jax.tree.map(np.testing.assert_array_equal, found.learner.params, LEARNER.params)
    assert found.learner.config == CONFIG
    assert found.learner.metadata.minutes == 2.0
    jax.tree.map(np.testing.assert_array_equal, load_learner(path).params, LEARNER.params)


def test_a_model_is_a_pytree():
    model = TabularModel(LEARNER, HEAD)
    double = jax.tree.map(lambda leaf: 2 * leaf, model)
    np.testing.assert_array_equal(double.count_head.hidden_kernel, 2 * HEAD.hidden_kernel)
    assert double.learner.config == CONFIG


def test_a_head_of_another_size_is_refused(tmp_path):
    path = tmp_path / "weights.safetensors"
    other = replace(CONFIG, num_clusters=2)
    learner = Learner(init(jax.random.key(0), other), other)
    save_tabular_model(path, TabularModel(learner, HEAD))
    with pytest.raises(WeightsError, match="expected count_head"):
        load_tabular_model(path)
