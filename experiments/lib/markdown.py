"""Numbers and tables in Markdown."""

from collections.abc import Iterable, Sequence

from experiments.lib.records import Record


def number(value: float | None, digits: int = 3) -> str:
    """A number for a table, without the zero before the point; a dash for None.

    Example:
      >>> number(0.0831), number(None), number(12.5, 1)
      ('.083', '-', '12.5')
    """
    if value is None:
        return "-"
    text = f"{value:.{digits}f}"
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text


def measured(record: Record, digits: int = 3, scale: float = 1) -> str:
    """Mean and standard error of a record, if it has one.

    Example:
      >>> measured({"mean": 0.0831, "stderr": 0.0062})
      '.083 ± .006'
      >>> measured({"mean": 0.0831, "stderr": 0.0062}, 1, scale=100)
      '8.3 ± .6'
    """
    mean, error = record["mean"], record.get("stderr")
    shown = [number(scale * value, digits) for value in (mean, error) if value is not None]
    return " ± ".join(shown)


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown, its columns padded to line up as text too.

    Example:
      >>> print(markdown_table(["method", "error"], [["k-means", ".18"]]))
      | method  | error |
      |---------|-------|
      | k-means | .18   |
    """
    body = [list(map(str, row)) for row in rows]
    widths = [max(map(len, column)) for column in zip(header, *body, strict=True)]

    def line(cells: Sequence[str]) -> str:
        padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        return "| " + " | ".join(padded) + " |"

    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([line(header), rule, *map(line, body)])


def rows_by_metric(
    records: Sequence[Record], metrics: Iterable[tuple[str, int]]
) -> list[list[str]]:
    """One row for each data set and method, with the means of some metrics.

    Example:
      >>> record = {"dataset": "csv", "method": "duckdb", "metric": "seconds", "mean": 1.25}
      >>> rows_by_metric([record], [("seconds", 1)])
      [['csv', 'duckdb', '1.2']]
    """
    found = by_key(records, "dataset", "method", "metric")
    places = dict.fromkeys((entry["dataset"], entry["method"]) for entry in records)
    shown = list(metrics)
    return [
        [dataset, method, *(number(found[dataset, method, m]["mean"], d) for m, d in shown)]
        for dataset, method in places
    ]


def by_key(records: Iterable[Record], *fields: str) -> dict[tuple, Record]:
    """Records by the values of some of their fields, in order.

    Example:
      >>> by_key([{"method": "k-means", "metric": "ARI", "mean": 0.5}], "method", "metric")
      {('k-means', 'ARI'): {'method': 'k-means', 'metric': 'ARI', 'mean': 0.5}}
    """
    return {tuple(record[field] for field in fields): record for record in records}
