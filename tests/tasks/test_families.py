"""Corruptions of columns do what their names say."""

import jax
import jax.numpy as jnp
import numpy as np
from scipy.stats import skew

from l2c_jax.tasks import families

POINTS = jax.random.normal(jax.random.key(0), (400, 6))
MASK = jnp.ones(400, bool)


def test_skewed_columns_have_a_long_tail_on_one_side():
    found = families.skewed_columns(jax.random.key(1), POINTS, MASK)
    assert (skew(found) > skew(POINTS)).all()


def test_discretized_columns_have_few_values():
    found = np.asarray(families.discretized_columns(jax.random.key(1), POINTS, MASK))
    values = [len(np.unique(column)) for column in found.T]
    assert 0 < sum(count < 30 for count in values) < 6
    assert all(count < 30 or count == 400 for count in values)


def test_the_first_column_is_never_irrelevant():
    for seed in range(5):
        found = families.irrelevant_columns(jax.random.key(seed), POINTS)
        np.testing.assert_array_equal(found[:, 0], POINTS[:, 0])


def test_few_points_become_outliers():
    found = families.outliers(jax.random.key(1), POINTS)
    moved = (np.asarray(found) != np.asarray(POINTS)).any(axis=1)
    assert moved.mean() < 0.15


def test_a_warp_keeps_shapes_and_stays_finite():
    found = families.warped(jax.random.key(1), 100 * POINTS)
    assert found.shape == POINTS.shape
    assert np.isfinite(found).all()
