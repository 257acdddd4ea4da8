"""The page of Tables 3 and 4, from their records."""

from collections.abc import Sequence

import numpy as np
from scipy.stats import t as student

from experiments.real_tables import LEARNED, REFERENCES
from l2c_jax.report import Record, markdown_table, measured, number


def render(title: str, records: list[Record], note: str) -> str:
    """The tables for RESULTS.md: errors, differences to k-means, and what they say.

    Args:
      title: of the section.
      records: from :func:`measure`.
      note: a sentence of the experiment's own.

    Returns:
      Markdown.
    """
    settings = list(dict.fromkeys(entry["dataset"] for entry in records))
    rows = list(dict.fromkeys(entry["method"] for entry in records))
    by = {(entry["dataset"], entry["method"], entry["metric"]): entry for entry in records}
    body = [[row, *(cell(by.get((s, row, "error"))) for s in settings)] for row in rows]
    best = {s: min(REFERENCES, key=lambda r: by[s, r, "error"]["mean"]) for s in settings}
    gaps = [
        [row, *(gap(by.get((s, row, f"error above {best[s]}"))) for s in settings)]
        for row in rows
        if row not in REFERENCES
    ]
    counts = "; ".join(
        "{}: {tables} tables of {families} families, {tables_that_may_repeat_rows} of them with "
        "a class of too few rows".format(s, **by[s, REFERENCES[0], "error"])
        for s in settings
    )
    verdicts = [verdict(row, settings, best, by) for row in LEARNED if row in rows]
    missing = [row for row in LEARNED if row not in rows]
    first = by[settings[0], REFERENCES[0], "error"]
    fewer = {
        f"{e['method']} on the first {e['tasks_per_split']} of them"
        for e in records
        if e["metric"] == "error" and e["tasks_per_split"] < first["tasks_per_split"]
    }
    return (
        f"## {title}\n\n"
        + markdown_table(["error (paper)", *settings], body)
        + "\n\nPaired differences to the better of both k-means on the same tasks:\n\n"
        + markdown_table(["error above k-means", *settings], gaps)
        + f"\n\nMean ± standard error over {first['n']} splits of the tables, families apart, "
        f"{first['tasks_per_split']} test tasks a split"
        + "".join(f", {one}" for one in sorted(fewer))
        + f". {counts}. A row is drawn twice only "
        "after every row of its class. " + " ".join(verdicts) + f" {note} "
        "Settings of kernel k-means, spectral, DBSCAN and HDBSCAN, raw or standardised columns "
        "among them: those of least mean error on tasks from the split's training tables. "
        + (
            f"Without weights, so left out: {', '.join(missing)}; `--retrain` trains them. "
            if missing
            else ""
        )
        + "\n"
    )


def cell(entry: Record | None) -> str:
    """An error with the paper's in brackets."""
    if entry is None:
        return "-"
    paper = "" if entry["paper"] is None else f" ({number(entry['paper'], 2)})"
    return measured(entry) + paper


def gap(entry: Record | None) -> str:
    """A difference with its sign."""
    if entry is None:
        return "-"
    return ("+" if entry["mean"] > 0 else "") + measured(entry)


def sure(entry: Record) -> int:
    """The sign of a difference, 0 if its 95 % interval (Student's t over splits) has 0 in it."""
    if entry["stderr"] is None:
        return 0
    half = student.ppf(0.975, entry["n"] - 1) * entry["stderr"]
    return 0 if abs(entry["mean"]) <= half else int(np.sign(entry["mean"]))


def verdict(row: str, settings: Sequence[str], best: dict[str, str], by: dict) -> str:
    """Where a learner beats k-means, and where it does not."""
    signs: dict[int, list[str]] = {-1: [], 0: [], 1: []}
    for s in settings:
        entry = by.get((s, row, f"error above {best[s]}"))
        if entry is not None:
            signs[sure(entry)].append(f"{s} ({gap(entry)})")
    words = {-1: "beats k-means at", 0: "is not distinguishable from it at", 1: "is worse at"}
    said = [f"{words[sign]} {', '.join(where)}" for sign, where in signs.items() if where]
    if not signs[-1]:
        said = ["beats k-means nowhere", *said]
    return f"*{row}* {'; '.join(said)}."
