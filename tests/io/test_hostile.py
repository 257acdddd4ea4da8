"""Hostile files: a refusal in one line, or the numbers of the table they were made from."""

import bz2
import gzip
import lzma
import zipfile
from io import BytesIO

import numpy as np
import pytest

from l2c_jax.io.source import TableError
from l2c_jax.io.tables import read_table

FAST, SLOW = 100, 2000


def known_table(rng):
    """Names, and columns of numbers with two decimals and one of whole numbers."""
    rows, width = int(rng.integers(4, 40)), int(rng.integers(2, 6))
    values = np.round(rng.normal(scale=10.0 ** rng.integers(0, 5), size=(rows, width)), 2)
    values[:, -1] = rng.integers(-50, 1000, rows)
    values[0] += 0.25  # no column is constant or counts the rows
    return [f"v{index} x" for index in range(width)], np.round(values, 2)


def spelt(value, style):
    decimal, thousands, unit = style
    text = f"{value:,.2f}".replace(",", "T").replace(".", decimal).replace("T", thousands)
    return text + unit


def written(rng, names, values):
    """The bytes of a table in a random dialect, encoding and compression."""
    delimiter = str(rng.choice([",", ";", "\t", "|"]))
    decimal, thousands = [(".", ""), (".", ","), (",", ""), (",", "."), (",", " "), (".", "'")][
        rng.integers(6)
    ]
    quoted = delimiter in (decimal, thousands) or rng.random() < 0.2
    style = decimal, thousands, str(rng.choice(["", "", "", "%", " €", "$"]))
    if rng.random() < 0.2:
        values = np.where(rng.random(values.shape) < 0.05, np.nan, values)
    missing = str(rng.choice(["", "NA", "nan", "?"]))
    cells = [[missing if np.isnan(v) else spelt(v, style) for v in row] for row in values]
    lines = [names, *cells] if rng.random() < 0.8 else cells
    quote = '"' if quoted else ""
    end = str(rng.choice(["\n", "\r\n", "\r"]))
    text = end.join(delimiter.join(f"{quote}{c}{quote}" for c in line) for line in lines)
    text += end * int(rng.integers(0, 2))
    encoding = str(rng.choice(["utf-8", "utf-8-sig", "utf-16", "cp1252"]))
    return squeezed(rng, text.encode(encoding)), values


def squeezed(rng, content):
    way = rng.integers(8)
    if way == 4:
        archive = BytesIO()
        with zipfile.ZipFile(archive, "w") as inside:
            inside.writestr("t.csv", content)
        return archive.getvalue()
    return {1: gzip.compress, 2: bz2.compress, 3: lzma.compress}.get(int(way), bytes)(content)


def damaged(rng, content):
    """Bytes cut, flipped, repeated, or mixed with what no table has."""
    way, at = rng.integers(9), int(rng.integers(0, max(1, len(content))))
    if way == 0:
        return content[:at]
    if way == 1:
        return content[:at] + bytes([rng.integers(256)]) + content[at + 1 :]
    if way == 2:
        return content[:at] + b"\0" + content[at:]
    if way == 3:
        return content[:at] + b'"' + content[at:]
    if way == 4:
        return content[:at] + b"9" * 2_500_000 + content[at:]
    if way == 5:
        return content[:at] + b"," * int(rng.integers(1, 50_000)) + content[at:]
    if way == 6:
        return rng.bytes(int(rng.integers(1, 5000)))
    if way == 7:
        return gzip.compress(content + b"\0" * 3_000_000)
    return content[:at] + b"\xff\xfe\r\n\n\r;;" + content[at:]


def same_numbers(read, values):
    """Whether the columns that vary are those of the table, missing values filled."""
    matrix, encoder = read.numbers, read.prepared.encoder
    for column in encoder.columns:
        place = encoder.features.index(column.name)
        truth = values[:, column.index]
        filled = np.where(np.isnan(truth), np.nanmedian(truth), truth)
        if column.levels or not np.allclose(matrix[:, place], filled):
            return False
    unused = set(range(values.shape[1])) - {column.index for column in encoder.columns}
    return all(np.unique(known[~np.isnan(known)]).size < 2 for known in values[:, [*unused]].T)


def try_file(seed, folder):
    rng = np.random.default_rng(seed)
    names, values = known_table(rng)
    content, values = written(rng, names, values)
    hurt = rng.random() < 0.5
    path = folder / "table.csv"
    path.write_bytes(damaged(rng, content) if hurt else content)
    try:
        read = read_table(path)
    except TableError as error:
        refusal = str(error)
    else:
        refusal = None
    if refusal is not None:
        assert "\n" not in refusal
        assert str(path) in refusal
        return "damaged, refused" if hurt else "refused"
    if hurt:
        return "damaged, read"
    assert len(read.numbers) == len(values), f"seed {seed}"
    assert same_numbers(read, values), f"seed {seed}"
    return "read"


@pytest.mark.parametrize("block", range(4))
def test_hostile_files(block, tmp_path):
    seeds = range(block * FAST // 4, (block + 1) * FAST // 4)
    outcomes = [try_file(seed, tmp_path) for seed in seeds]
    assert outcomes.count("read") > outcomes.count("refused")


@pytest.mark.slow
@pytest.mark.parametrize("block", range(4))
def test_many_hostile_files(block, tmp_path):
    for seed in range(FAST + block * SLOW // 4, FAST + (block + 1) * SLOW // 4):
        try_file(seed, tmp_path)
