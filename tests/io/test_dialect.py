"""The layout of text files: delimiters, headers, lines before the table."""

import duckdb
import pytest

from l2c_jax.io.dialect import detect_dialect
from l2c_jax.io.source import TableError


def found(text, tmp_path, **given):
    path = tmp_path / "table.csv"
    path.write_bytes(text.encode())
    return detect_dialect(duckdb.connect(), "table.csv", path, **given)


@pytest.mark.parametrize("sign", [",", ";", "\t", "|", " "])
@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_delimiters_and_headers(sign, header, end, tmp_path):
    lines = [sign.join("ab")] * header + [sign.join(row) for row in ("12", "34", "56")]
    dialect = found(end.join(lines), tmp_path)
    assert (dialect.delimiter, dialect.header) == (sign, header)
    assert dialect.names == (["a", "b"] if header else ["column1", "column2"])


@pytest.mark.parametrize(
    ("text", "sign", "names"),
    [
        ("1,2;3,4\n5,6;7,8\n", ";", ["column1", "column2"]),  # decimal commas without a header
        ("Size, cm;Mass, kg\n1.2;3\n2.5;4\n", ";", ["Size, cm", "Mass, kg"]),
        ("x\n1,5\n2,5\n7\n", None, ["x"]),  # one column with decimal commas
        ("name,1990,2000\na,1.5,2\nb,3,4\n", ",", ["name", "1990", "2000"]),
        ("name,1,2,3\na,1.5,2,3\nb,3,4,5\n", ",", ["name", "1", "2", "3"]),
        ("a,1,2\nb,3,4\nc,5,6\n", ",", ["column1", "column2", "column3"]),
        ("1,NA,3\n4,5,6\n7,8,9\n", ",", ["column1", "column2", "column3"]),
        ("a,1990,2\nb,1991,4\nc,1992,6\n", ",", ["column1", "column2", "column3"]),
        (",x\n0,1\n1,5\n", ",", ["", "x"]),
        ('"a ""q""",b\n1,2\n', ",", ['a "q"', "b"]),
        ("a,b\n#1,2\n3,4\n", ",", ["a", "b"]),  # no comments
        ("# about\n# this\na,b\n1,2\n3,4\n", ",", ["a", "b"]),
        ("\ufeffa,b\n1,2\n", ",", ["a", "b"]),
    ],
)
def test_second_look(text, sign, names, tmp_path):
    dialect = found(text, tmp_path)
    assert dialect.names == names
    assert sign is None or dialect.delimiter == sign


def test_what_a_person_says_is_taken(tmp_path):
    assert found("a,b\n1,2\n", tmp_path, header=False).names == ["column1", "column2"]
    assert found("1,2\n3,4\n", tmp_path, header=True).names == ["1", "2"]
    assert found("1:2\n3:4\n", tmp_path, delimiter=":").names == ["column1", "column2"]
    with pytest.raises(TableError, match="is not one character"):
        found("1,2\n", tmp_path, delimiter="ab")


def test_lines_before_the_table_are_said(tmp_path):
    dialect = found("# about\n# this\na,b\n1,2\n3,4\n", tmp_path)
    assert dialect.skip == 2
    assert dialect.notes == ("the first 2 lines are not part of the table",)


def test_too_many_columns(tmp_path):
    with pytest.raises(TableError, match="has 30,000 columns, more than 20,000"):
        found(",".join(["1"] * 30_000) + "\n", tmp_path)
