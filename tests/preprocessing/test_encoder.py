"""Columns as a matrix: fills, indicators and their scale."""

import numpy as np
import pytest

from l2c_jax.preprocessing.column_options import CellError, ColumnOptions
from l2c_jax.preprocessing.encoder import encode, fit_encoder, sample_rows
from l2c_jax.preprocessing.roles import detect_roles

RNG = np.random.default_rng(0)
COLORS = RNG.choice(
    np.array(["red", "green", "blue", "grey"], object), 200, p=[0.5, 0.3, 0.15, 0.05]
)
NUMBERS = RNG.normal(7, 3, size=200)


def fitted(*columns, options=None):
    names = [f"c{index}" for index in range(len(columns))]
    return fit_encoder(detect_roles(names, columns, options or ColumnOptions()), columns)


def test_a_categorical_column_has_one_unit_of_variance():
    encoder = fitted(COLORS, NUMBERS)
    matrix = encode(encoder, [COLORS, NUMBERS]).matrix
    assert matrix.shape == (200, 5)
    assert encoder.unit.tolist() == [True] * 4 + [False]
    np.testing.assert_allclose(matrix[:, encoder.unit].var(axis=0).sum(), 1)
    np.testing.assert_allclose(encoder.scaled(matrix)[:, 4].std(), 1)
    np.testing.assert_array_equal(encoder.scaled(matrix)[:, :4], matrix[:, :4])
    np.testing.assert_array_equal(matrix[:, 4], NUMBERS)


def test_indicators_are_divided_by_the_root_of_their_share():
    matrix = encode(fitted(COLORS), [COLORS]).matrix
    for column, level in zip(matrix.T, sorted(set(COLORS)), strict=True):
        share = (level == COLORS).mean()
        np.testing.assert_allclose(column.max(), 1 / np.sqrt(3 * share))


def test_missing_numbers_get_the_median_and_an_indicator_if_they_are_many():
    few, many = NUMBERS.copy(), NUMBERS.copy()
    few[:5], many[:50] = np.nan, np.nan
    encoder = fitted(few, many)
    assert encoder.features == ("c0", "c1", "c1 missing")
    assert encoder.unit.tolist() == [False, False, True]
    matrix = encode(encoder, [few, many]).matrix
    np.testing.assert_array_equal(matrix[:5, 0], np.nanmedian(few))
    assert matrix[:, 2].sum() == 50


def test_missing_levels_get_the_most_frequent():
    colors = COLORS.copy()
    colors[:40] = None
    encoder = fitted(colors)
    assert encoder.columns[0].fill == "red"
    assert encoder.features[-1] == "c0 missing"
    red = encoder.columns[0].levels.index("red")
    assert (encode(encoder, [colors]).matrix[:40, red] > 0).all()


def test_unseen_levels_are_zeros_and_counted():
    encoder = fitted(COLORS)
    encoded = encode(encoder, [np.array(["violet", "red"], object)])
    assert encoded.unseen == {"c0": 1}
    assert not encoded.matrix[0].any()
    assert encoded.matrix[1].any()


def test_rows_are_encoded_each_by_itself():
    columns = [COLORS, NUMBERS, np.array(["yes", "no"], object)[RNG.integers(0, 2, 200)]]
    encoder = fitted(*columns)
    whole = encode(encoder, columns).matrix
    part = encode(encoder, [column[50:53] for column in columns]).matrix
    np.testing.assert_array_equal(part, whole[50:53])


def test_ordered_levels_are_level_numbers():
    sizes = np.array(["small", "large", "medium"] * 5, object)
    assert encode(fitted(sizes), [sizes]).matrix[:3, 0].tolist() == [0, 2, 1]


def test_dates_are_days_if_asked():
    dates = np.array(["1970-01-02", "1970-01-04", None], object)
    encoder = fitted(dates, NUMBERS[:3], options=ColumnOptions(dates=("c0",)))
    assert encode(encoder, [dates, NUMBERS[:3]]).matrix[:, 0].tolist() == [1, 3, 2]


def test_odd_cells_of_new_rows_are_named():
    spelt = np.array([f"{i},5" for i in range(20)], object)
    encoder = fitted(spelt)
    with pytest.raises(CellError, match="row 1: 'x'"):
        encode(encoder, [np.array(["1,5", "x"], object)])


def test_numbers_are_as_they_were():
    huge = np.array([1e300, -1e300, 0.1, 5e-324])
    encoder = fitted(huge)
    np.testing.assert_array_equal(encode(encoder, [huge]).matrix[:, 0], huge)


def test_the_sample_depends_on_the_number_of_rows_alone():
    rows = sample_rows(1000, 10, seed=3)
    assert len(set(rows.tolist())) == 10
    assert (np.diff(rows) > 0).all()
    np.testing.assert_array_equal(rows, sample_rows(1000, 10, seed=3))


def test_one_wild_cell_does_not_squeeze_the_others():
    wild = NUMBERS.copy()
    wild[7] = 1e9
    plain, squeezed = fitted(COLORS, NUMBERS), fitted(COLORS, wild)
    np.testing.assert_allclose(squeezed.scale[4], plain.scale[4], rtol=0.1)
    np.testing.assert_allclose(squeezed.shift[4], plain.shift[4], atol=0.2)
    scaled = squeezed.scaled(encode(squeezed, [COLORS, wild]).matrix)[:, 4]
    assert scaled[7] > 1e8
    np.testing.assert_allclose(np.delete(scaled, 7).std(), 1, rtol=0.1)


def test_without_wild_cells_the_scale_is_the_standard_deviation():
    encoder = fitted(COLORS, NUMBERS)
    np.testing.assert_allclose(encoder.scale[4], NUMBERS.std(), rtol=1e-14)
    np.testing.assert_allclose(encoder.shift[4], NUMBERS.mean(), rtol=1e-14)


@pytest.mark.parametrize(
    "numbers", [[1e308, -1e308, 0.0, 3.0], [1.7e308, 1.6e308, -1.7e308], [1, 2, 2, 3, 4, -1.7e308]]
)
def test_the_largest_numbers_do_not_overflow(numbers):
    column = np.array([*numbers, *[np.nan] * 3])
    encoder = fitted(column)
    scaled = encoder.scaled(encode(encoder, [column]).matrix)
    assert np.isfinite(encoder.columns[0].fill)
    assert np.isfinite(scaled).all()
    known = scaled[: len(numbers), 0]
    assert (np.argsort(known) == np.argsort(numbers)).all()
    assert np.isfinite((known**2).sum())
