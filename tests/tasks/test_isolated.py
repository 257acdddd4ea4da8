"""Isolated clusters: sound tasks, as far apart as they say."""

from dataclasses import replace

import jax
import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from l2c_jax.tasks.base import TaskDistribution
from l2c_jax.tasks.isolated import IsolatedTasks

TASKS = IsolatedTasks(num_points=300, min_points=200, dimensions=4)


def drawn(count=12, **fields):
    tasks = replace(TASKS, **fields)
    found = jax.jit(jax.vmap(tasks.sample))(jax.random.split(jax.random.key(0), count))
    return list(zip(*jax.tree.map(np.asarray, found), strict=True))


def test_they_are_sound_tasks():
    assert isinstance(TASKS, TaskDistribution)
    numbers = set()
    for points, labels, mask in drawn():
        assert np.isfinite(points).all()
        assert not points[~mask].any()
        assert 200 <= mask.sum() <= 300
        used, sizes = np.unique(labels[mask], return_counts=True)
        assert used.tolist() == list(range(len(used)))
        assert sizes.min() >= 4
        numbers.add(len(used))
        deviations = points[mask].std(axis=0)
        np.testing.assert_allclose(deviations[deviations > 0], 1, atol=1e-3)
    assert 1 in numbers
    assert max(numbers) > 2


def test_neighbors_share_a_label_and_rare_clusters_are_rare():
    rare = 0
    for points, labels, mask in drawn(one_prob=0.0, rare_prob=1.0, separation=(20.0, 40.0)):
        flat, truth = points[mask], labels[mask]
        nearest = KNeighborsClassifier(2).fit(flat, truth).predict(flat)
        assert (nearest == truth).mean() > 0.99
        rare += np.bincount(truth).min() < 0.05 * len(truth)
    assert rare > 8


def test_one_cluster_is_one_cluster():
    assert not any(labels.any() for _, labels, _ in drawn(one_prob=1.0))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"min_points": 20}, "min_points"),
        ({"num_points": 100}, "num_points"),
        ({"dimensions": 0}, "dimensions"),
        ({"one_prob": 1.5}, "one_prob"),
        ({"separation": (2.0, 1.0)}, "separation"),
    ],
)
def test_what_makes_no_sense_is_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        replace(TASKS, **fields)
