"""How a text file is laid out: DuckDB's sniffer, and a second look at what it gets wrong.

The sniffer reads ``1,2;3,4`` as three columns with commas and takes cells that begin with ``#``
for comments. The second look prefers a sign that splits every line of the beginning into equally
many cells, in the order tab, semicolon, stroke, comma, space, and never skips a line as a comment.
The first line is a header if it has words where the lines below have numbers, or if its numbers
are whole and distinct years or counts under one word.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from l2c_jax.io.source import BLOCK, LINE_LIMIT, TableError
from l2c_jax.preprocessing.numbers import MISSING_LEVELS, parse_numbers

HEAD_ROWS = 200
"""Rows of the beginning that are looked at."""
WIDEST = 20_000
"""Columns of the widest table."""
_SIGNS = "\t;|, "


@dataclass(frozen=True)
class ReadOptions:
    """What a person says about a file; the rest is detected."""

    delimiter: str | None = None
    """Between the cells of a line."""
    encoding: str | None = None
    """Of the text, such as latin-1."""
    header: bool | None = None
    """Whether the first line has the names of the columns."""
    query: str | None = None
    """A SQL query over the file, which is called data there."""


class Dialect(NamedTuple):
    """The layout of a text file."""

    delimiter: str
    quote: str
    skip: int  # lines before the table, its header not counted
    header: bool
    names: list[str]  # one per column; generated without a header
    notes: tuple[str, ...]


def detect_dialect(
    connection: Any,
    name: str,
    path: Path,
    delimiter: str | None = None,
    header: bool | None = None,
) -> Dialect:
    """Look at the beginning of a text file.

    Args:
      connection: to DuckDB, for its sniffer.
      name: of the file, for messages.
      path: of a regular file in UTF-8.
      delimiter: if it is known.
      header: whether the first line has names, if that is known.

    Returns:
      The layout.

    Raises:
      TableError: if the file has no line with a cell, or too many columns.
    """
    quote, skip = '"', 0
    if delimiter is None:
        delimiter, quote, skip = _delimiter(connection, path)
    elif len(delimiter.encode()) != 1:
        raise TableError(f"{name}: the delimiter {delimiter!r} is not one character")
    rows = list(islice(records(path, delimiter, quote, skip), HEAD_ROWS))
    if not rows:
        raise TableError(f"{name}: is empty")
    first = rows[0][1]
    if len(first) > WIDEST:
        raise TableError(f"{name}: has {len(first):,} columns, more than {WIDEST:,}")
    if header is None:
        header = _is_header([cells for _, cells in rows if len(cells) == len(first)])
    if skip and not header:
        skip, rows = 0, list(islice(records(path, delimiter, quote), HEAD_ROWS))
        first = rows[0][1]
    notes = (f"the first {skip} lines are not part of the table",) if skip else ()
    names = [cell.strip() for cell in first] if header else generated_names(len(first))
    return Dialect(delimiter, quote, skip, header, names, notes)


def generated_names(width: int) -> list[str]:
    """``column1``, ``column2``, ..."""
    return [f"column{index + 1}" for index in range(width)]


def records(
    path: Path, delimiter: str, quote: str = '"', skip: int = 0, *, blank: bool = False
) -> Iterator[tuple[int, list[str]]]:
    """The rows of a text file with the number of their last line; to look at, not to read by.

    Args:
      path: in UTF-8.
      delimiter: between cells.
      quote: around cells.
      skip: lines to leave out first.
      blank: whether lines without any character are rows.

    Yields:
      Line, from 1, and cells.
    """
    csv.field_size_limit(LINE_LIMIT)
    with path.open(encoding="utf-8-sig", newline="", errors="replace") as text:
        for _ in range(skip):
            next(text, None)
        reader = csv.reader(text, delimiter=delimiter, quotechar=quote)
        try:
            for row in reader:
                if row or blank:
                    yield reader.line_num + skip, row
        except csv.Error:
            return


def refusal(text: str, dialect: Dialect | None) -> str:
    """DuckDB's message in one line, in words for a person.

    Args:
      text: of the error.
      dialect: of a text file.

    Example:
      >>> refusal("Out of Memory Error: failed to allocate", None)
      'needs more memory than the reader may use'
    """
    line = re.search(r"CSV Error on Line: (\d+)", text)
    place = f"line {line[1]}" if line else "a line"
    cells = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", text)
    if cells:
        return f"{place} has {cells[2]} cells, the first line has {cells[1]}"
    if "unterminated quote" in text:
        return f"{place}: a quoted cell does not end as it should"
    if "Maximum line size" in text:
        return f"{place} is longer than 2 MB"
    if "Invalid unicode" in text or "not utf-8" in text.lower():
        return f"{place} is not text in UTF-8; say which with --encoding"
    if "Out of Memory" in text:
        return "needs more memory than the reader may use"
    if dialect is not None and "state machine" in text:
        return "is not a CSV table (its quotes or line ends are inconsistent)"
    return " ".join(text.split())[:300]


def blank_lines_at_the_end(path: Path) -> int:
    """Blank lines after the last line with a character; a table of one column has rows there.

    Example:
      >>> import tempfile
      >>> path = Path(tempfile.mkdtemp()) / "t.csv"
      >>> _ = path.write_text("x\\n1\\n\\n\\n")
      >>> blank_lines_at_the_end(path)
      2
    """
    size = path.stat().st_size
    tail = b""
    with path.open("rb") as file:
        while len(tail) < size and not tail.strip(b"\r\n"):
            file.seek(max(0, size - len(tail) - BLOCK))
            tail = file.read()
    return max(0, len(tail[len(tail.rstrip(b"\r\n")) :].splitlines()) - 1)


def _delimiter(connection: Any, path: Path) -> tuple[str, str, int]:
    """Delimiter, quote and lines to skip."""
    for sign in _SIGNS:
        rows = [cells for _, cells in islice(records(path, sign), HEAD_ROWS)]
        widths = {len(cells) for cells in rows}
        if len(widths) == 1 and widths.pop() > 1 and (sign != " " or _all_numbers(rows[1:])):
            return sign, '"', 0
    first = next(records(path, "\0"), (0, [""]))[1]
    question = "select Delimiter, Quote, SkipRows from sniff_csv(?, sample_size=2048)"
    try:
        sign, quote, skip = connection.execute(question, [str(path)]).fetchone()
    except Exception:  # of many kinds; without an answer the file is refused where it breaks
        sign, quote, skip = ",", '"', 0
    quote = "'" if quote == "'" else '"'
    rows = [cells for _, cells in islice(records(path, sign, quote, skip), HEAD_ROWS)]
    if len({len(cells) for cells in rows}) == 1 and len(rows[0]) > 1:
        return sign, quote, skip
    # lines of unequal length: by the sign of the first line, so that the odd line is named
    written = max("\t;|,", key=first[0].count)
    if not first[0].count(written):  # one column: a sign that no cell holds
        text = "".join(cell for _, cells in _whole_lines(path) for cell in cells)
        written = next((sign for sign in "\t;|," if sign not in text), "\t")
    return written, '"', 0


def _whole_lines(path: Path) -> list[tuple[int, list[str]]]:
    """The beginning with each line as one cell."""
    return list(islice(records(path, "\0"), HEAD_ROWS))


def _all_numbers(rows: list[list[str]]) -> bool:
    return all(_is_number(cell) for cells in rows for cell in cells)


def _is_number(cell: str) -> bool:
    return not parse_numbers(np.array([cell], object)).odd[0]


def _is_header(rows: list[list[str]]) -> bool:
    """Whether the first row has names."""
    first = [cell.strip() for cell in rows[0]]
    empty = [cell in MISSING_LEVELS for cell in first]
    numbers = [_is_number(cell) and not gone for cell, gone in zip(first, empty, strict=True)]
    if not any(numbers):
        words = [not gone for gone in empty]
        return any(words)
    if len(rows) < 2 or all(numbers):
        return False
    below = [
        [cell for row in rows[1:] if (cell := row[index].strip()) not in MISSING_LEVELS]
        for index in range(len(first))
    ]
    columns = list(zip(first, numbers, below, strict=True))
    named = {cell for cell, gone in zip(first, empty, strict=True) if not gone}
    over = [cells for cell, number, cells in columns if not number and cell in named]
    if any(cells and all(map(_is_number, cells)) for cells in over):
        return True  # a word over numbers
    heads = [cell for cell, number, _ in columns if number]
    repeated = any(cell in cells for cell, number, cells in columns if not number)
    if repeated or len(set(heads)) < len(heads):
        return False
    if not all(re.fullmatch(r"\d{1,4}", cell) for cell in heads):
        return False
    if all(1500 <= int(cell) <= 2200 for cell in heads):
        return True
    steps = set(np.diff([int(cell) for cell in heads]).tolist())
    broken = any("." in c or "," in c for _, number, cells in columns if number for c in cells)
    return len(steps) == 1 and min(steps) > 0 and broken
