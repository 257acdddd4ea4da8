"""Corruptions of columns do what their names say."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import skew

from l2c_jax.tasks import corruptions
from l2c_jax.tasks.numbers import with_numbers

POINTS = jax.random.normal(jax.random.key(0), (400, 6))
LABELS = jnp.arange(400) % 3
MASK = jnp.ones(400, bool)


def changed(name, *arguments, seed=1, points=POINTS):
    corruption = partial(getattr(corruptions, name), points=points)

    def call(numbers):
        return getattr(corruptions, name)(numbers, points, *arguments)

    assert corruption.func.__doc__
    return np.asarray(with_numbers(jax.random.key(seed), call))


def test_skewed_columns_have_a_long_tail_on_one_side():
    assert (skew(changed("skewed_columns", MASK)) > skew(POINTS)).all()


def test_discretized_columns_have_few_values():
    found = changed("discretized_columns", MASK)
    values = [len(np.unique(column)) for column in found.T]
    assert 0 < sum(count < 30 for count in values) < 6
    assert all(count < 30 or count == 400 for count in values)


def test_the_first_column_is_never_irrelevant():
    for seed in range(5):
        found = changed("irrelevant_columns", seed=seed)
        np.testing.assert_array_equal(found[:, 0], POINTS[:, 0])


def test_few_points_become_outliers():
    moved = (changed("outliers") != np.asarray(POINTS)).any(axis=1)
    assert moved.mean() < 0.15


@pytest.mark.parametrize("seed", range(4))
def test_a_warp_keeps_shapes_and_stays_finite(seed):
    found = changed("warped", LABELS, 3, points=100 * POINTS, seed=seed)
    assert found.shape == POINTS.shape
    assert np.isfinite(found).all()


def test_some_warps_depend_on_the_class():
    same = jnp.broadcast_to(POINTS[:1], POINTS.shape)
    moved = [changed("warped", LABELS, 3, points=same, seed=seed) for seed in range(12)]
    kinds = {len(np.unique(found.round(4), axis=0)) for found in moved}
    assert kinds == {1, 3}


def test_categorical_columns_are_indicators_that_depend_on_the_class():
    strongest, replaced = 0.0, 0
    for seed in range(25):
        found = changed("categorical_columns", LABELS, 3, seed=seed)
        for column in found.T:
            values = np.unique(column)
            if len(values) > 2:
                continue
            assert set(values) <= {0.0, 1.0}
            replaced += 1
            shares = [column[np.asarray(LABELS) == label].mean() for label in range(3)]
            strongest = max(strongest, max(shares) - min(shares))
    assert 0 < replaced < 150
    assert strongest > 0.5
