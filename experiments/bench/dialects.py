"""Small files as people have them, and whether a reader finds their numbers without being told."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np


class Sample(NamedTuple):
    """A file, and the numbers that are in it."""

    name: str  # of the file
    content: bytes
    numbers: dict[str, list[float]]  # by column; columns of generated names are called 0, 1, ...


def _text(name: str, text: str, **numbers: list[float]) -> Sample:
    return Sample(name, text.encode(), numbers)


_NAN = float("nan")
SAMPLES = (
    _text("comma.csv", "x,y\n1.5,2\n3,4\n5,6\n", x=[1.5, 3, 5], y=[2, 4, 6]),
    _text("semicolon.csv", "x;y\n1.5;2\n3;4\n5;6\n", x=[1.5, 3, 5], y=[2, 4, 6]),
    _text("tab.tsv", "x\ty\n1.5\t2\n3\t4\n5\t6\n", x=[1.5, 3, 5], y=[2, 4, 6]),
    _text("decimal_comma.csv", "x;y\n1,5;2\n3,25;4\n5,5;6\n", x=[1.5, 3.25, 5.5], y=[2, 4, 6]),
    Sample(
        "headless.csv",
        b"1,5;2,5\n3,25;4,5\n5,5;6,5\n",
        {"0": [1.5, 3.25, 5.5], "1": [2.5, 4.5, 6.5]},
    ),
    _text("commas_in_header.csv", "x, cm;y\n1.5;2\n3;4\n5;6\n", **{"x, cm": [1.5, 3.0, 5.0]}),
    _text(
        "thousands.csv", '"x","y"\n"1,200","2"\n"88,000","4"\n"950","6"\n', x=[1200, 88000, 950]
    ),
    _text("years.csv", "name,1990,2000\nA,1,2\nB,3,4\nC,5,7\n", **{"1990": [1.0, 3.0, 5.0]}),
    _text("percent.csv", "x,y\n12%,2\n15%,4\n7.5%,6\n", x=[12, 15, 7.5]),
    _text("currency.csv", "x;y\n1.200,50 €;2\n3,10 €;4\n7,00 €;6\n", x=[1200.5, 3.1, 7]),
    _text("missing.csv", "x,y\nNA,2\n3,4\n?,6\n", x=[_NAN, 3, _NAN]),
    _text("hash.csv", "#,x\n#1,2\n#2,4\n3,6\n", x=[2, 4, 6]),
    Sample("latin.csv", "größe,y\n1.5,2\n3,4\n".encode("cp1252"), {"größe": [1.5, 3]}),
    Sample("wide.csv", "x,y\n1.5,2\n3,4\n".encode("utf-16"), {"x": [1.5, 3]}),
    Sample("packed.csv.gz", gzip.compress(b"x,y\n1.5,2\n3,4\n"), {"x": [1.5, 3]}),
    Sample("packed.csv", gzip.compress(b"x,y\n1.5,2\n3,4\n"), {"x": [1.5, 3]}),
)


def _floats(cells: Any) -> np.ndarray:
    """``[N]`` float64 of numbers and None; infinite for a column of anything else."""
    cells = list(cells)
    if not all(cell is None or isinstance(cell, (int, float, np.number)) for cell in cells):
        return np.full(len(cells), np.inf)
    return np.array([np.nan if cell is None else cell for cell in cells], float)


def read_duckdb(path: Path) -> dict[str, np.ndarray]:
    """With the sniffer."""
    import duckdb

    answer = duckdb.connect().execute("select * from read_csv(?)", [str(path)])
    names = [column[0] for column in answer.description or ()]
    cells = zip(*answer.fetchall(), strict=True)
    return {name: _floats(column) for name, column in zip(names, cells, strict=True)}


def read_polars(path: Path) -> dict[str, np.ndarray]:
    """With its defaults."""
    import polars

    frame = polars.read_csv(path)
    return {name: _floats(frame[name].to_list()) for name in frame.columns}


def read_pyarrow(path: Path) -> dict[str, np.ndarray]:
    """With its defaults."""
    from pyarrow import csv

    table = csv.read_csv(path)
    columns = zip(table.column_names, table.columns, strict=True)
    return {name: _floats(column.to_pylist()) for name, column in columns}


def read_l2c_jax(path: Path) -> dict[str, np.ndarray]:
    """Our reader and roles."""
    from l2c_jax.io.reader import open_table
    from l2c_jax.preprocessing.numbers import parse_numbers

    table = open_table(path)
    columns = zip(table.names, table.columns(0, table.rows), strict=True)
    return {n: parse_numbers(c).values if c.dtype == object else c for n, c in columns}


READERS: dict[str, Callable[[Path], dict[str, np.ndarray]]] = {
    "duckdb": read_duckdb,
    "polars": read_polars,
    "pyarrow": read_pyarrow,
    "l2c_jax": read_l2c_jax,
}


def reads_right(reader: str, sample: Sample, folder: Path) -> bool:
    """Whether a reader gives every expected column of numbers, column by column."""
    path = folder / sample.name
    path.write_bytes(sample.content)
    for name, expected in sample.numbers.items():
        try:
            found = _column(READERS[reader], path, name)
        except Exception:  # a refusal of any kind: not read
            return False
        if found is None or not np.array_equal(found, expected, equal_nan=True):
            return False
    return True


def _column(
    reader: Callable[[Path], dict[str, np.ndarray]], path: Path, name: str
) -> np.ndarray | None:
    """One column; other columns may be words."""
    found = reader(path)
    return list(found.values())[int(name)] if name in ("0", "1") else found.get(name)
