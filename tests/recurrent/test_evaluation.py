"""Batches of tasks with known labels."""

import numpy as np

from l2c_jax.recurrent.evaluation import oracle_labels, sample_with_oracle, score_tasks
from l2c_jax.tasks import BroadPrior, GaussianTasks

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
