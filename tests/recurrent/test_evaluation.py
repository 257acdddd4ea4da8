"""Batches of tasks with known labels."""

import jax
import jax.numpy as jnp
import numpy as np

from l2c_jax.recurrent.config import InferenceConfig, ModelConfig
from l2c_jax.recurrent.evaluation import (
    oracle_labels,
    predict_tasks,
    sample_with_oracle,
    score_tasks,
)
from l2c_jax.recurrent.learner import Learner
from l2c_jax.recurrent.model import init
from l2c_jax.tasks import BroadPrior, GaussianTasks, Task

FAR = GaussianTasks(num_points=20, min_points=12, num_swirls=0, theta=50.0, alpha=5.0)


def test_the_oracle_labels_separated_clusters_without_error():
    tasks, mixtures = sample_with_oracle(FAR, 3, 5)
    scores = score_tasks(tasks, oracle_labels(tasks, mixtures))
    assert scores["error"].shape == (5,)
    assert scores["error"].max() == 0
    assert scores["ARI"].min() == 1


def test_masked_points_are_not_scored():
    tasks, mixtures = sample_with_oracle(FAR, 3, 5)
    labels = np.where(tasks.mask, oracle_labels(tasks, mixtures), 1)
    assert score_tasks(tasks, labels)["error"].max() == 0


def test_other_distributions_have_no_oracle():
    prior = BroadPrior(
        num_points=16, min_points=12, dimensions=2, num_clusters=2, num_clusters_weights=(1, 1)
    )
    tasks, mixtures = sample_with_oracle(prior, 0, 2)
    assert tasks.points.shape == (2, 16, 2)
    assert mixtures is None


def test_a_batch_of_tasks_is_labelled_with_the_true_numbers():
    model = ModelConfig(
        dimensions=2, num_clusters=4, hidden=(5, 5), condition_on_num_clusters=True
    )
    loud = jax.tree.map(lambda leaf: 4 * leaf, init(jax.random.key(0), model))
    learner = Learner(loud, model)
    points = np.random.default_rng(2).normal(size=(3, 20, 2)).astype(np.float32)
    labels = np.random.default_rng(2).integers(0, [[2], [3], [1]], size=(3, 20))
    tasks = Task(jnp.array(points), jnp.array(labels), jnp.ones((3, 20), bool))
    config = InferenceConfig(orders=2)
    found = predict_tasks(learner, jax.random.key(0), tasks, config=config)
    assert found.shape == (3, 20, 4)
    np.testing.assert_allclose(found.sum(axis=2), 1, rtol=1e-5)
    for probabilities, count in zip(np.array(found), (2, 3, 1), strict=True):
        assert probabilities[:, count:].max() == 0
    free = predict_tasks(
        learner, jax.random.key(0), tasks, config=config, num_clusters_given=False
    )
    assert free.min() > 0
    assert abs(free - free[:, :1]).max() > 0  # it read the points
