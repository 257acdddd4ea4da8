"""A learner and its judge in one file."""

from dataclasses import replace

import jax
import numpy as np
import pytest

from l2c_jax.recurrent.config import ModelConfig
from l2c_jax.recurrent.learner import Learner, Metadata, load_learner
from l2c_jax.recurrent.model import init
from l2c_jax.tabular.judge import init_judge
from l2c_jax.tabular.model import TabularModel, load_tabular_model, save_tabular_model
from l2c_jax.training.weights import WeightsError

CONFIG = ModelConfig(2, 3, (4,), condition_on_num_clusters=True)
LEARNER = Learner(init(jax.random.key(0), CONFIG), CONFIG, Metadata(minutes=2.0))
JUDGE = init_judge(jax.random.key(1), 2, 3, 5)


@pytest.mark.parametrize("judge", [JUDGE, None], ids=["with a judge", "without"])
def test_a_model_comes_back_from_its_file(judge, tmp_path):
    path = tmp_path / "weights.safetensors"
    save_tabular_model(path, TabularModel(LEARNER, judge))
    found = load_tabular_model(path)
    jax.tree.map(np.testing.assert_array_equal, found.judge, judge)
    jax.tree.map(np.testing.assert_array_equal, found.learner.params, LEARNER.params)
    assert found.learner.config == CONFIG
    assert found.learner.metadata.minutes == 2.0
    jax.tree.map(np.testing.assert_array_equal, load_learner(path).params, LEARNER.params)


def test_a_model_is_a_pytree():
    model = TabularModel(LEARNER, JUDGE)
    double = jax.tree.map(lambda leaf: 2 * leaf, model)
    np.testing.assert_array_equal(double.judge.quality.kernel_1, 2 * JUDGE.quality.kernel_1)
    assert double.learner.config == CONFIG


def test_a_judge_of_another_size_is_refused(tmp_path):
    path = tmp_path / "weights.safetensors"
    other = replace(CONFIG, num_clusters=2)
    learner = Learner(init(jax.random.key(0), other), other)
    save_tabular_model(path, TabularModel(learner, JUDGE))
    with pytest.raises(WeightsError, match="expected judge"):
        load_tabular_model(path)
