"""Hostile files, and what becomes of them; for ``test_hostile_files.py``.

python tests/io/hostile_files.py read 0 50    # what became of these files, as JSON
"""

import bz2
import contextlib
import gzip
import io
import json
import lzma
import os
import re
import sys
import tempfile
import threading
import traceback
import zipfile
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

WORDS = ["red", "Grün", 'a "b"', "x;y", "x,y", "x\ty", "#no", "=1+1", "two\nlines", "it's", "ü€"]
STYLES = [(".", ""), (".", ","), (",", ""), (",", "."), (",", " "), (".", "'"), (".", " ")]


class Known(NamedTuple):
    """A table as it is meant."""

    names: list[str]
    columns: list[np.ndarray]  # float64, or object with str and None


class Hostile(NamedTuple):
    """A file, and what it holds."""

    content: bytes
    ending: str
    table: Known | None  # None: damaged, so that any answer or refusal will do
    way: str  # how it was made, for messages


def known_table(rng) -> Known:
    rows, numbers, texts = (int(rng.integers(*r)) for r in ((4, 60), (1, 6), (0, 3)))
    alone = numbers + texts == 1
    columns = []
    for _ in range(numbers):
        values = np.round(rng.normal(scale=10.0 ** rng.integers(-1, 6), size=rows), 2)
        values = np.trunc(values) if rng.random() < 0.3 else values
        if rng.random() < 0.2 and not alone:  # a blank line at the end is no row
            values[1:][rng.random(rows - 1) < 0.1] = np.nan
        columns.append(values)
    for _ in range(texts):
        levels = rng.choice(np.array(WORDS, object), int(rng.integers(2, 6)), replace=False)
        columns.append(rng.choice(levels, rows))
    names = [f"v{index} x" if rng.random() < 0.8 else f"größe {index}" for index in range(99)]
    order = rng.permutation(len(columns))
    return Known(names[: len(columns)], [columns[index] for index in order])


def spelt(value, style, unit):
    whole = value == int(value)
    text = f"{value:,.0f}" if whole else f"{value:,.2f}"
    return text.replace(",", "T").replace(".", style[0]).replace("T", style[1]) + unit


def as_text(rng, table):
    """The bytes of a text file in a random dialect and encoding, and the dialect."""
    delimiter, style = str(rng.choice([*",;\t|"])), STYLES[rng.integers(len(STYLES))]
    header = rng.random() < 0.8
    if len(table.columns) == 1 and (not header or " " in style):  # may as well be two columns
        style = STYLES[0]
    missing, end = str(rng.choice(["", "NA", "nan", "?"])), str(rng.choice(["\n", "\r\n", "\r"]))
    cells = []
    for column in table.columns:
        unit = str(rng.choice(["", "", "", "%", " €", "$"]))
        texts = [
            cell
            if isinstance(cell, str)
            else missing
            if cell != cell
            else spelt(cell, style, unit)
            for cell in column
        ]
        cells.append(texts)
    lines = [list(line) for line in zip(*cells, strict=True)]
    everywhere = rng.random() < 0.2

    def quoted(cell):
        needs = everywhere or any(sign in cell for sign in (delimiter, '"', "\n", "\r"))
        return '"' + cell.replace('"', '""') + '"' if needs else cell

    trail = delimiter if rng.random() < 0.05 else ""
    body = [
        delimiter.join(map(quoted, line)) + trail for line in [table.names, *lines][not header :]
    ]
    if rng.random() < 0.05 and header:
        body = ["exported by a machine", "", *body]
    text = end.join(body) + end * int(rng.integers(0, 3))
    encoding = str(rng.choice(["utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"]))
    return text.encode(encoding), f"{delimiter!r} {style} {missing!r} {end!r} {encoding} {header=}"


def as_typed(rng, table):
    """JSON lines, JSON, Parquet, or an array: the ending, and the bytes."""
    import pandas as pd

    frame = pd.DataFrame(dict(zip(table.names, table.columns, strict=True)))
    way = rng.integers(4 if all(c.dtype == np.float64 for c in table.columns) else 3)
    out = io.BytesIO()
    if way == 0:
        return ".jsonl", frame.to_json(orient="records", lines=True, double_precision=15).encode()
    if way == 1:
        return ".json", frame.to_json(orient="records", double_precision=15).encode()
    if way == 2:
        frame.to_parquet(out)
        return ".parquet", out.getvalue()
    np.save(out, np.stack(table.columns, axis=1))
    return ".npy", out.getvalue()


def squeezed(rng, name, content):
    way = rng.integers(8)
    if way == 4:
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as inside:
            inside.writestr(name, content)
        return archive.getvalue()
    return {1: gzip.compress, 2: bz2.compress, 3: lzma.compress}.get(int(way), bytes)(content)


DAMAGE = {
    "cut": lambda rng, c, at: c[:at],
    "one byte": lambda rng, c, at: c[:at] + bytes([rng.integers(256)]) + c[at + 1 :],
    "zero byte": lambda rng, c, at: c[:at] + b"\0" + c[at:],
    "quote": lambda rng, c, at: c[:at] + b'"' + c[at:],
    "endless cell": lambda rng, c, at: c[:at] + b"9" * 2_500_000 + c[at:],
    "huge cells": lambda rng, c, at: c[:at] + (b"\n" + b"w" * 900_000) * 30 + c[at:],
    "commas": lambda rng, c, at: c[:at] + b"," * int(rng.integers(1, 50_000)) + c[at:],
    "noise": lambda rng, c, at: rng.bytes(int(rng.integers(1, 5000))),
    "zeros": lambda rng, c, at: gzip.compress(c + bytes(30_000_000), 1),
    "bomb": lambda rng, c, at: gzip.compress((c + b"\n1,2") * (20_000_000 // (len(c) + 4)), 1),
    "bomb in a bomb": lambda rng, c, at: gzip.compress(bz2.compress(c * 99)),
    "line ends": lambda rng, c, at: c[:at] + b"\xff\xfe\r\n\n\r;;" + c[at:],
    "wide": lambda rng, c, at: b",".join([b"1.5"] * int(rng.integers(1000, 25_000))) + b"\n" + c,
    "nested": lambda rng, c, at: b'{"a":' * int(rng.integers(2, 5000)) + c,
    "beginnings": lambda rng, c, at: (
        [b"PAR1", b"\x93NUMPY\x01\0", b"PK\x03\x04", b"\x1f\x8b\x08", b"BZh9", b"\xff\xfe", b"[{"][
            rng.integers(7)
        ]
        + c[at:]
    ),
}


def hostile_file(seed) -> Hostile:
    rng = np.random.default_rng([seed, 22])
    table, ending = known_table(rng), ".csv"
    if rng.random() < 0.75:
        content, way = as_text(rng, table)
    else:
        ending, content = as_typed(rng, table)
        way = ending
    content = squeezed(rng, f"t{ending}", content)
    if rng.random() < 0.5:
        return Hostile(content, ending, table, way)
    kind = str(rng.choice([*DAMAGE]))
    at = int(rng.integers(0, max(1, len(content))))
    return Hostile(DAMAGE[kind](rng, content, at), ending, None, f"{way}, {kind} at {at}")


@contextlib.contextmanager
def placed(folder, seed, made):
    """The file, or a pipe that gives it."""
    path = folder / f"{seed}{made.ending}"
    if seed % 5:
        path.write_bytes(made.content)
        yield path
    else:
        os.mkfifo(path)

        def give():
            with contextlib.suppress(BrokenPipeError):
                path.write_bytes(made.content)

        writer = threading.Thread(target=give, daemon=True)
        writer.start()
        yield path
        with contextlib.suppress(OSError):  # a reader, if there was none
            os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
        writer.join(timeout=30)
    path.unlink()


def differs(read, table: Known) -> str:
    """Where what was read is not what was meant, or nothing."""
    encoder, file = read.prepared.encoder, read.prepared.file
    if file.rows != len(table.columns[0]):
        return f"{file.rows} rows of {len(table.columns[0])}"
    raw, used = file.columns(0, file.rows), {c.index: c for c in encoder.columns}
    for index, truth in enumerate(table.columns):
        if truth.dtype == object:
            got = [None if cell is None else str(cell).strip() for cell in raw[index]]
            if got != truth.tolist():
                return f"column {index} is {got}"
        elif index in used:
            column = used[index]
            filled = np.where(np.isnan(truth), np.nanmedian(truth), truth)
            got = read.numbers[:, encoder.features.index(column.features[0])]
            if column.levels and not column.weights:  # yes/no: numbers of levels
                got = np.array([float(column.levels[int(place)]) for place in got])
            if not np.allclose(got, filled, rtol=1e-9):
                return f"column {index} is {got.tolist()}"
        elif (kind := read.prepared.roles[index].kind) not in ("constant", "empty", "row number"):
            return f"column {index} is not used: {kind}"
    return ""


def read_one(path, made):
    from l2c_jax.io.source import TableError
    from l2c_jax.io.tables import read_table

    try:
        read = read_table(path)
    except TableError as error:
        refusal = str(error)
        assert "\n" not in refusal
        assert str(path) in refusal
        return "refused"
    if made.table is not None:
        wrong = differs(read, made.table)
        assert not wrong, wrong
    return "read"


def command_one(path, *arguments):
    """A command on the file in this process: 0 or 2, and one line on standard error for 2."""
    from l2c_jax import cli

    said, out = io.StringIO(), path.with_suffix(".answer")
    with contextlib.redirect_stderr(said), pytest.raises(SystemExit) as end:
        cli.main([*arguments[:-1], str(path), *arguments[-1], "--out", str(out)])
    text = said.getvalue()
    assert end.value.code in (0, 2), text
    assert "Traceback" not in text
    if end.value.code == 2:
        assert text.count("\n") == 1, text
        assert not out.exists()
        return "refused"
    return "read"


def run_block(what, seeds):
    """Outcomes of the files, failures with their tracebacks, and the largest resident GiB."""
    outcomes, failures = Counter(), {}
    with tempfile.TemporaryDirectory() as name:
        folder, model = Path(name), Path(name) / "model"
        if what == "predict":
            (folder / "t.csv").write_text("v0 x,v1 x\n" + "1.5,2\n2.5,1\n9,8\n" * 9)
            command_one(folder / "t.csv", "cluster", ["-k", "2", "--save", str(model)])
        for seed in seeds:
            made = hostile_file(seed)
            try:
                with placed(folder, seed, made) as path:
                    if what == "read":
                        outcome = read_one(path, made)
                    elif what == "cluster":
                        outcome = command_one(path, "cluster", ["-k", "2", "--orders", "4"])
                    else:
                        outcome = command_one(path, "predict", str(model), [])
            except BaseException:
                outcome = "failed"
                failures[seed] = f"{made.way}\n{traceback.format_exc()}"
            outcomes["damaged, " * (made.table is None) + outcome] += 1
    peak = int(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]) / 2**20
    return {"outcomes": outcomes, "failures": failures, "GiB": peak}


if __name__ == "__main__":
    print(json.dumps(run_block(sys.argv[1], range(*map(int, sys.argv[2:4])))))
