"""The frame of a table: blind to units, origin and order of the columns, and always finite."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from l2c_jax.io.tables import standardised
from l2c_jax.preprocessing.principal import LIMIT, canonical, to_frame
from l2c_jax.preprocessing.table_frame import enter_frame, table_frame

ROWS = np.random.default_rng(2).gamma(2.0, size=(60, 4))


def entered(rows, dimensions=3, **settings):
    return enter_frame(table_frame(rows, dimensions, **settings), rows)


def test_it_is_the_canonical_frame_of_the_standardised_columns():
    expected = canonical(standardised(ROWS).astype(np.float32), np.ones(60, bool), 3)
    np.testing.assert_allclose(entered(ROWS), expected, atol=2e-5)


def test_without_standardising_it_is_the_canonical_frame_of_the_columns():
    expected = canonical(ROWS.astype(np.float32), np.ones(60, bool), 3)
    np.testing.assert_allclose(entered(ROWS, standardise=False), expected, atol=2e-5)


def test_it_is_the_winsorised_frame_too():
    expected = to_frame(ROWS.astype(np.float32), np.ones(60, bool), "winsorised", 3)
    np.testing.assert_allclose(entered(ROWS, frame="winsorised"), expected, atol=2e-5)


def test_winsorised_without_standardising_only_cuts_tails_off():
    scaled = ROWS * [1, 10, 100, 1000]
    mean, deviation = scaled.mean(axis=0), scaled.std(axis=0)
    cut = np.clip(scaled, mean - LIMIT * deviation, mean + LIMIT * deviation)
    expected = entered(cut, standardise=False)
    found = entered(scaled, frame="winsorised", standardise=False)
    np.testing.assert_allclose(found, expected, atol=2e-5)


def test_winsorised_rows_far_out_stay_near():
    frame = table_frame(ROWS, 3, "winsorised")
    far, farther = enter_frame(frame, np.full((2, 4), [[1e6], [1e9]]))
    np.testing.assert_array_equal(far, farther)
    assert np.abs(far).max() < 10


@pytest.mark.parametrize("frame", ["canonical", "winsorised"])
@pytest.mark.parametrize("seed", range(5))
def test_units_origin_and_order_of_columns_do_not_matter(frame, seed):
    rng = np.random.default_rng(seed)
    moved = (ROWS + rng.normal(size=4)) * 10 ** rng.uniform(-6, 6, 4)
    found = entered(moved[:, rng.permutation(4)], frame=frame)
    np.testing.assert_array_equal(entered(ROWS, frame=frame), found)


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
    st.sampled_from(["canonical", "winsorised"]),
)
def test_every_finite_table_has_a_finite_frame(rows, frame):
    assert np.isfinite(entered(rows, frame=frame)).all()


def test_an_axis_of_rounding_alone_is_left_out():
    table = np.random.default_rng(0).normal(size=(40, 2))
    repeated = np.column_stack([table, 250 * table[:, 0]])
    inside = enter_frame(table_frame(repeated, 3), repeated)
    assert (inside.std(axis=0) > 0).tolist() == [True, True, False]
    assert np.abs(inside[:, 2]).max() == 0
