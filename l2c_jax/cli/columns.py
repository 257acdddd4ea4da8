"""Flags for the columns and the layout of a file."""

from dataclasses import dataclass
from typing import Annotated, Literal

import tyro

from l2c_jax.io.dialect import ReadOptions
from l2c_jax.preprocessing.column_options import ColumnOptions

Names = Annotated[tuple[str, ...], tyro.conf.UseAppendAction, tyro.conf.arg(metavar="NAME,NAME")]
Switch = Annotated[bool, tyro.conf.FlagCreatePairsOff]


@dataclass(frozen=True)
class ColumnFlags:
    """Which columns are used, and as what. Names are separated by commas, or the flag repeated."""

    columns: Names = ()
    """Use only these columns."""
    drop: Names = ()
    """Do not use these columns; they stay in the answer."""
    categorical: Names = ()
    """Columns whose numbers or words stand for categories."""
    dates: Names = ()
    """Columns of dates to use, as numbers of days."""
    id_column: Names = ()
    """Columns that identify rows: not used, kept in the answer."""
    decimal: Literal[".", ","] | None = None
    """The sign before the decimals; default: detected."""

    def options(self, label_column: str | None) -> ColumnOptions:
        """The library's configuration."""
        return ColumnOptions(
            columns=_names(self.columns),
            drop=_names(self.drop),
            categorical=_names(self.categorical),
            dates=_names(self.dates),
            id_columns=_names(self.id_column),
            label_column=label_column,
            decimal=self.decimal,
        )


@dataclass(frozen=True)
class FileFlags:
    """How the file is laid out."""

    delimiter: str | None = None
    """Between the cells of a line; "tab" for a tabulator; default: detected."""
    encoding: str | None = None
    """Of the text, such as latin-1; default: detected."""
    header: Switch = False
    """The first line has the names of the columns; default: detected."""
    no_header: Switch = False
    """The first line is a row."""
    query: str | None = None
    """A SQL query over the file, called data there: "select x, y from data where x > 0"."""

    def options(self) -> ReadOptions:
        """The library's configuration.

        Raises:
          ValueError: if the file is said to have a header and none.
        """
        if self.header and self.no_header:
            raise ValueError("--header and --no-header exclude each other")
        delimiter = {"tab": "\t", "\\t": "\t"}.get(self.delimiter or "", self.delimiter)
        header = True if self.header else False if self.no_header else None
        return ReadOptions(delimiter, self.encoding, header, self.query)


def _names(given: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name.strip() for text in given for name in text.split(",") if name.strip())
