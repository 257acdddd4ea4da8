"""Separation of clusters along Fisher's discriminant."""

import jax
import jax.numpy as jnp
import numpy as np

from l2c_jax.tabular.separation import FARTHEST, NO_GAP, separation, solve

POINTS = np.random.default_rng(0).normal(size=(40, 2)).astype(np.float32)


def test_a_cluster_cut_in_two_has_no_valley():
    wide = np.concatenate([POINTS, POINTS + np.array([8, 0])])
    wide = wide - wide.mean(axis=0)
    apart = jax.nn.one_hot(jnp.arange(80) // 40, 3)
    cut = jax.nn.one_hot(jnp.where(jnp.arange(80) < 40, 0, 1 + (wide[:, 1] > 0)), 3)
    clear, halved = separation(wide, apart, 2), separation(wide, cut, 3)
    assert clear[0] < 0.05 < 0.5 < halved[0]
    assert halved[1] < halved[0]
    assert clear[2] > halved[2]


def test_the_distance_is_that_of_mahalanobis():
    labels = jnp.arange(40) % 2
    moved = POINTS + 3 * np.asarray(labels)[:, None]
    one, other = moved[::2], moved[1::2]
    pooled = (np.cov(one.T, bias=True) + np.cov(other.T, bias=True)) / 2
    gap = one.mean(axis=0) - other.mean(axis=0)
    expected = 0.5 * np.log(gap @ np.linalg.inv(pooled) @ gap)
    found = separation(moved, jax.nn.one_hot(labels, 2), 2)[2]
    np.testing.assert_allclose(found, expected, atol=5e-3)


def test_one_cluster_and_clusters_without_points():
    all_one = jax.nn.one_hot(jnp.zeros(40, int), 3)
    np.testing.assert_allclose(separation(POINTS, all_one, 1), [0, 0, np.log(FARTHEST)], rtol=1e-6)
    assert separation(POINTS, all_one, 2)[0] == NO_GAP
    single = separation(POINTS, jnp.ones((40, 1)), 1)
    np.testing.assert_allclose(single, [0, 0, np.log(FARTHEST)], rtol=1e-6)


def test_solve_is_the_solution_also_under_vmap():
    roots = np.random.default_rng(1).normal(size=(6, 4, 4)).astype(np.float32)
    matrices = roots @ roots.transpose(0, 2, 1) + np.eye(4, dtype=np.float32)
    vectors = np.random.default_rng(2).normal(size=(6, 4)).astype(np.float32)
    expected = np.linalg.solve(matrices, vectors[..., None])[..., 0]
    np.testing.assert_allclose(solve(matrices, vectors), expected, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(jax.vmap(solve)(matrices, vectors), expected, rtol=1e-3, atol=1e-4)
