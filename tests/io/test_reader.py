"""Cells of every format, again and again, and the lines that are written from them."""

import csv

import numpy as np
import pandas as pd
import pytest

from l2c_jax.io import reader
from l2c_jax.io.dialect import ReadOptions
from l2c_jax.io.reader import batches, open_table
from l2c_jax.io.source import TableError
from l2c_jax.io.tables import read_table

ROWS = 700
FRAME = pd.DataFrame(
    {
        "real": np.random.default_rng(0).normal(size=ROWS),
        "whole": np.arange(ROWS) % 7,
        "word": [f'x, "{i % 5}"\n' if i % 3 else "" for i in range(ROWS)],
        "flag": np.arange(ROWS) % 2 == 0,
    }
)


def written(kind, folder):
    path = folder / f"table.{kind}"
    if kind == "csv":
        FRAME.to_csv(path, index=False)
    elif kind == "parquet":
        FRAME.to_parquet(path, index=False)
    elif kind == "jsonl":
        FRAME.to_json(path, orient="records", lines=True, double_precision=15)
    else:
        np.save(path, FRAME[["real", "whole"]].to_numpy())
    return path


@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl", "npy"])
def test_batches_hold_all_rows_once_and_in_order(kind, tmp_path, monkeypatch):
    monkeypatch.setattr(reader, "CELLS", 2)
    table = open_table(written(kind, tmp_path))
    assert table.rows == ROWS
    parts = [table.columns(start, stop) for start, stop in batches(ROWS, 4)]
    assert [len(part[0]) for part in parts] == [256, 256, 188]
    for index, name in enumerate(["real", "whole"]):
        values = np.concatenate([part[index] for part in parts])
        np.testing.assert_allclose(values, FRAME[name], rtol=1e-9)
    rows = np.array([3, 500, 699])
    np.testing.assert_array_equal(table.take(rows)[1], FRAME["whole"][rows])
    only = table.columns(0, 5, [1])
    np.testing.assert_array_equal(only[1], FRAME["whole"][:5])


@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl"])
def test_written_lines_are_csv_with_the_cells_of_the_file(kind, tmp_path):
    table = open_table(written(kind, tmp_path))
    text = "\n".join(table.lines(0, ROWS, left_out=["whole"]))
    rows = list(csv.reader(text.splitlines(keepends=True)))
    assert len(rows) == ROWS
    assert [row[1] for row in rows] == FRAME["word"].tolist()
    np.testing.assert_allclose([float(row[0]) for row in rows], FRAME["real"], rtol=1e-9)
    assert [row[2].lower() for row in rows] == FRAME["flag"].astype(str).str.lower().tolist()


def test_text_comes_back_as_it_was(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text('a,b\n1.50,007\n"1,200",\n')
    assert open_table(path).lines(0, 2) == ["1.50,007", '"1,200",']


def test_the_place_of_a_row_is_its_line(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text('a,b\n1,"two\nlines"\n\n3,x\n4,y\n')
    table = open_table(path)
    assert [table.place(row) for row in range(3)] == ["line 3", "line 5", "line 6"]
    assert open_table(written("parquet", tmp_path)).place(4) == "row 5"


def test_the_index_of_pandas_is_not_read(tmp_path):
    path = tmp_path / "table.parquet"
    FRAME.set_index("whole").to_parquet(path)
    table = open_table(path)
    assert table.names == ["real", "word", "flag"]
    assert table.notes == ("the index of pandas is not read",)
    np.testing.assert_array_equal(table.columns(0, 5)[0], FRAME["real"][:5])


@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl"])
def test_a_query_chooses_rows_and_columns(kind, tmp_path):
    query = "select real * 2 as twice, word from data where whole = 3 order by twice"
    table = open_table(written(kind, tmp_path), ReadOptions(query=query))
    expected = np.sort(2 * FRAME["real"][FRAME["whole"] == 3])
    assert table.names == ["twice", "word"]
    np.testing.assert_allclose(table.columns(0, table.rows)[0], expected, rtol=1e-9)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("drop table t", "is not one SELECT"),
        ("select 1; select 2", "is not one SELECT"),
        ("select nothing from data", "nothing"),
        ("selec", "syntax error"),
        ("select * from data where false", "no rows"),
    ],
)
def test_queries_that_are_refused(query, message, tmp_path):
    with pytest.raises(TableError, match=message) as refused:
        open_table(written("csv", tmp_path), ReadOptions(query=query))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.npy", b"no array", "no NumPy array"),
        ("x.parquet", b"no parquet file at all", "no Parquet file"),
        ("x.parquet", b"PAR1 and then nothing PAR1", "x.parquet: "),
        ("x.jsonl", b'{"a": 1}\n{"a": \n', "x.jsonl: "),
        ("x.csv", b"a,b\n1,2\n3\n", "line 3 has 1 cells, the first line has 2"),
        ("x.csv", b"a,b\n1,2\n3,4,5\n", "line 3 has 3 cells, the first line has 2"),
        ("x.csv", b'a,b\n1,"2\n3,4\n', "a quoted cell does not end"),
        ("x.csv", b"a,b\n", "no rows"),
    ],
)
def test_broken_files_are_refused(name, content, message, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(TableError, match=message) as refused:
        open_table(tmp_path / name)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("array", [np.zeros(3), np.zeros((0, 2)), np.array([["a"]])])
def test_arrays_that_are_no_tables_are_refused(array, tmp_path):
    np.save(tmp_path / "x.npy", array)
    with pytest.raises(TableError, match="expected an array of numbers"):
        open_table(tmp_path / "x.npy")


def test_temporary_files_go_with_the_table(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    path = written("csv", tmp_path)
    table = open_table(path)
    assert list(tmp_path.glob("l2c-*"))
    del table
    assert not list(tmp_path.glob("l2c-*"))


@pytest.mark.parametrize("sign", [",", "|"])
def test_the_decimal_sign_of_a_column_tells_what_a_dot_means_in_another(sign, tmp_path):
    rows = [("1,50", "1.450"), ("2,25", "873"), ("10,75", "2.198"), ("3,00", "12")]
    text = "\n".join(sign.join(f'"{cell}"' for cell in row) for row in [("a", "b"), *rows])
    (tmp_path / "t.csv").write_text(text)
    read = read_table(tmp_path / "t.csv").numbers
    np.testing.assert_array_equal(read[:, 0], [1.5, 2.25, 10.75, 3])
    np.testing.assert_array_equal(read[:, 1], [1450, 873, 2198, 12])


def test_blank_lines_at_the_end_of_one_column_are_no_rows(tmp_path):
    (tmp_path / "t.csv").write_text("x y\n1\n\n2.5\n4\n\n\n")
    assert open_table(tmp_path / "t.csv").rows == 4
