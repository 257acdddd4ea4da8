"""Text as numbers: one format a column."""

import numpy as np
import pandas as pd
import pytest

from l2c_jax.preprocessing.numbers import is_missing, parse_numbers


def cells(*texts):
    return np.array([*texts, None], object)[:-1]


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        (["1", "-2.5", "+3e2", ".5", "5."], [1, -2.5, 300, 0.5, 5]),
        (["1,5", "-0,25", "7"], [1.5, -0.25, 7]),
        (["1.234,5", "1.000.000,25"], [1234.5, 1000000.25]),
        (["1,234.5", "12"], [1234.5, 12]),
        (["12 345,5", "1\u202f000,1"], [12345.5, 1000.1]),
        (["1'234.5", "3"], [1234.5, 3]),
        (["12%", "3.5 %"], [12, 3.5]),
        (["$1,200", "-$3", "($5)"], [1200, -3, -5]),
        (["3,50 €", "1.200,00 €"], [3.5, 1200]),
        (["USD 5", "7 USD"], [5, 7]),
        (["1", "", "NA", "n/a", "?", "-", "None"], [1] + [np.nan] * 6),
        (["\u22123", "4"], [-3, 4]),
        (["0,125", "0,5"], [0.125, 0.5]),
    ],
)
def test_columns_of_numbers(texts, values):
    parsed = parse_numbers(cells(*texts))
    np.testing.assert_array_equal(parsed.values, values)
    assert not parsed.odd.any()


@pytest.mark.parametrize(
    ("texts", "odd"),
    [
        (["1", "x", "3"], [False, True, False]),
        (["1_000", "3"], [True, False]),
        (["inf", "3"], [True, False]),
        (["1e999", "3"], [True, False]),
        (["5%", "6%", "0.1"], [False, False, True]),  # of another unit
        (["$5", "$6", "€7"], [False, False, True]),
        (["(5", "3"], [True, False]),
        (["1,23,4", "1.5"], [True, False]),
        (["0x1F", "3"], [True, False]),
    ],
)
def test_odd_cells_are_found(texts, odd):
    assert parse_numbers(cells(*texts)).odd.tolist() == odd


def test_both_readings_of_an_open_column():
    parsed = parse_numbers(cells("1,234", "950"))
    assert parsed.values.tolist() == [1234, 950]
    assert parsed.other.tolist() == [1.234, 950]
    assert parse_numbers(cells("1,234", "950"), ",").values.tolist() == [1.234, 950]
    assert parse_numbers(cells("1,234", "1,5")).values.tolist() == [1.234, 1.5]
    assert parse_numbers(cells("1,234", "1,5")).decimal == ","


@pytest.mark.parametrize("seed", range(20))
def test_numbers_written_in_any_style_come_back(seed):
    rng = np.random.default_rng(seed)
    values = np.round(rng.normal(size=30) * 10 ** rng.integers(0, 7), 2)
    for thousands, decimal in ((",", "."), (".", ","), ("", "."), ("", ","), (" ", ",")):
        texts = [
            f"{value:,.2f}".replace(",", "T").replace(".", decimal).replace("T", thousands)
            for value in values
        ]
        np.testing.assert_array_equal(parse_numbers(cells(*texts)).values, values)


def test_missing_of_every_type():
    assert is_missing(np.array([1.0, np.nan])).tolist() == [False, True]
    assert is_missing(np.array(["2020-01-01", "NaT"], "M8[D]")).tolist() == [False, True]
    assert is_missing(np.ma.array([1, 2], mask=[0, 1])).tolist() == [False, True]
    assert is_missing(np.array(["a", pd.NA, pd.NaT, "none"], object)).tolist() == [0, 1, 1, 0]
    assert not is_missing(np.array([1, 2])).any()
