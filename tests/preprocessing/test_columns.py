"""The one standardizer, on the host and inside jit."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from l2c_jax.preprocessing.columns import fit_columns, standardize


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
