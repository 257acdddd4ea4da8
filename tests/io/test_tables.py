"""Reading tables; what is refused is tested through the command line."""

import numpy as np
import pytest

from l2c_jax.io.tables import TableError, read_table


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("header", [True, False])
def test_reads_numbers_with_and_without_a_header(delimiter, header, tmp_path):
    path = tmp_path / "table.csv"
    lines = [["a", "b"]] * header + [["1", "2.5"], ["-3", "4e2"]]
    path.write_text("\r\n".join(delimiter.join(line) for line in lines))
    table = read_table(path)
    assert table.numeric == (["a", "b"] if header else ["column1", "column2"])
    np.testing.assert_array_equal(table.numbers, [[1, 2.5], [-3, 400]])


def test_text_columns_are_dropped_and_named(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text('size,name\n1,"Smith, J."\n2,x\n')
    table = read_table(path)
    assert table.numeric == ["size"]
    assert table.dropped == ["name"]
    assert table.column("name").tolist() == ["Smith, J.", "x"]


def test_an_ignored_column_is_not_read_as_numbers(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("a,label\n1,\n2,7\n")
    assert read_table(path, ignore="label").numeric == ["a"]
    with pytest.raises(TableError, match="no column 'other'"):
        read_table(path, ignore="other")


def test_a_byte_order_mark_is_no_part_of_the_name(tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes(b"\xef\xbb\xbfa,b\n1,2\n")
    assert read_table(path).names == ["a", "b"]
