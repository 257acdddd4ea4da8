"""Training the head for the number of clusters."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from l2c_jax.recurrent.config import ModelConfig
from l2c_jax.recurrent.learner import Learner, load_learner
from l2c_jax.recurrent.model import init
from l2c_jax.tabular.fit_count_head import CountHeadConfig, fit_count_head
from l2c_jax.tabular.model import load_tabular_model, save_tabular_model
from l2c_jax.tasks.base import Task

MODEL = ModelConfig(dimensions=2, num_clusters=3, hidden=(32,), condition_on_num_clusters=True)


def groups(key: jax.Array, most: int = 3) -> Task:
    """Tight groups far from each other: their number is easy to see."""
    key_count, key_points = jax.random.split(key)
    count = jax.random.randint(key_count, (), 1, most + 1)
    labels = jnp.arange(24) % count
    points = jnp.array([[0.0, 0.0], [5.0, 0.0], [0.0, 5.0]])[labels]
    noise = 0.1 * jax.random.normal(key_points, (24, 2))
    return Task(points + noise, labels, jnp.ones(24, bool))


class Groups:
    """A task distribution by duck typing."""

    num_points, dimensions, num_clusters = 24, 2, 3
    sample = staticmethod(groups)


def test_a_head_learns_to_count_and_shares_a_file_with_the_learner(tmp_path):
    learner = Learner(init(jax.random.key(0), MODEL), MODEL)
    config = CountHeadConfig(tasks=1000, epochs=60, batch=64, hidden=16, learning_rate=1e-2)
    model = fit_count_head(learner, Groups(), config, progress=False)
    assert model.learner.metadata.extra["count_head"]["exact"] > 0.7  # by chance 1/3
    path = tmp_path / "weights.safetensors"
    save_tabular_model(path, model)
    again = load_tabular_model(path)
    jax.tree.map(np.testing.assert_array_equal, again.count_head, model.count_head)
    jax.tree.map(np.testing.assert_array_equal, load_learner(path).params, learner.params)
    assert again.learner.metadata.extra["count_head"]["hidden"] == 16


def test_a_learner_without_an_input_for_k_gets_no_head():
    config = replace(MODEL, condition_on_num_clusters=False)
    learner = Learner(init(jax.random.key(0), config), config)
    with pytest.raises(ValueError, match="condition_on_num_clusters"):
        fit_count_head(learner, Groups(), CountHeadConfig(), progress=False)


@pytest.mark.parametrize("bad", [{"tasks": 5}, {"hidden": 0}, {"learning_rate": 0.0}])
def test_bad_configurations_are_refused(bad):
    with pytest.raises(ValueError, match="must be"):
        CountHeadConfig(**bad)
