"""The comparison table of ``README.md``, rendered from records: no number is typed by hand.

python -m experiments.lib.readme  # writes it between its two marks
"""

from pathlib import Path

from experiments.lib.markdown import markdown_table, measured
from experiments.lib.paths import ROOT
from experiments.lib.records import read_records
from l2c_jax.atomic import replacing

BEGIN, END = "<!-- comparison: python -m experiments.lib.readme -->", "<!-- end -->"
ROWS = (
    # title, experiment, data set, metric, larger is better, learned, k-means
    (
        *("synthetic, 2 curved clusters (Table 1)", "table1", "swirls, D=2, K=2, N=100"),
        *("error", False, "learned", "k-means"),
    ),
    (
        *("158 real tables, k given", "zero_shot", "real tables, k given"),
        *("ARI", True, "learned", "k-means"),
    ),
    (
        *("158 real tables, k found", "zero_shot", "real tables, k found"),
        *("ARI", True, "learned", "k-means (silhouette)"),
    ),
    (
        *("73 shape sets, k given", "zero_shot", "shapes, k given"),
        *("ARI", True, "learned", "k-means"),
    ),
    (
        *("20 new alphabets, pairwise", "omniglot", "20 evaluation alphabets"),
        *("accuracy", True, "learned (MCL, true K)", "k-means (pixels)"),
    ),
)
NOT_BASELINES = ("learned", "Bayes oracle", "DBSCAN (oracle parameters)")


def table(folder: Path) -> str:
    """The table, from the records in a folder.

    Args:
      folder: of records.

    Returns:
      Markdown: for each data set the learner, k-means, and the best other method.
    """
    rows = []
    for title, experiment, dataset, metric, larger, learned, kmeans in ROWS:
        entries = {
            entry["method"]: entry
            for entry in read_records(folder / f"{experiment}.json")
            if entry["dataset"] == dataset and entry["metric"] == metric
        }
        rest = {
            method: entry
            for method, entry in entries.items()
            if not method.startswith(NOT_BASELINES) and method != kmeans
        }
        best = (max if larger else min)(rest, key=lambda method: rest[method]["mean"])
        cells = [measured(entries[learned]), measured(entries[kmeans])]
        rows.append([title, metric, *cells, f"{measured(rest[best])} {best}"])
    return markdown_table(["data", "score", "learned", "k-means", "best other method"], rows)


def main() -> None:
    """Write the table into the README."""
    path = ROOT / "README.md"
    before, rest = path.read_text().split(BEGIN)
    after = rest.split(END)[1]
    with replacing(path) as draft:
        text = table(ROOT / "experiments" / "results")
        draft.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")


if __name__ == "__main__":
    main()
