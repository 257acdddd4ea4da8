"""The head that guesses the number of clusters."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from l2c_jax.recurrent.count import count_features, count_log_probabilities, init_count
from l2c_jax.recurrent.fit_count import CountConfig, fit_count
from l2c_jax.recurrent.learner import Learner, load_learner, save_learner
from l2c_jax.recurrent.model import ModelConfig, init
from l2c_jax.tasks.task import Task

MODEL = ModelConfig(dimensions=2, num_clusters=3, hidden=(32,), given_clusters=True)


def groups(key: jax.Array, most: int = 3) -> Task:
    """Tight groups far from each other: their number is easy to see."""
    key_count, key_points = jax.random.split(key)
    count = jax.random.randint(key_count, (), 1, most + 1)
    labels = jnp.arange(24) % count
    points = jnp.array([[0.0, 0.0], [5.0, 0.0], [0.0, 5.0]])[labels]
    noise = 0.1 * jax.random.normal(key_points, (24, 2))
    return Task(points + noise, labels, jnp.ones(24, bool))


def test_the_numbering_of_the_clusters_does_not_matter():
    answer = jax.nn.softmax(jax.random.normal(jax.random.key(0), (7, 4)), axis=1)
    mask = jnp.arange(7) < 5
    state = jnp.ones((3, 2))
    one = count_features(state, answer, mask)
    other = count_features(state, answer[:, jnp.array([2, 0, 3, 1])], mask)
    np.testing.assert_allclose(one, other, atol=1e-6)


def test_masked_points_do_not_matter():
    answer = jax.nn.softmax(jax.random.normal(jax.random.key(0), (7, 4)), axis=1)
    mask, state = jnp.arange(7) < 5, jnp.ones((3, 2))
    changed = answer.at[5:].set(0.25)
    np.testing.assert_allclose(
        count_features(state, answer, mask), count_features(state, changed, mask), atol=1e-6
    )


def test_probabilities_sum_to_one():
    head = init_count(jax.random.key(0), units=3, hidden=5, num_clusters=4)
    features = jax.random.normal(jax.random.key(1), (2, 3 * 2 + 4 + 1))
    assert float(jnp.exp(count_log_probabilities(head, features)).sum()) == pytest.approx(
        1, abs=1e-5
    )


def test_a_head_learns_to_count_and_travels_with_the_weights(tmp_path):
    learner = Learner(init(jax.random.key(0), MODEL), MODEL, {})
    config = CountConfig(iterations=300, batch=32, hidden=16, learning_rate=1e-2)
    taught = fit_count(learner, groups, config, progress=False)
    assert taught.header["count"]["exact"] > 0.7  # by chance 1/3
    assert learner.params.head is None
    save_learner(tmp_path / "weights.safetensors", taught)
    again = load_learner(tmp_path / "weights.safetensors")
    jax.tree.map(np.testing.assert_array_equal, again.params, taught.params)
    assert again.model == replace(MODEL, count_hidden=16)


def test_a_learner_that_is_never_told_gets_no_head():
    model = replace(MODEL, given_clusters=False)
    learner = Learner(init(jax.random.key(0), model), model, {})
    with pytest.raises(ValueError, match="given_clusters"):
        fit_count(learner, groups, CountConfig(), progress=False)


@pytest.mark.parametrize("bad", [{"iterations": 0}, {"hidden": 0}, {"learning_rate": 0.0}])
def test_bad_configurations_are_refused(bad):
    with pytest.raises(ValueError, match="must be"):
        CountConfig(**bad)
