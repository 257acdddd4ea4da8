"""The page of Table 2: errors, and in words how the learner compares."""

from collections.abc import Mapping, Sequence

from l2c_jax.report import Record, markdown_table, measured, number

SCALED = " (standardised)"
CLOSE = 0.05
"""Difference of errors of k-means up to which a task may be the paper's."""


def render(records: Sequence[Record], known_rows: str, chosen_on: int) -> str:
    """The section, for RESULTS.md.

    Args:
      records: of ``experiments.table2``.
      known_rows: the data set of which every run has the same rows, and for which the generator
        was widened.
      chosen_on: the first runs of each data set, on which settings were chosen.

    Returns:
      Markdown: a table and a paragraph a data set, what it all means, figure 4.
    """
    by_name: dict[str, dict[str, Record]] = {}
    gaps: dict[str, list[Record]] = {}
    for entry in records:
        if entry["metric"] == "error":
            by_name.setdefault(entry["dataset"], {})[entry["method"]] = entry
        else:
            gaps.setdefault(entry["dataset"], []).append(entry)
    tuned = {
        entry["method"].removesuffix(SCALED): None
        for entry in records
        if entry.get("chosen_from", 1) > 1
    }
    parts = []
    for name, entries in by_name.items():
        body = []
        for method in (name for name in entries if not name.endswith(SCALED)):
            raw, scaled = entries[method], entries[method + SCALED]
            body.append(
                [method, measured(raw), measured(scaled), number(raw["paper"], 2), str(raw["n"])]
            )
        header = [name, "error, as measured", "error, standardised", "paper", "n"]
        parts.append(
            markdown_table(header, body)
            + f"\n\n{verdict(entries, gaps[name], name == known_rows)}"
        )
    return (
        "## Table 2: real data, learners trained on synthetic tasks\n\n"
        + "\n\n".join(parts)
        + "\n\nError: mean over n runs ± standard error. A run draws 100 rows of two classes "
        "(UKM), 1,000 images of two random digits on two principal axes (MNIST), or other "
        "visiting orders and starts on the same 150 rows (Iris). Every learner is one training. "
        f"At the setting of least error on the first {chosen_on} runs, "
        f"chosen against the labels, which favours them: {', '.join(tuned)}; they are in the "
        "record. With oracle parameters DBSCAN has each run's own best setting. All others have "
        "no setting chosen on these data. In the sentences below a table everybody is at its "
        "better scaling, which is a choice against the labels too. Clusters beyond the true "
        "number count as errors, noise as one more cluster.\n\n"
        "### Figure 4: Iris\n\n![Iris: truth, k-means and the learned clusterer](figure4.png)\n"
    )


def verdict(entries: Mapping[str, Record], gaps: Sequence[Record], known_rows: bool) -> str:
    """How the learner compares with the others and with the paper, in words."""
    own = entries[gaps[0]["method"]]
    sides: dict[str, list[str]] = {"less than": [], "more than": [], "as much as": []}
    for gap in gaps:
        what = gap["metric"].removeprefix("error above ")
        unsure = abs(gap["mean"]) <= 2 * gap["stderr"]
        side = "as much as" if unsure else "more than" if gap["mean"] > 0 else "less than"
        runs = f", {gap['n']} runs" if gap["n"] < own["n"] else ""
        sign = "+" if gap["mean"] > 0 else ""
        sides[side].append(f"{what} ({sign}{measured(gap)}{runs})")
    said = [f"{side} {', '.join(whom)}" for side, whom in sides.items() if whom]
    text = f"On the same runs the learner errs {'; '.join(said)}."
    text += " As much as: within two standard errors." if sides["as much as"] else ""
    paper, ours, theirs = (
        entries["learned"]["paper"],
        entries["k-means"]["mean"],
        entries["k-means"]["paper"],
    )
    if paper is not None:
        reached = "reached" if own["mean"] <= paper else f"missed by {number(own['mean'] - paper)}"
        text += f" The paper's learned error, {number(paper, 2)}, is {reached}"
        easier = abs(ours - theirs) > CLOSE
        text += (
            f", but not on the same footing: in the paper k-means errs {number(theirs, 2)}, "
            f"here {number(ours)}."
            if easier
            else "."
        )
    if known_rows:
        text += (
            " Every run has the same rows, so that ± holds visiting orders and starts alone, and "
            "the generator of this learner was widened with the errors on Iris and the moments "
            "of its classes in view ([ATTEMPTS.md](../ATTEMPTS.md)): it knows more of Iris than "
            "the rivals do."
        )
    return text
