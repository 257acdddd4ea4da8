"""A table in a temporary database of DuckDB.

DuckDB was chosen over polars and pyarrow by ``experiments/bench/readers.py``: it is the only one
with a sniffer of dialects, it refuses ragged lines and open quotes with the number of the line,
its memory has a limit, it runs SQL over the file, and hands over NumPy arrays. A text file is
loaded once, every cell as text, into a database in a temporary folder; from there any rows can be
taken again, which a text file does not allow. What a cell of text means is decided in
:mod:`l2c_jax.preprocessing.roles`, in the same way for every format.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np

from l2c_jax.io.cells import cast_of, cells_of
from l2c_jax.io.dialect import (
    WIDEST,
    Dialect,
    ReadOptions,
    blank_lines_at_the_end,
    detect_dialect,
    records,
    refusal,
)
from l2c_jax.io.source import Source, TableError, TemporaryFolder, working_memory
from l2c_jax.preprocessing.numbers import MISSING

GROUP = 4
"""Columns that one query looks at: the time to plan a query grows faster than their number."""


class DatabaseTable:
    """A table in a temporary database."""

    def __init__(self, source: Source, folder: TemporaryFolder, options: ReadOptions) -> None:
        import duckdb

        self._folder, self._source, self._duckdb = folder, source, duckdb
        self.name, self._dialect = source.name, cast("Dialect | None", None)
        self.notes: tuple[str, ...] = source.notes
        self.likely_decimal: str | None = "."
        self._connection = duckdb.connect(str(folder.path / "table.db"))
        for setting in (
            f"memory_limit = '{working_memory()}'",
            "threads = 2",
            "force_compression = 'uncompressed'",
            f"temp_directory = '{_quoted_text(str(folder.path))}'",
            "autoinstall_known_extensions = false",
            "autoload_known_extensions = false",
        ):
            self._connection.execute(f"set {setting}")
        try:
            self._load(options)
        except duckdb.Error as error:
            raise TableError(f"{self.name}: {refusal(str(error), self._dialect)}") from error
        if not self.rows:
            raise TableError(f"{self.name}: has a header but no rows")

    def columns(
        self, start: int, stop: int, only: Sequence[int] | None = None
    ) -> list[np.ndarray]:
        """Cells of consecutive rows; see :class:`TableFile`."""
        return self._arrays(f"where rowid >= {start} and rowid < {stop}", only=only)

    def checked(self, index: int) -> bool:
        """Whether all cells of a column are known to be finite numbers or missing."""
        return self._casts[index].startswith("try_cast(c") and self._dialect is not None

    def take(self, rows: np.ndarray) -> list[np.ndarray]:
        """Cells of the rows with these numbers, which ascend."""
        if len(rows) == self.rows:
            return self.columns(0, self.rows)
        chosen = [rows.astype(np.int64).tolist()]
        return self._arrays("where rowid in (select unnest(?::bigint[])) order by rowid", chosen)

    def lines(self, start: int, stop: int, left_out: Sequence[str] = ()) -> list[str]:
        """The rows as lines of CSV, without the columns left out."""
        special = " or ".join(
            f"contains(t, {sign})" for sign in ("','", "'\"'", "chr(10)", "chr(13)")
        )
        quoted = """'"' || replace(t, '"', '""') || '"'"""
        self._connection.execute(
            "create or replace temp macro csv_cell(t) as "
            f"case when t is null then '' when {special} then {quoted} else t end"
        )
        cells = [
            f"csv_cell(c{index}::varchar)"
            for index, name in enumerate(self.names)
            if name not in left_out
        ]
        sql = f"select concat_ws(',', {', '.join(cells) or repr('')}) as line from t "
        sql += f"where rowid >= {start} and rowid < {stop}"
        return [line for (line,) in self._connection.execute(sql).fetchall()]

    def place(self, row: int) -> str:
        """The line of a row of text, or else its number."""
        if self._dialect is None:
            return f"row {row + 1}"
        dialect = self._dialect
        blank = len(dialect.names) == 1  # where a blank line is a row
        body = records(
            *(self._source.path, dialect.delimiter, dialect.quote, dialect.skip), blank=blank
        )
        for number, (line, _) in enumerate(body):
            if number == row + dialect.header:
                return f"line {line}"
        return f"row {row + 1}"

    def _load(self, options: ReadOptions) -> None:
        if self._source.kind == "text":
            self._load_text(options)
        else:
            reader = "read_parquet(?)"
            if self._source.kind == "json":
                reader = (
                    "read_json(?, format='auto', sample_size=-1, maximum_object_size=16777216)"
                )
            self._keep(f"select * from {reader}", [str(self._source.path)])
            if self._source.kind == "parquet":
                self._drop_pandas_index()
        self._find_numbers()
        if options.query is not None:
            self._run_query(options.query)

    def _load_text(self, options: ReadOptions) -> None:
        dialect = detect_dialect(
            *(self._connection, self.name, self._source.path),
            *(options.delimiter, options.header),
        )
        self._dialect, self.names = dialect, dialect.names
        self.notes = (*self.notes, *dialect.notes)
        self.likely_decimal = "." if dialect.delimiter in ", " else None
        width = len(dialect.names)
        self._connection.execute(f"set memory_limit = '{working_memory(width)}'")
        columns = ", ".join(f"'c{index}': 'VARCHAR'" for index in range(width))
        quote = _quoted_text(dialect.quote)
        self._connection.execute(
            f"create table t as select * from read_csv(?, auto_detect=false, header=false, "
            f"columns={{{columns}}}, delim='{_quoted_text(dialect.delimiter)}', quote='{quote}', "
            f"escape='{quote}', skip={dialect.skip + dialect.header}, strict_mode=true, "
            f"null_padding=false, ignore_errors=false, max_line_size=2100000, comment='')",
            [str(self._source.path)],
        )
        self._count()
        if width == 1 and (blank := blank_lines_at_the_end(self._source.path)):
            self._connection.execute(f"delete from t where rowid >= {self.rows - blank}")
            self._count()

    def _keep(self, query: str, parameters: list[str]) -> None:
        """The answer of a query as the table ``t`` with columns ``c0``, ``c1``, ..."""
        described = self._connection.execute(f"describe {query}", parameters).fetchall()
        if len(described) > WIDEST:
            raise TableError(f"{self.name}: has {len(described):,} columns, more than {WIDEST:,}")
        self.names = [str(row[0]) for row in described]
        renamed = ", ".join(f"c{index}" for index in range(len(described)))
        self._connection.execute(
            f"create or replace table kept as select * from ({query}) as source({renamed})",
            parameters,
        )
        self._connection.execute("drop view if exists data; drop table if exists t")
        self._connection.execute("alter table kept rename to t")
        self._types = [str(row[1]) for row in described]
        self._count()

    def _count(self) -> None:
        (self.rows,) = self._connection.execute("select count(*) from t").fetchone() or (0,)

    def _drop_pandas_index(self) -> None:
        """pandas writes its index as a column; the file says which."""
        found = self._connection.execute(
            "select decode(value) from parquet_kv_metadata(?) where decode(key) = 'pandas'",
            [str(self._source.path)],
        ).fetchone()
        listed = re.search(r'"index_columns":\s*\[(.*?)\]', found[0]) if found else None
        index = set(re.findall(r'"((?:[^"\\]|\\.)*)"', listed[1])) if listed else set()
        if index & set(self.names) and not set(self.names) <= index:
            self.notes = (*self.notes, "the index of pandas is not read")
            kept = [f"c{i}" for i, name in enumerate(self.names) if name not in index]
            names = [name for name in self.names if name not in index]
            types = [t for t, n in zip(self._types, self.names, strict=True) if n not in index]
            self._connection.execute(
                f"create table less as select {', '.join(kept)} from t; drop table t"
            )
            for number, old in enumerate(kept):
                if old != f"c{number}":
                    self._connection.execute(f"alter table less rename {old} to c{number}")
            self._connection.execute("alter table less rename to t")
            self.names, self._types = names, types

    def _find_numbers(self) -> None:
        """How the cells of each column are handed over."""
        width = range(len(self.names))
        if self._source.kind != "text":
            self._casts = [cast_of(f"c{i}", self._types[i]) for i in width]
            return
        missing = ", ".join(f"'{_quoted_text(word)}'" for word in sorted(MISSING))
        plain: list[bool] = []
        for start in range(0, len(self.names), GROUP):
            checks = ", ".join(
                f"count(*) filter (c{i} is not null and (contains(c{i}, '_') or "
                f"not coalesce(isfinite(try_cast(c{i} as double)), false)) "
                f"and lower(trim(c{i})) not in ({missing}))"
                for i in width[start : start + GROUP]
            )
            found = self._connection.execute(f"select {checks} from t").fetchone()
            plain += [count == 0 for count in found or ()]
        either = self.likely_decimal is None or self._commas([i for i in width if not plain[i]])
        self._casts = [
            f"c{i}"
            if not plain[i] or (either and self._three_digits(i))
            else f"try_cast(c{i} as double)"
            for i in width
        ]

    def _commas(self, columns: list[int]) -> bool:
        """Whether a cell of these columns has a comma between two digits."""
        for index in columns:
            found = self._connection.execute(
                f"select bool_or(regexp_matches(c{index}, '\\d,\\d')) from t"
            ).fetchone()
            if found and found[0]:
                return True
        return False

    def _three_digits(self, index: int) -> bool:
        """Whether ``1.234`` could mean 1234 in this column: all of its dots are followed by 3."""
        grouped = r"'[+-]?[1-9]\d{0,2}(\.\d{3})+'"
        found = self._connection.execute(
            f"select bool_and(regexp_full_match(trim(c{index}), {grouped})) "
            f"from t where contains(c{index}, '.')"
        ).fetchone()
        return bool(found and found[0])

    def _run_query(self, query: str) -> None:
        statements = self._connection.extract_statements(query)
        if len(statements) != 1 or statements[0].type != self._duckdb.StatementType.SELECT:
            raise TableError(f"{self.name}: the query is not one SELECT statement")
        named = ", ".join(
            f"{self._typed(index)} as {_quoted_name(name or f'column{index + 1}')}"
            for index, name in enumerate(self.names)
        )
        for view in {"data", Path(self.name).name.split(".")[0] or "data"}:
            self._connection.execute(f"create view {_quoted_name(view)} as select {named} from t")
        self._keep(query.strip().rstrip(";"), [])
        self._dialect = None
        self._casts = [cast_of(f"c{i}", kind) for i, kind in enumerate(self._types)]

    def _typed(self, index: int) -> str:
        """A column of text that holds numbers, as numbers."""
        if not self._casts[index].startswith("try_cast"):
            return f"c{index}"
        whole = self._connection.execute(
            f"select bool_and(regexp_full_match(trim(c{index}), '[+-]?\\d{{1,18}}')) from t"
        ).fetchone()
        return f"try_cast(c{index} as {'bigint' if whole and whole[0] else 'double'})"

    def _arrays(
        self, where: str, parameters: Sequence[Any] = (), only: Sequence[int] | None = None
    ) -> list[np.ndarray]:
        chosen = range(len(self.names)) if only is None else only
        casts = ", ".join(f"{self._casts[index]} as c{index}" for index in chosen)
        sql = f"select {casts or 'rowid'} from t {where}"
        found = self._connection.execute(sql, parameters).fetchnumpy()
        nothing = np.zeros(0)
        wanted = set(chosen)
        return [
            cells_of(found[f"c{index}"]) if index in wanted else nothing
            for index in range(len(self.names))
        ]


def _quoted_text(text: str) -> str:
    return text.replace("'", "''")


def _quoted_name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
