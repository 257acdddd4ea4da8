"""Whole tables, the same from every format."""

import gzip
import sys

import numpy as np
import pandas as pd
import pytest

from l2c_jax.io.dialect import ReadOptions
from l2c_jax.io.reader import open_table
from l2c_jax.io.source import TableError
from l2c_jax.io.tables import prepare, read_table, role_lines
from l2c_jax.preprocessing.column_options import ColumnOptions
from l2c_jax.preprocessing.encoder import encode, fit_encoder
from l2c_jax.preprocessing.frames import read_frame
from l2c_jax.preprocessing.roles import detect_roles

RNG = np.random.default_rng(5)
N = 90
GROUP = np.arange(N) % 3
MIXED = pd.DataFrame(
    {
        "id": RNG.permutation(N) + 1000,
        "size": np.round(GROUP * 4 + RNG.normal(size=N), 3),
        "price": np.round(GROUP * 1000 + 1500 + 100 * RNG.normal(size=N), 2),
        "color": np.array(["red", "green", "blue", "grey"], object)[RNG.integers(0, 4, N)],
        "member": GROUP == 1,
        "when": pd.date_range("2020-01-15", periods=N).astype("datetime64[us]"),
    }
)
MIXED.loc[::9, "size"] = np.nan
MIXED.loc[4, "color"] = None
ENCODINGS = ["csv", "semicolon", "tsv", "gz", "parquet", "jsonl", "pandas", "polars"]


def mixed(encoding, folder):
    """The mixed table in one of eight encodings: a file, or a frame."""
    path = folder / f"table.{encoding}"
    if encoding == "csv":
        MIXED.to_csv(path, index=False)
    elif encoding == "semicolon":
        MIXED.to_csv(path, index=False, sep=";", decimal=",", encoding="cp1252")
    elif encoding == "tsv":
        MIXED.to_csv(path, index=False, sep="\t")
    elif encoding == "gz":
        path.write_bytes(gzip.compress(MIXED.to_csv(index=False).encode()))
    elif encoding == "parquet":
        MIXED.to_parquet(path)
    elif encoding == "jsonl":
        MIXED.to_json(path, orient="records", lines=True, date_format="iso")
    elif encoding == "polars":
        return sys.modules["polars"].from_pandas(MIXED)
    else:
        return MIXED
    return path


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_eight_encodings_give_one_matrix(encoding, tmp_path):
    import polars  # noqa: F401

    table = mixed(encoding, tmp_path)
    if encoding in ("pandas", "polars"):
        frame = read_frame(table)
        roles = detect_roles(frame.names, frame.columns)
        matrix = encode(fit_encoder(roles, frame.columns), frame.columns).matrix
    else:
        read = read_table(table)
        roles, matrix = read.prepared.roles, read.numbers
    kinds = ["identifier", "number", "number", "categorical", "yes/no", "date"]
    assert [role.kind for role in roles] == kinds
    frame = read_frame(MIXED)
    expected = encode(
        fit_encoder(detect_roles(frame.names, frame.columns), frame.columns), frame.columns
    )
    np.testing.assert_array_equal(matrix, expected.matrix)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("header", [True, False])
def test_reads_numbers_with_and_without_a_header(delimiter, header, tmp_path):
    path = tmp_path / "table.csv"
    lines = [["a", "b"]] * header + [["1", "2.5"], ["-3", "4e2"]]
    path.write_text("\r\n".join(delimiter.join(line) for line in lines))
    table = read_table(path)
    assert table.prepared.file.names == (["a", "b"] if header else ["column1", "column2"])
    np.testing.assert_array_equal(table.numbers, [[1, 2.5], [-3, 400]])


def test_labels_are_read_as_text_and_missing_ones_are_none(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("a,label\n1,\n2,7\n3,NA\n4,8.0\n")
    table = read_table(path, ColumnOptions(label_column="label"))
    assert [column.name for column in table.prepared.encoder.columns] == ["a"]
    assert table.labels("label").tolist() == [None, "7", None, "8"]
    with pytest.raises(TableError, match="no column 'other'"):
        read_table(path, ColumnOptions(label_column="other"))
    with pytest.raises(TableError, match="no column 'other'"):
        table.labels("other")


def test_the_table_of_roles(tmp_path):
    path = mixed("csv", tmp_path)
    lines = list(role_lines(prepare(open_table(path))))
    assert lines[0].split() == ["column", "read", "as", "used?", "why"]
    assert lines[1].startswith("id      identifier   no")
    assert "11.11% missing, filled by median" in lines[2]
    assert "with an indicator" in lines[2]
    assert "filled by" in lines[4]
    assert "with an indicator" not in lines[4]


def test_a_wide_table_of_roles_is_cut(tmp_path):
    path = tmp_path / "wide.csv"
    path.write_text("\n".join(",".join(map(str, row)) for row in RNG.normal(size=(5, 100))))
    lines = list(role_lines(prepare(open_table(path))))
    assert len(lines) == 42
    assert lines[-1] == "and 60 more columns, 60 of them used"


def test_layout_options_reach_the_reader(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("1:2\n3:5\n")
    options = ReadOptions(delimiter=":", header=True)
    assert read_table(path, read=options).prepared.file.names == ["1", "2"]
