"""Modes of a cloud of points, and separation between clusters."""

from itertools import pairwise

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.cluster.hierarchy import linkage
from scipy.spatial.distance import pdist, squareform

from l2c_jax.tabular.persistence import NEAREST, mode_prominences

POINTS = np.random.default_rng(0).normal(size=(40, 2)).astype(np.float32)


def by_linkage(points: np.ndarray, neighbours: int) -> list[float]:
    """Prominences by SciPy's single linkage of mutual reachabilities, as the definition says."""
    away = np.maximum(squareform(pdist(points)), NEAREST)
    core = np.sort(away, axis=1)[:, neighbours]
    reach = np.maximum(away, np.maximum(core[:, None], core[None]))
    np.fill_diagonal(reach, 0)
    densest = dict(enumerate(core))
    found = []
    for step, (one, other, height, _) in enumerate(linkage(squareform(reach), "single")):
        found.append(np.log(height) - np.log(max(densest[one], densest[other])))
        densest[len(points) + step] = min(densest[one], densest[other])
    return sorted(found, reverse=True)


@pytest.mark.optimized
@pytest.mark.parametrize("neighbours", [3, 8])
def test_prominences_are_those_of_single_linkage(neighbours):
    found = mode_prominences(POINTS, jnp.ones(40, bool), neighbors=neighbours, most=10)
    np.testing.assert_allclose(found[0], by_linkage(POINTS, neighbours)[:10], atol=1e-4)


def test_points_that_are_not_there_change_nothing():
    padded = jnp.concatenate([POINTS, jnp.zeros((9, 2))])
    there = jnp.arange(49) < 40
    alone = mode_prominences(POINTS, jnp.ones(40, bool), neighbors=3, most=5)
    np.testing.assert_allclose(
        mode_prominences(padded, there, neighbors=3, most=5), alone, atol=1e-6
    )


def test_groups_far_apart_stand_out_and_hold_their_points():
    groups = np.concatenate([POINTS[:20] * 0.1, POINTS[20:32] * 0.1 + 3, POINTS[32:] * 0.1 - 3])
    found = np.asarray(mode_prominences(groups, jnp.ones(40, bool), neighbors=3, most=6))
    assert (found[0, :2] > 1.5).all()
    assert found[0, 2] < 1
    assert sorted(found[1, :2].round(3)) in ([0.2, 0.3], [0.2, 0.5], [0.3, 0.5])
    assert all(first >= second for first, second in pairwise(found[0]))


@pytest.mark.parametrize("count", [0, 1, 3])
def test_too_few_points_have_no_modes(count):
    found = mode_prominences(POINTS[:6], jnp.arange(6) < count, neighbors=3, most=4)
    np.testing.assert_array_equal(found, jnp.zeros((2, 4)))


def test_equal_points_give_finite_numbers():
    found = mode_prominences(jnp.zeros((8, 2)), jnp.ones(8, bool), neighbors=3, most=12)
    assert found.shape == (2, 12)
    np.testing.assert_array_equal(found, jnp.zeros((2, 12)))
