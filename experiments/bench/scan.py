"""DuckDB's own scan of a table, and the memory of a process that did something."""

import re
from pathlib import Path

COLUMNS = 10
"""Of the tables that are scanned: c0, c1, ..."""


def scan_duckdb(path: str) -> float:
    """DuckDB's own scan."""
    import duckdb

    connection = duckdb.connect()
    connection.execute("set threads = 1; set memory_limit = '1GB'")
    sums = ", ".join(f"sum(c{index})" for index in range(COLUMNS))
    return float(sum(connection.execute(f"select {sums} from '{path}'").fetchone() or ()))


def largest_resident() -> float:
    """GiB, of this process alone; NaN where the system does not tell."""
    status = Path("/proc/self/status")
    found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text()) if status.exists() else None
    return int(found[1]) / 2**20 if found else float("nan")
