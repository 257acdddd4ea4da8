"""Dates: one clear format, or none."""

import numpy as np
import pytest

from l2c_jax.preprocessing.dates import parse_dates


@pytest.mark.parametrize(
    "texts",
    [
        ["1970-01-31", "1970-02-03"],
        ["1970-01-31T00:00:00", "1970-02-03 00:00"],
        ["31.01.1970", "03.02.1970"],
        ["31/01/1970", "03/02/1970"],
        ["01/31/1970", "02/03/1970"],
        ["31.01.1970 00:00", "03.02.1970 00:00"],
    ],
)
def test_formats(texts):
    assert parse_dates(np.array([*texts, None], object))[:2].tolist() == [30, 33]


@pytest.mark.parametrize("texts", [["01/02/2020"], ["2020"], ["x"], ["2020-01-01", "x"], [""]])
def test_no_clear_dates(texts):
    assert parse_dates(np.array(texts, object)) is None


def test_datetimes():
    found = parse_dates(np.array(["1970-01-02T12", "NaT"], "datetime64[h]"))
    np.testing.assert_array_equal(found, [1.5, np.nan])
