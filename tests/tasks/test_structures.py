"""Planar structures: sound tasks, the numbers of clusters that the kinds allow."""

from dataclasses import replace

import jax
import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score
from sklearn.neighbors import KNeighborsClassifier

from l2c_jax.tasks.base import TaskDistribution
from l2c_jax.tasks.structures import STRUCTURES, StructureTasks

TASKS = StructureTasks(num_points=200, min_points=120)


def drawn(name, count=8, **fields):
    weights = tuple(float(other == name) for other in STRUCTURES)
    tasks = replace(TASKS, weights=weights, **fields)
    found = jax.jit(jax.vmap(tasks.sample))(jax.random.split(jax.random.key(0), count))
    return jax.tree.map(np.asarray, found)


@pytest.mark.parametrize("name", STRUCTURES)
def test_structures_are_sound_tasks(name):
    tasks = drawn(name)
    for points, labels, mask in zip(*tasks, strict=True):
        assert np.isfinite(points).all()
        assert not points[~mask].any()
        assert not labels[~mask].any()
        assert 120 <= mask.sum() <= 200
        used, sizes = np.unique(labels[mask], return_counts=True)
        assert used.tolist() == list(range(len(used)))
        assert len(used) <= STRUCTURES[name][1]
        assert sizes.min() >= 2
        np.testing.assert_allclose(points[mask, :2].std(axis=0), 1, atol=1e-3)


@pytest.mark.parametrize("name", ["rings", "moons", "spirals", "squares", "far_blobs"])
def test_neighbors_share_a_label(name):
    scores = []
    for points, labels, mask in zip(*drawn(name, noise_prob=0.0, rare_prob=0.0), strict=True):
        flat, truth = points[mask, :2], labels[mask]
        nearest = KNeighborsClassifier(1).fit(flat[::2], truth[::2]).predict(flat[1::2])
        scores.append(adjusted_rand_score(truth[1::2], nearest))
    assert np.median(scores) > 0.9


def test_nothing_is_one_cluster():
    assert not drawn("nothing").labels.any()


def test_it_is_a_distribution_of_tasks():
    assert isinstance(TASKS, TaskDistribution)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"min_points": 4}, "min_points"),
        ({"dimensions": 1}, "dimensions"),
        ({"num_clusters": 12}, "2 to 9"),
        ({"weights": (1.0,)}, "one number a structure"),
    ],
)
def test_impossible_structures_are_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        replace(TASKS, **fields)
