"""Formats of files, and what is refused."""

import numpy as np
import pyarrow as arrow
import pytest
from pyarrow import parquet

from l2c_jax.io import files
from l2c_jax.io.files import TableError, open_table


@pytest.mark.parametrize("rows", [1, 4, 9])
@pytest.mark.parametrize("kind", ["csv", "npy", "parquet"])
def test_pieces_hold_all_rows_once_and_in_order(kind, rows, tmp_path, monkeypatch):
    monkeypatch.setattr(files, "ROWS", 4)
    path, numbers = tmp_path / f"table.{kind}", np.arange(2.0 * rows).reshape(rows, 2)
    if kind == "npy":
        np.save(path, numbers)
    elif kind == "parquet":
        parquet.write_table(arrow.table(dict(zip("ab", numbers.T, strict=True))), path)
    else:
        path.write_text("\n".join(",".join(map(str, row)) for row in numbers))
    table = open_table(path)
    for _ in range(2):  # every call begins anew
        pieces = list(table.pieces())
        assert all(len(piece.lines) <= 4 for piece in pieces)
        lines = np.concatenate([piece.lines for piece in pieces])
        np.testing.assert_array_equal(lines, np.arange(rows) + 1)
        columns = [np.concatenate([p.columns[i] for p in pieces]).astype(float) for i in range(2)]
        np.testing.assert_array_equal(np.stack(columns, axis=1), numbers)
    assert table.names == (["a", "b"] if kind == "parquet" else ["column1", "column2"])


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.npy", b"no array", "no NumPy array"),
        ("x.parquet", b"no parquet file at all", "no Parquet file"),
    ],
)
def test_broken_files_are_refused(name, content, message, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(TableError, match=message):
        open_table(tmp_path / name)


@pytest.mark.parametrize("array", [np.zeros(3), np.zeros((0, 2)), np.array([["a"]])])
def test_arrays_that_are_no_tables_are_refused(array, tmp_path):
    np.save(tmp_path / "x.npy", array)
    with pytest.raises(TableError, match="expected an array of numbers"):
        open_table(tmp_path / "x.npy")
