"""Readers of tables: DuckDB, polars and pyarrow on one large table, and ours on top.

Claim: DuckDB scans CSV and Parquet within a third of the fastest, and its sniffer reads more of
the small files right than the defaults of the others. Ours looks at every cell, keeps the text
and can take any rows again; it costs five to twelve such scans, and less than 1.5 GiB of memory
whatever the size of the file.

    python -m experiments.bench.readers               # 1e7 rows x 10 columns: minutes
    python -m experiments.bench.readers --rows 1000000
    python -m experiments.bench.readers --smoke       # seconds

Every reader runs in a process of its own, with one thread, and sums every column, so that all
cells are parsed. Memory: the largest resident set of that process.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from experiments.bench.dialects import READERS, SAMPLES, reads_right
from experiments.bench.scan import COLUMNS, largest_resident, scan_duckdb
from experiments.lib.markdown import markdown_table, rows_by_metric
from experiments.lib.records import Record, record
from experiments.lib.runner import Options, main

SMALL = "small files"
PARTS = {
    "csv": ("duckdb", "polars", "pyarrow", "l2c_jax"),
    "parquet": ("duckdb", "polars", "pyarrow", "l2c_jax"),
}


def make_files(folder: Path, rows: int, seed: int) -> None:
    """The same table as CSV and Parquet, written in pieces."""
    import duckdb

    connection = duckdb.connect()
    connection.execute("set threads = 1; set memory_limit = '1GB'")
    connection.execute(f"select setseed({(seed % 100) / 100})")
    cells = ", ".join(
        f"(random() * {10 ** (index % 4)})::decimal(12, 4) as c{index}" for index in range(COLUMNS)
    )
    connection.execute(f"copy (select {cells} from range({rows})) to '{folder}/table.csv'")
    typed = f"select * from read_csv('{folder}/table.csv')"
    connection.execute(f"copy ({typed}) to '{folder}/table.parquet'")


def scan_polars(path: str) -> float:
    """The streaming engine of polars."""
    import polars

    scan = polars.scan_csv(path) if path.endswith(".csv") else polars.scan_parquet(path)
    return float(sum(scan.sum().collect(engine="streaming").row(0)))


def scan_pyarrow(path: str) -> float:
    """The readers of pyarrow, batch by batch."""
    from pyarrow import compute, csv, parquet

    if path.endswith(".csv"):
        batches = csv.open_csv(path, read_options=csv.ReadOptions(use_threads=False))
    else:
        batches = parquet.ParquetFile(path).iter_batches(use_threads=False)
    return sum(compute.sum(column).as_py() for batch in batches for column in batch.columns)


def scan_l2c_jax(path: str) -> float:
    """What ``l2c cluster`` does before labelling: load, detect roles, hand all rows over."""
    from l2c_jax.io.reader import open_table
    from l2c_jax.io.tables import encoded_batches, prepare

    prepared = prepare(open_table(path))
    return float(sum(matrix.sum() for _, _, matrix, _ in encoded_batches(prepared)))


SCANS: dict[str, Callable[[str], float]] = {
    "duckdb": scan_duckdb,
    "polars": scan_polars,
    "pyarrow": scan_pyarrow,
    "l2c_jax": scan_l2c_jax,
}


def run_one(name: str, path: str) -> None:
    """In a process of its own: seconds, sum, and GiB as a line of JSON."""
    start = time.perf_counter()
    total = SCANS[name](path)
    seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "sum": total, "GiB": largest_resident()}))


def lines(options: Options) -> Iterator[Record]:
    """Seconds, MB/s and GiB of every reader."""
    rows = 2000 if options.smoke else options.own.get("rows", 10_000_000)
    environment = {**os.environ, "POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as folder:
        make_files(Path(folder), rows, options.seed)
        for kind, names in PARTS.items():
            path, sums = Path(folder) / f"table.{kind}", []
            for name in names:
                command = [
                    sys.executable,
                    "-m",
                    "experiments.bench.readers",
                    "one",
                    name,
                    str(path),
                ]
                done = subprocess.run(
                    command, capture_output=True, text=True, check=True, env=environment
                )
                found = json.loads(done.stdout.splitlines()[-1])
                sums.append(found.pop("sum"))
                found["MB/s"] = path.stat().st_size / 1e6 / found["seconds"]
                for metric, value in found.items():
                    yield record(
                        *("readers", f"{kind}, {rows:,} rows x {COLUMNS}", name, metric, [value]),
                        seed=options.seed,
                    )
            np.testing.assert_allclose(sums, sums[0], rtol=1e-9)


def measure(options: Options) -> list[Record]:
    """All records."""
    return [*dialect_lines(options), *lines(options)]


def dialect_lines(options: Options) -> Iterator[Record]:
    """Of the small files, which each reader reads right."""
    with tempfile.TemporaryDirectory() as folder:
        for name in READERS:
            right = [reads_right(name, sample, Path(folder)) for sample in SAMPLES]
            wrong = [s.name for s, good in zip(SAMPLES, right, strict=True) if not good]
            yield record(
                *("readers", SMALL, name, "read right", right),
                seed=options.seed,
                extra={"wrong": wrong},
            )


def render(records: list[Record]) -> str:
    """The table, for RESULTS.md."""
    rows = rows_by_metric([r for r in records if r["dataset"] != SMALL], METRICS)
    small = [entry for entry in records if entry["dataset"] == SMALL]
    said = ", ".join(f"{e['method']} {round(e['mean'] * e['n'])}" for e in small)
    return (
        "## Readers of tables\n\n"
        + markdown_table(["", "", *(metric for metric, _ in METRICS)], rows)
        + "\n\nOne thread, one process a reader, every cell parsed and summed; the file was just "
        "written. `l2c_jax`: load into DuckDB's database with every cell as text, look at all "
        "cells, detect the roles, and hand all rows over as float64.\n\n"
        f"Of {small[0]['n']} small files with semicolons, decimal commas, thousands separators, "
        f"years in the header, encodings and compression, read right without options: {said}.\n"
    )


METRICS = (("seconds", 1), ("MB/s", 0), ("GiB", 2))
OWN = {"rows": {"type": int, "default": 10_000_000, "help": "rows of the table"}}

if __name__ == "__main__":
    if sys.argv[1:2] == ["one"]:
        run_one(*sys.argv[2:4])
    else:
        main("readers", measure, own=OWN)
