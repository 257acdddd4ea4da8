"""The page of Tables 3 and 4, from their records."""

from collections.abc import Sequence

import numpy as np
from scipy.stats import t as student

from experiments.lib.markdown import by_key, markdown_table, measured, number
from experiments.lib.records import Record
from experiments.tables.comparison import LEARNED, REFERENCES, STRICTER, TUNE


def render(title: str, records: list[Record], note: str) -> str:
    """The section for RESULTS.md: errors, differences to k-means, and a comparison in words.

    Args:
      title: of the section.
      records: from :func:`experiments.tables.comparison.measure`.
      note: a sentence on the number of clusters.

    Returns:
      Markdown.
    """
    settings = list(dict.fromkeys(entry["dataset"] for entry in records))
    rows = list(dict.fromkeys(entry["method"] for entry in records))
    by = by_key(records, "dataset", "method", "metric")
    body = [[row, *(cell(by.get((s, row, "error"))) for s in settings)] for row in rows]
    best = {s: lowest(REFERENCES, s, by) for s in settings}
    strict = {s: lowest((*REFERENCES, *STRICTER), s, by) for s in settings}
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
    verdicts = [verdict(row, settings, best, strict, by) for row in LEARNED if row in rows]
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
        + "\n\nPaired differences to the better of *k-means (raw)* and *k-means (standardised)* "
        "on the same tasks:\n\n"
        + markdown_table(["error above k-means", *settings], gaps)
        + f"\n\nMean ± standard error over {first['n']} splits of the tables, no family in both "
        f"parts, {first['tasks_per_split']} test tasks per split"
        + "".join(f", {one}" for one in sorted(fewer))
        + f". {counts}. {tested(settings, by)} A row is drawn twice only after every row of its "
        f"class. {note} Settings of kernel k-means, spectral, DBSCAN and HDBSCAN, among them raw "
        f"or standardised columns: those of least mean error on {TUNE} tasks from the training "
        "tables of the split. With the learner's preprocessing k-means has the same input as the "
        "learners: principal axes of standardised columns that are clipped at two standard "
        "deviations. Clusters beyond the true number count as errors, noise as one more "
        "cluster.\n\n"
        + "\n\n".join([made(rows, settings, by), *verdicts])
        + "\n\nBelow, above: the 95 % interval of the paired difference, by Student's t over "
        "splits, does not contain 0. Splits share most of their training tables, so the intervals "
        f"are too narrow. {missing_rows(missing)}{of_the_page(first)}\n"
    )


def missing_rows(rows: Sequence[str]) -> str:
    """The rows that were left out, in words."""
    if not rows:
        return ""
    return f"Left out, because weights are missing: {', '.join(rows)}; `--retrain` trains them. "


def of_the_page(record: Record) -> str:
    """A note on the commit of records of release 1; empty for those that name their parts'."""
    if "kept_parts" not in record:
        return ""
    return (
        "The commit below is that of this page. Weights and errors of the splits are from earlier "
        "commits, which were not recorded; the weights of the splits are not committed, and "
        "`--retrain` trains them anew."
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


def sign_of(entry: Record) -> int:
    """The sign of a difference, 0 if its 95 % interval (Student's t over splits) has 0 in it."""
    if entry["stderr"] is None:
        return 0
    half = student.ppf(0.975, entry["n"] - 1) * entry["stderr"]
    return 0 if abs(entry["mean"]) <= half else int(np.sign(entry["mean"]))


def verdict(
    row: str, settings: Sequence[str], best: dict[str, str], strict: dict[str, str], by: dict
) -> str:
    """Comparison of a learner with k-means, in words."""
    signs: dict[int, list[str]] = {-1: [], 0: [], 1: []}
    for s in settings:
        entry = by.get((s, row, f"error above {best[s]}"))
        if entry is not None:
            signs[sign_of(entry)].append(f"{s} ({gap(entry)})")
    words = {
        -1: "is below that of k-means at",
        0: "is not distinguishable from it at",
        1: "is above it at",
    }
    said = [f"{words[sign]} {', '.join(where)}" for sign, where in signs.items() if where]
    if not signs[-1]:
        said = ["is below that of k-means nowhere", *said]
    hard = [(s, strict[s], by.get((s, row, f"error above {strict[s]}"))) for s in settings]
    harder = [
        f"{s} {gap(entry)} to {reference}" + {-1: " (below)", 0: "", 1: " (above)"}[sign_of(entry)]
        for s, reference, entry in hard
        if entry is not None and reference != best[s]
    ]
    text = f"The error of *{row}* {'; '.join(said)}: {len(signs[-1])} of {len(settings)} settings."
    return text + (
        f" Where another row of k-means has a lower error: {', '.join(harder)}." * bool(harder)
    )


def lowest(rows: Sequence[str], setting: str, by: dict) -> str:
    """Of the rows in the records, the one of least error."""
    there = [row for row in rows if (setting, row, "error") in by]
    return min(there, key=lambda row: by[setting, row, "error"]["mean"])


def tested(settings: Sequence[str], by: dict) -> str:
    """How many tables are in a test set, and how often one is in another, in words."""
    parts = []
    for s in settings:
        names = [name for one in by[s, REFERENCES[0], "error"]["test_tables"] for name in one]
        parts.append(f"{len(set(names))} ({len(names) - len(set(names))})")
    return f"Tables in test sets, and repetitions among them: {', '.join(parts)}."


def made(rows: Sequence[str], settings: Sequence[str], by: dict) -> str:
    """How the learners were trained, in words."""
    real, mixed, start = LEARNED
    said = []
    for row, text in (
        (real, "from random parameters, on the training tables of the split"),
        (mixed, f"from *{start}*, half of the tasks synthetic"),
    ):
        if row in rows and "iterations" in by[settings[0], row, "error"]:
            own = by[settings[0], row, "error"]
            said.append(
                f"*{row}*: {own['iterations'][0]:,} iterations {text}; "
                f"{own['training_points'][0]} points per training task."
            )
    if start in rows:
        said.append(
            f"*{start}*: a warm-up on easy tasks, then the prior of all families, with the "
            "stacked architecture. No table was used in its training, but its prior, its "
            "preprocessing and its further training were chosen with all these tables in view."
        )
    return " ".join(said)
