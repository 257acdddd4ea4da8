"""Table 4: as Table 3, for a number of clusters that is not known.

Claim of the paper: a learner that decides by itself how many clusters there are has a lower error
than clusterers that are given the largest number.

    python -m experiments.table4            # weights that are there: half an hour
    python -m experiments.table4 --retrain  # trains first what is not: 50 minutes of one core
    python -m experiments.table4 --smoke    # seconds, on tables made by code

Trainings and results of every split are kept in ``runs/tables/``, so a run that was stopped goes
on. The tables lie in ``$L2C_DATA``; ``python -m experiments.openml`` fetches some.
"""

from experiments import real_page, real_tables
from experiments.harness import Options, main
from experiments.splits import Setting
from l2c_jax.report import Record

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
    return real_tables.measure("table4", SETTINGS, options)


def render(records: list[Record]) -> str:
    """The table, for RESULTS.md."""
    return real_page.render(
        "Table 4: tasks from real tables, an unknown number of clusters",
        records,
        "Nobody is told k: those that need a number of clusters get the largest, as in the paper; "
        "the learners find their own.",
    )


if __name__ == "__main__":
    main("table4", (__doc__ or "").split("\n")[0], measure)
