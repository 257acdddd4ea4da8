"""The page of Tables 3 and 4, from their records."""

from collections.abc import Sequence

import numpy as np
from scipy.stats import t as student

from experiments.real_tables import LEARNED, REFERENCES, STRICTER, TUNE
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
        + "\n\nPaired differences to the better of both k-means on the same tasks:\n\n"
        + markdown_table(["error above k-means", *settings], gaps)
        + f"\n\nMean ± standard error over {first['n']} splits of the tables, families apart, "
        f"{first['tasks_per_split']} test tasks a split"
        + "".join(f", {one}" for one in sorted(fewer))
        + f". {counts}. {tested(settings, by)} A row is drawn twice only "
        "after every row of its class. "
        f"{note} Settings of kernel k-means, spectral, DBSCAN and HDBSCAN, raw or standardised "
        f"columns among them: those of least mean error on {TUNE} tasks from the split's training "
        "tables. k-means in the learner's frame sees what the learners read, principal axes of "
        "standardised columns with their tails cut off. Clusters beyond the true number count as "
        "errors, noise as one more cluster.\n\n"
        + "\n\n".join([made(rows, settings, by), *verdicts])
        + "\n\nBeats, is worse: the 95 % interval of the paired difference, by Student's t over "
        "splits, lies on one side of 0. Splits share most of their training tables, so that the "
        "intervals are rather too short. "
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


def verdict(
    row: str, settings: Sequence[str], best: dict[str, str], strict: dict[str, str], by: dict
) -> str:
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
    hard = [(s, strict[s], by.get((s, row, f"error above {strict[s]}"))) for s in settings]
    harder = [
        f"{s} {gap(entry)} to {reference}" + {-1: " (beats it)", 0: "", 1: " (worse)"}[sure(entry)]
        for s, reference, entry in hard
        if entry is not None and reference != best[s]
    ]
    text = f"*{row}* {'; '.join(said)}: {len(signs[-1])} of {len(settings)} settings."
    return text + (f" Where another row of k-means is lower: {', '.join(harder)}." * bool(harder))


def lowest(rows: Sequence[str], setting: str, by: dict) -> str:
    """The row of least error of those that there are."""
    there = [row for row in rows if (setting, row, "error") in by]
    return min(there, key=lambda row: by[setting, row, "error"]["mean"])


def tested(settings: Sequence[str], by: dict) -> str:
    """How many tables the splits test, and how many of these more than once."""
    parts = []
    for s in settings:
        names = [name for one in by[s, REFERENCES[0], "error"]["test_tables"] for name in one]
        parts.append(f"{len(set(names))} ({len(names) - len(set(names))})")
    return f"Tables that are tested, and how often one is tested again: {', '.join(parts)}."


def made(rows: Sequence[str], settings: Sequence[str], by: dict) -> str:
    """How the learners were made."""
    real, mixed, start = LEARNED
    said = []
    for row, text in (
        (real, "from random parameters, on the split's training tables"),
        (mixed, f"from *{start}*, half of the tasks synthetic"),
    ):
        if row in rows and "iterations" in by[settings[0], row, "error"]:
            told = by[settings[0], row, "error"]
            said.append(
                f"*{row}* was trained for {told['iterations'][0]:,} iterations {text}; its "
                f"training tasks have {told['training_points'][0]} points."
            )
    if start in rows:
        said.append(
            f"*{start}* was trained on easy tasks first, and then on the prior of all families, "
            "with one memory for the whole task. No table was used to train it, but its prior, "
            "its frame and how it is trained further were chosen with all these tables in view."
        )
    return " ".join(said)
