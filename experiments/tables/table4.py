"""Table 4: as Table 3, with an unknown number of clusters.

Claim of the paper: a learner that determines the number of clusters itself has a lower error than
clusterers that are given the largest number.

    python -m experiments.tables.table4            # with the weights that are there: half an hour
    python -m experiments.tables.table4 --retrain  # trains those that are missing: 50 minutes more
    python -m experiments.tables.table4 --smoke    # seconds, on invented tables

Weights of the splits are not committed; rows without weights are left out. Trainings and results
are stored in ``runs/tables/``, so a run that was stopped goes on. The tables are read from
``$L2C_DATA``; ``python -m experiments.tables.openml`` fetches some.
"""

from experiments.lib.records import Record
from experiments.lib.runner import Options, main
from experiments.lib.splits import Setting
from experiments.tables import comparison, comparison_page

SETTINGS = (
    Setting(
        *("k2to4", 500, 15, 4),
        min_clusters=2,
        paper={
            "k-means": (0.60, 0.08),
            "kernel k-means": (0.65, 0.08),
            "spectral": (0.57, 0.11),
            "DBSCAN": (0.56, 0.09),
            "DEC": (0.54, 0.09),
            "learned (real)": (0.53, 0.08),
        },
    ),
    Setting(
        *("k3to5", 500, 15, 5),
        min_clusters=3,
        paper={
            "k-means": (0.62, 0.05),
            "kernel k-means": (0.67, 0.09),
            "spectral": (0.59, 0.06),
            "DBSCAN": (0.65, 0.10),
            "DEC": (0.60, 0.08),
            "learned (real)": (0.58, 0.09),
        },
    ),
)


def measure(options: Options) -> list[Record]:
    """All rows of the table."""
    return comparison.measure("table4", SETTINGS, options)


def render(records: list[Record]) -> str:
    """The table, for RESULTS.md."""
    return comparison_page.render(
        "Table 4: tasks from real tables, an unknown number of clusters",
        records,
        "k is unknown: baselines that need a number of clusters get the largest, as in the paper; "
        "the learners determine it.",
    )


if __name__ == "__main__":
    main("table4", measure)
