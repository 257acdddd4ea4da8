"""A large file: read and labelled in bounded memory, against DuckDB's own scan, and under Dask.

Claim: 1e7 rows x 10 columns are read and labelled within 4 GiB, from CSV and from Parquet, with
the same clusters; two workers of Dask label the same file with the saved model and find as many
rows in each.

    python -m experiments.bench.large               # 1e7 rows x 10 columns: tens of minutes
    python -m experiments.bench.large --rows 100000
    python -m experiments.bench.large --smoke       # a minute

Every part runs in a process of its own, Dask in two further ones. Memory: the largest resident
set of a process; of Dask, that of the larger worker. DuckDB sums every column with one thread.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tqdm import tqdm

from experiments.bench.scan import COLUMNS, largest_resident, scan_duckdb
from experiments.lib.markdown import markdown_table, rows_by_metric
from experiments.lib.paths import ROOT
from experiments.lib.records import Record, record
from experiments.lib.runner import Options, main

CLUSTERS = 3
GIB = 4.0
"""Memory, at most."""
KINDS = ("csv", "parquet")
BLOCK = "64MB"
"""Of CSV that one task of Dask labels."""


def make_files(folder: Path, rows: int, seed: int) -> None:
    """Three Gaussian clouds in ten columns, as CSV and Parquet, written in pieces."""
    import duckdb

    connection = duckdb.connect()
    connection.execute("set threads = 1; set memory_limit = '1GB'")
    connection.execute(f"select setseed({(seed % 100) / 100})")
    cells = ", ".join(
        f"(sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random()) + "
        f"{4 * (index % CLUSTERS)} * (range % {CLUSTERS} = {index % CLUSTERS})::int)"
        f"::decimal(12, 4) as c{index}"
        for index in range(COLUMNS)
    )
    connection.execute(f"copy (select {cells} from range({rows})) to '{folder}/table.csv'")
    typed = f"select * from read_csv('{folder}/table.csv')"
    connection.execute(f"copy ({typed}) to '{folder}/table.parquet'")


def scan(path: Path) -> dict:
    """DuckDB's own scan."""
    start = time.perf_counter()
    scan_duckdb(str(path))
    return {"seconds": time.perf_counter() - start, "GiB": largest_resident()}


def label(path: Path) -> dict:
    """What ``l2c cluster FILE -k 3 --out ANSWER --save MODEL`` does."""
    from l2c_jax.io import label_file
    from l2c_jax.tabular.fitted_model import save_fitted_model
    from l2c_jax.tabular.model import load_tabular_model
    from l2c_jax.training import runtime

    runtime.start()
    model = load_tabular_model("universal")
    start = time.perf_counter()
    adapted = label_file.adapt_file(model, label_file.LabelRequest(path, num_clusters=CLUSTERS))
    read = time.perf_counter() - start
    with path.with_suffix(".answer").open("w") as out:
        summary = label_file.write_labels(model, adapted, out)
    seconds = time.perf_counter() - start
    save_fitted_model(path.with_suffix(".model"), label_file.fitted_model_of(model, adapted))
    return {
        "seconds": seconds,
        "of it reading and adapting": read,
        "GiB": largest_resident(),
        "sizes": summary.sizes.tolist(),
    }


def label_by_dask(path: Path) -> dict:
    """The same file by the saved model, on two workers."""
    import dask
    import dask.dataframe as dd
    from dask.distributed import Client

    from l2c_jax.estimators import predict_partition

    start = time.perf_counter()
    with Client(
        n_workers=2, threads_per_worker=1, memory_limit=f"{GIB}GiB", dashboard_address=None
    ) as client:
        if path.suffix == ".csv":
            table = dd.read_csv(path, blocksize=BLOCK)
        else:
            table = dd.read_parquet(path, split_row_groups=True)
        model = str(path.with_suffix(".model"))
        labels = table.map_partitions(predict_partition, model, meta=("cluster", "int64"))
        counted = dask.compute(*(dask.delayed(count)(part) for part in labels.to_delayed()))
        seconds = time.perf_counter() - start
        largest = max(client.run(largest_resident).values())
    sizes = [sum(part) for part in zip(*counted, strict=True)]
    return {"seconds": seconds, "GiB": largest, "sizes": sizes}


def count(labels: Any) -> list[int]:
    """Rows of each cluster in a part."""
    return [int((labels == cluster).sum()) for cluster in range(CLUSTERS)]


PARTS = {"duckdb": scan, "l2c_jax": label, "l2c_jax (two workers of Dask)": label_by_dask}


def in_a_process(name: str, path: Path) -> dict:
    """What one part reports."""
    command = [sys.executable, "-m", "experiments.bench.large", "one", name, str(path)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, check=True, env=environment, cwd=ROOT
    )
    return json.loads(done.stdout.splitlines()[-1])


def measure(options: Options) -> list[Record]:
    """All records."""
    return list(lines(options))


def lines(options: Options) -> Iterator[Record]:
    """Seconds, MB/s and GiB of every part; the clusters must be the same everywhere."""
    rows = 3000 if options.smoke else options.own.get("rows", 10_000_000)
    with tempfile.TemporaryDirectory() as folder:
        make_files(Path(folder), rows, options.seed)
        todo = [(kind, name) for kind in KINDS for name in PARTS]
        sizes: dict[str, list[int]] = {}
        for kind, name in tqdm(todo, disable=options.smoke):
            path = Path(folder) / f"table.{kind}"
            found = in_a_process(name, path)
            if "sizes" in found:
                sizes[f"{kind}, {name}"] = found.pop("sizes")
            found["MB/s"] = path.stat().st_size / 1e6 / found["seconds"]
            for metric, value in found.items():
                dataset = f"{kind}, {rows:,} rows x {COLUMNS}"
                yield record("large", dataset, name, metric, [value], seed=options.seed)
    for name, counted in sizes.items():
        if sum(counted) != rows or counted != next(iter(sizes.values())):
            raise RuntimeError(f"the clusters of {name} are not those of the others: {sizes}")


def render(records: list[Record]) -> str:
    """The table, for RESULTS.md."""
    rows = rows_by_metric(records, METRICS)
    return (
        "## A large file\n\n"
        + markdown_table(["", "", *(metric for metric, _ in METRICS)], rows)
        + "\n\n`duckdb`: its own scan, every column summed by one thread. `l2c_jax`: the file "
        "read, the learner adapted to a sample, every row labelled, and the table written with "
        "its clusters and probabilities. Dask: the model saved by it labels the file on two "
        "workers; GiB of the larger one. The sizes of the clusters are the same in all parts.\n"
    )


METRICS = (("seconds", 1), ("MB/s", 1), ("GiB", 2))
OWN = {"rows": {"type": int, "default": 10_000_000, "help": "rows of the table"}}

if __name__ == "__main__":
    if sys.argv[1:2] == ["one"]:
        print(json.dumps(PARTS[sys.argv[2]](Path(sys.argv[3]))))
    else:
        main("large", measure, own=OWN)
