"""Table 3: error on tasks from real tables, of learners trained on other real tables.

Claim of the paper: a learner trained on real tables, and on synthetic tasks where tables are few,
has the lowest error of all on other tables, mostly.

    python -m experiments.tables.table3            # with the weights that are there: an hour
    python -m experiments.tables.table3 --retrain  # trains those that are missing: 80 minutes more
    python -m experiments.tables.table3 --smoke    # seconds, on invented tables

Weights of the splits are not committed; rows without weights are left out. Trainings and results
are stored in ``runs/tables/``, so a run that was stopped goes on. The tables are read from
``$L2C_DATA``; ``python -m experiments.tables.openml`` fetches some.
"""

from experiments.lib.records import Record
from experiments.lib.runner import Options, main
from experiments.lib.splits import Setting
from experiments.tables import comparison, comparison_page

MIXED = "learned (real + synthetic)"
SETTINGS = (
    Setting(
        *("k2", 100, 15, 2),
        paper={
            "k-means": (0.38, 0.09),
            "kernel k-means": (0.43, 0.07),
            "spectral": (0.42, 0.10),
            "DBSCAN": (0.51, 0.05),
            "DEC": (0.40, 0.09),
            "learned (real)": (0.38, 0.09),
        },
    ),
    Setting(
        *("k3", 100, 15, 3),
        paper={
            "k-means": (0.11, 0.02),
            "kernel k-means": (0.13, 0.09),
            "spectral": (0.12, 0.05),
            "DBSCAN": (0.29, 0.03),
            "DEC": (0.22, 0.14),
            "learned (real)": (0.34, 0.01),
            MIXED: (0.02, 0.01),
        },
    ),
    Setting(
        *("k4", 500, 20, 4),
        paper={
            "k-means": (0.54, 0.03),
            "kernel k-means": (0.62, 0.08),
            "spectral": (0.56, 0.05),
            "DBSCAN": (0.74, 0.01),
            "DEC": (0.57, 0.08),
            "learned (real)": (0.63, 0.02),
            MIXED: (0.58, 0.02),
        },
    ),
    Setting(
        *("k6", 500, 40, 6),
        paper={
            "k-means": (0.76, 0.01),
            "kernel k-means": (0.79, 0.01),
            "spectral": (0.82, 0.00),
            "DBSCAN": (0.83, 0.00),
            "DEC": (0.73, 0.09),
            "learned (real)": (0.59, 0.04),
        },
    ),
)


def measure(options: Options) -> list[Record]:
    """All rows of the table."""
    return comparison.measure("table3", SETTINGS, options)


def render(records: list[Record]) -> str:
    """The table, for RESULTS.md."""
    return comparison_page.render(
        "Table 3: tasks from real tables",
        records,
        "Every method but DBSCAN and HDBSCAN is given k.",
    )


if __name__ == "__main__":
    main("table3", measure)
