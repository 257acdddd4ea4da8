"""Flags for columns and layout, through the command line."""

import csv
import gzip

import numpy as np
import pytest

from l2c_jax.cli import main
from l2c_jax.cli.columns import ColumnFlags, FileFlags
from l2c_jax.io import label_file

ROWS = [
    (i + 100, i % 2 * 9 + i / 50, i % 7 / 7, f"2020-01-{1 + i % 28:02d}", i % 3) for i in range(40)
]


@pytest.fixture
def seen(monkeypatch):
    """The command line up to the point where a model would be adapted."""
    requests = []

    class DoneError(Exception):
        pass

    def adapt_file(model, request):
        requests.append(request)
        raise DoneError

    monkeypatch.setattr(label_file, "adapt_file", adapt_file)

    def run(*arguments):
        with pytest.raises(DoneError):
            main(["cluster", *map(str, arguments)])
        return requests[-1]

    return run


def test_flags_reach_the_library(seen, tmp_path):
    path = tmp_path / "t.csv"
    request = seen(
        *(path, "--columns", "a,b", "--columns", "c", "--drop", "d", "--categorical", "e"),
        *("--dates", "f", "--id-column", "g", "--label-column", "h", "--decimal", ","),
        *("--delimiter", "tab", "--encoding", "latin-1", "--no-header"),
    )
    columns = request.columns
    assert columns.columns == ("a", "b", "c")
    assert (columns.drop, columns.categorical, columns.dates) == (("d",), ("e",), ("f",))
    assert (columns.id_columns, columns.label_column, columns.decimal) == (("g",), "h", ",")
    assert (request.read.delimiter, request.read.encoding) == ("\t", "latin-1")
    assert request.read.header is False
    assert seen("--drop", "d", path, "--header").read.header is True
    assert seen(path).read.header is None
    assert seen("--query", "select 1", path).read.query == "select 1"


def test_header_and_none_exclude_each_other():
    with pytest.raises(ValueError, match="exclude each other"):
        FileFlags(header=True, no_header=True).options()


def test_names_are_split_at_commas():
    assert ColumnFlags(drop=("a, b", "c,")).options(None).drop == ("a", "b", "c")


def test_the_table_of_roles_is_printed_and_dropped_columns_stay(tmp_path, capsys):
    path, out = tmp_path / "t.csv.gz", tmp_path / "o.csv"
    lines = ["id,x,y,when,kind", *(",".join(map(str, row)) for row in ROWS)]
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    flags = ("-w", "demo", "-k", "2", "--orders", "2", "--categorical", "kind", "--drop", "y")
    with pytest.raises(SystemExit) as ended:
        main(["cluster", str(path), "-o", str(out), *flags])
    assert ended.value.code == 0
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "gzip, uncompressed first"
    assert said[1].split() == ["column", "read", "as", "used?", "why"]
    used = {line.split()[0]: " yes" in line for line in said[2:7]}
    assert used == {"id": False, "x": True, "y": False, "when": False, "kind": True}
    rows = list(csv.DictReader(out.read_text().splitlines()))
    np.testing.assert_allclose([float(row["y"]) for row in rows], [row[2] for row in ROWS])
    assert len({row["cluster"] for row in rows}) == 2
