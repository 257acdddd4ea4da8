"""The frame of a table: blind to units, origin and order of the columns, and always finite."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from l2c_jax.preprocessing import standardize
from l2c_jax.preprocessing.principal import (
    CLIP,
    apply_preprocessing,
    fit_table_preprocessing,
    preprocess,
)

ROWS = np.random.default_rng(2).gamma(2.0, size=(60, 4))


def fitted(rows, dimensions=3, kind="principal", **settings):
    return fit_table_preprocessing(rows, kind, dimensions, **settings)


def entered(rows, dimensions=3, kind="principal", **settings):
    return apply_preprocessing(fitted(rows, dimensions, kind, **settings), rows)


def on_device(rows, kind="principal"):
    return preprocess(jnp.asarray(rows, jnp.float32), jnp.ones(len(rows), bool), kind, 3)


def test_it_is_the_principal_axes_of_the_standardised_columns():
    expected = on_device(standardize(ROWS))
    np.testing.assert_allclose(entered(ROWS), expected, atol=2e-5)


def test_without_standardising_it_is_the_principal_axes_of_the_columns():
    expected = on_device(ROWS)
    np.testing.assert_allclose(entered(ROWS, standardize=False), expected, atol=2e-5)


def test_it_is_the_clipped_frame_too():
    expected = on_device(ROWS, "clipped")
    np.testing.assert_allclose(entered(ROWS, kind="clipped"), expected, atol=2e-5)


def test_clipped_without_standardising_only_cuts_tails_off():
    scaled = ROWS * [1, 10, 100, 1000]
    mean, deviation = scaled.mean(axis=0), scaled.std(axis=0)
    cut = np.clip(scaled, mean - CLIP * deviation, mean + CLIP * deviation)
    expected = entered(cut, standardize=False)
    found = entered(scaled, kind="clipped", standardize=False)
    np.testing.assert_allclose(found, expected, atol=2e-5)


def test_clipped_rows_far_out_stay_near():
    frame = fitted(ROWS, kind="clipped")
    far, farther = apply_preprocessing(frame, np.full((2, 4), [[1e6], [1e9]]))
    np.testing.assert_array_equal(far, farther)
    assert np.abs(far).max() < 10


@pytest.mark.parametrize("kind", ["principal", "clipped"])
@pytest.mark.parametrize("seed", range(5))
def test_units_origin_and_order_of_columns_do_not_matter(kind, seed):
    rng = np.random.default_rng(seed)
    moved = (ROWS + rng.normal(size=4)) * 10 ** rng.uniform(-6, 6, 4)
    found = entered(moved[:, rng.permutation(4)], kind=kind)
    np.testing.assert_array_equal(entered(ROWS, kind=kind), found)


def test_more_columns_than_rows():
    wide = np.random.default_rng(0).normal(size=(6, 300))
    points = entered(wide, 8)
    assert points.shape == (6, 8)
    np.testing.assert_allclose((points**2).sum() / 6, 1, rtol=1e-3)
    assert not points[:, 5:].round(3).any()  # six centred points span five dimensions


numbers = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0.0, 1e308, -1e308, 5e-324, 1.0]),
)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    arrays(np.float64, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=numbers),
    st.sampled_from(["principal", "clipped"]),
)
def test_every_finite_table_has_a_finite_frame(rows, kind):
    assert np.isfinite(entered(rows, kind=kind)).all()


def test_an_axis_of_rounding_alone_is_left_out():
    table = np.random.default_rng(0).normal(size=(40, 2))
    repeated = np.column_stack([table, 250 * table[:, 0]])
    inside = entered(repeated)
    assert (inside.std(axis=0) > 0).tolist() == [True, True, False]
    assert np.abs(inside[:, 2]).max() == 0
