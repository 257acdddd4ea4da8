"""The one standardizer, on the host and inside jit."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from l2c_jax.preprocessing.columns import (
    ColumnBounds,
    apply_bounds,
    fit_bounds,
    fit_columns,
    standardize,
    with_unit,
)


def test_standardized_columns_against_numpy():
    points = np.random.default_rng(0).normal(3, 5, size=(20, 3)).astype(np.float32)
    points[:, 1] = 7
    mask = np.arange(20) < 15
    found = np.asarray(jax.jit(standardize)(points, jnp.asarray(mask)))
    real = points[:15, [0, 2]]
    expected = (real - real.mean(axis=0)) / real.std(axis=0)
    np.testing.assert_allclose(found[:15, [0, 2]], expected, atol=1e-5)
    assert not found[:, 1].any()
    assert not found[15:].any()


@pytest.mark.parametrize("offset", [0.0, 1e7])
@pytest.mark.parametrize("scale", [1e-300, 1e-7, 1.0, 1e300])
def test_on_the_host_no_scale_and_no_offset_loses_anything(scale, offset):
    points = np.random.default_rng(1).normal(size=(30, 2))
    expected = (points - points.mean(axis=0)) / points.std(axis=0)
    np.testing.assert_allclose(standardize((points + offset) * scale), expected, atol=1e-6)


def test_missing_values_are_left_out_of_the_moments():
    points = np.array([[1.0, 5.0], [3.0, 9.0], [100.0, 7.0]])
    known = np.array([[True, True], [True, True], [False, True]])
    fitted = fit_columns(points, known)
    np.testing.assert_allclose(fitted.shift, [2.0, 7.0])
    np.testing.assert_allclose(1 / fitted.inverse, [1.0, points[:, 1].std()])


@pytest.mark.parametrize("wild", [1e3, 1e9, -1e300])
def test_bounds_do_not_follow_wild_cells(wild):
    points = np.random.default_rng(2).normal(size=(100, 2))
    expected = fit_bounds(points)
    points[[3, 40], 0] = wild
    found = fit_bounds(points)
    np.testing.assert_allclose(found.low, expected.low, atol=1)
    np.testing.assert_allclose(found.high, expected.high, atol=1)
    assert (np.abs(found.high) < 7).all()


def test_bounds_of_a_task_are_those_of_its_real_points():
    points = np.random.default_rng(3).normal(size=(50, 3)).astype(np.float32)
    mask = np.arange(50) < 37
    inside = jax.jit(fit_bounds)(jnp.asarray(points), jnp.asarray(mask))
    for here, there in zip(inside[:2], fit_bounds(points[:37])[:2], strict=True):
        np.testing.assert_allclose(here, there, rtol=1e-5)


def test_columns_of_few_values_keep_them():
    rare = (np.arange(200) % 100 == 0) * 1.0
    bounds = fit_bounds(np.stack([rare, np.ones(200), np.arange(200) % 2], axis=1))
    assert (bounds.low < [0, 1, 0]).all()
    assert (bounds.high > [1, 1, 1]).all()


def test_what_is_beyond_bounds_is_drawn_in_and_keeps_its_order():
    column = np.concatenate(
        [np.random.default_rng(0).normal(size=200), [20.0, 30.0, -1e6, 1e300]]
    )[:, None]
    bounds = with_unit(fit_bounds(column))
    found = apply_bounds(bounds, column)[:, 0]
    np.testing.assert_array_equal(found[:200], column[:200, 0])
    assert np.all(np.diff(found[np.argsort(column[:, 0], kind="stable")]) >= 0)
    assert found[201] - found[200] > 0.3
    assert np.abs(found[:203]).max() < 30
    assert np.isfinite(found).all()
    assert found[203] < 1500
    inside = apply_bounds(with_unit(ColumnBounds(np.array([-np.inf]), np.array([np.inf]))), column)
    np.testing.assert_array_equal(inside, column)
