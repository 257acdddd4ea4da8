"""What a person says about columns, and how it is refused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from l2c_jax.preprocessing.numbers import Decimal


class CellError(ValueError):
    """Cells of a column of numbers that are no numbers; ``rows`` counts from 0."""

    def __init__(self, column: str, rows: Sequence[int], cells: Sequence[Any], total: int):
        self.column, self.rows, self.cells, self.total = column, tuple(rows), tuple(cells), total
        super().__init__(self.text([f"row {row}" for row in rows]))

    def text(self, places: Sequence[str]) -> str:
        """The message, with a name for the place of each cell."""
        shown = [
            f"{place}: {str(cell)[:40]!r}"
            for place, cell in zip(places[:3], self.cells, strict=False)
        ]
        more = f" and {self.total - len(shown)} more" if self.total > len(shown) else ""
        return (
            f"column {self.column!r} holds numbers, but {', '.join(shown)}{more} "
            f"{'is' if self.total == 1 else 'are'} not a finite number; mend the cells, or leave "
            "the column out, or use it as categorical"
        )


class ColumnChoiceError(ValueError):
    """Columns that were asked for and are not there, or cannot be used so."""


@dataclass(frozen=True)
class ColumnOptions:
    """What a person says about the columns; the rest is detected."""

    columns: tuple[str, ...] = ()
    """Use only these."""
    drop: tuple[str, ...] = ()
    """Do not use these."""
    categorical: tuple[str, ...] = ()
    """Numbers or text that stand for categories."""
    dates: tuple[str, ...] = ()
    """Dates to use, as numbers of days."""
    id_columns: tuple[str, ...] = ()
    """Identifiers: not used."""
    ordered: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Columns whose levels have an order: their name, and the levels in it."""
    label_column: str | None = None
    """True labels: not used."""
    decimal: Decimal | None = None
    """The sign before the decimals, where it is known."""

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> "ColumnOptions":
        """From what JSON makes of ``dataclasses.asdict``: lists are tuples again.

        Raises:
          TypeError: if there is an unknown entry.

        Example:
          >>> ColumnOptions.from_json({"drop": ["a"]}).drop
          ('a',)
        """
        ordered = tuple((name, tuple(levels)) for name, levels in entry.get("ordered", ()))
        lists: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()
        }
        return cls(**{**lists, "ordered": ordered})


def check_names(names: Sequence[str], options: ColumnOptions) -> None:
    """Refuse options that name a column which is not there.

    Raises:
      ColumnChoiceError: with the name.
    """
    label = () if options.label_column is None else (options.label_column,)
    chosen = (options.columns, options.drop, options.categorical, options.dates)
    for wanted in (*chosen, options.id_columns, label):
        for name in wanted:
            if name not in names:
                raise ColumnChoiceError(
                    f"no column {name!r}; the columns are {', '.join(map(str, names))}"[:500]
                )
