"""Data frames of pandas and polars as columns."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from l2c_jax.preprocessing.frames import read_frame, read_objects

DATA = {
    "whole": [1, 2, None],
    "real": [0.5, None, 2.5],
    "word": ["a", None, "b"],
    "flag": [True, False, None],
}


def test_pandas_and_polars_give_the_same_columns():
    pandas = read_frame(pd.DataFrame(DATA).convert_dtypes())
    polars = read_frame(pl.DataFrame(DATA))
    objects = read_frame(pd.DataFrame(DATA).astype(object))
    assert pandas.names == polars.names == list(DATA)
    for a, b, c in zip(pandas.columns, polars.columns, objects.columns, strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(a, c)
    assert polars.columns[3].tolist() == ["true", "false", None]


def test_categorical_dtypes():
    frame = pd.DataFrame(
        {
            "word": pd.Categorical(["a", "b", None]),
            "code": pd.Categorical([1, 2, 1]),
            "size": pd.Categorical(["S", "L", "S"], categories=["S", "M", "L"], ordered=True),
        }
    )
    found = read_frame(frame)
    assert found.columns[0].tolist() == ["a", "b", None]
    assert found.categorical == ("code",)
    assert found.ordered == (("size", ("S", "M", "L")),)
    series = pl.DataFrame({"word": pl.Series(["a", "b", None], dtype=pl.Categorical)})
    assert read_frame(series).columns[0].tolist() == ["a", "b", None]


def test_dates_and_durations():
    when = pd.to_datetime(["2020-01-01", None])
    frame = pd.DataFrame({"when": when, "zone": when.tz_localize("UTC"), "long": when - when[0]})
    columns = read_frame(frame).columns
    assert [column.dtype.kind for column in columns] == ["M", "M", "f"]
    assert columns[2][0] == 0
    assert read_frame(pl.from_pandas(frame[["when"]])).columns[0].dtype.kind == "M"


def test_the_index_of_pandas_is_no_column():
    assert read_frame(pd.DataFrame({"x": [1.0]}, index=["row"])).names == ["x"]


def test_other_objects_are_refused():
    with pytest.raises(TypeError, match="a string or a number, got dict"):
        read_objects(np.array([[{"a": 1}]], object))
