"""Points whose distances have or get what the axioms speak of, as the experiment makes them."""

import itertools
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial.distance import pdist, squareform

from experiments.lib.evaluation import learned_labels
from experiments.meta_clustering.axioms.checks import same_partition
from experiments.meta_clustering.axioms.linkage import single_linkage
from experiments.meta_clustering.axioms.points import (
    adapted_labels,
    distances_of,
    separated,
    spread,
    targets,
)
from l2c_jax.recurrent.config import ModelConfig, TrainConfig
from l2c_jax.recurrent.learner import Learner, Metadata
from l2c_jax.recurrent.model import init
from l2c_jax.tasks.base import Task


@pytest.mark.parametrize("clusters", [1, 2, 3])
def test_spread_points_are_a_consistent_change(clusters):
    rng = np.random.default_rng(clusters)
    points, labels = rng.normal(size=(30, 2)).astype(np.float32), np.arange(30) % clusters
    moved = spread(points, labels, 0.8)
    before, after = (squareform(pdist(np.asarray(p, np.float64))) for p in (points, moved))
    for i, j in itertools.combinations(range(30), 2):
        if labels[i] == labels[j]:
            assert after[i, j] <= before[i, j]
        else:
            assert after[i, j] >= before[i, j]
    np.testing.assert_allclose(distances_of(points), before, rtol=1e-12)


def test_clusters_that_cannot_move_apart_are_refused():
    with pytest.raises(ValueError, match="the same mean"):
        spread(np.array([[-1.0], [1.0], [-2.0], [2.0]]), np.array([0, 0, 1, 1]), 0.5)


def test_targets_are_two_clusters_and_gaussians_realise_them():
    for wanted in targets(0, 50, 12).values():
        assert wanted.shape == (50, 12)
        assert all(set(labels) == {0, 1} for labels in wanted)
        for labels, points in zip(wanted, separated(wanted, 100.0, 0), strict=True):
            found = single_linkage(num_clusters=2)(distances_of(points))
            assert same_partition(labels, found)


def test_the_adapted_learner_of_the_same_points_is_algorithm_2():
    model = ModelConfig(hidden=(4,))
    params = jax.tree.map(
        lambda leaf: 9 * leaf, init(jax.random.key(0), model)
    )  # scores far from 0
    learner = Learner(params, model, Metadata(training=TrainConfig()))
    points = np.random.default_rng(0).normal(size=(2, 9, 2)).astype(np.float32)
    tasks = Task(jnp.array(points), jnp.zeros((2, 9), int), jnp.ones((2, 9), bool))
    expected = learned_labels(learner, tasks, seed=3, orders=2)
    assert set(expected.ravel().tolist()) == {0, 1}
    adapted = partial(adapted_labels, learner, points, seed=3, orders=2)
    np.testing.assert_array_equal(adapted(points), expected)
    elsewhere = 4 * points + 1  # removed by its own preprocessing, not by that of the first points
    np.testing.assert_array_equal(adapted(elsewhere, own_preprocessing=True), expected)
    assert (adapted(elsewhere) != expected).any()
