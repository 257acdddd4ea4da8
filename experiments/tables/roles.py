"""Column roles against level numbers, on the tables with categorical columns.

Claim: with a categorical column as indicators of one unit of variance together, k-means and the
learner agree better with the classes than with its levels as numbers.

    python -m experiments.tables.roles           # minutes
    python -m experiments.tables.roles --smoke   # seconds, on generated tables
    python -m experiments.tables.roles --tables 5

Level numbers: missing values are the mean of their column, every column is standardised. Roles:
as ``l2c cluster`` reads a table, with the levels as words.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from experiments.lib.baselines import BASELINES
from experiments.lib.data import RawTable, data_folder, raw_tables
from experiments.lib.markdown import markdown_table, number
from experiments.lib.records import Record, record
from experiments.lib.runner import Options, main
from experiments.lib.splits import family, interval
from l2c_jax.metrics import adjusted_rand_index
from l2c_jax.preprocessing import standardize
from l2c_jax.preprocessing.encoder import encode, fit_encoder
from l2c_jax.preprocessing.roles import detect_roles
from l2c_jax.recurrent.config import InferenceConfig
from l2c_jax.tabular.clusterer import TabularConfig, adapt_table, predict_table
from l2c_jax.tabular.model import TabularModel, load_tabular_model

MOST_POINTS = 1000
METHODS = ("k-means", "learned")
DATASET = "tables with categorical columns, k given"


class CategoricalTable(NamedTuple):
    """A table, and which of its columns are categorical."""

    table: RawTable
    categorical: np.ndarray  # [D] bool


def categorical_tables(options: Options) -> Iterator[CategoricalTable]:
    """The development tables with a categorical column of more than two levels."""
    if options.smoke:
        yield from (generated(np.random.default_rng(seed)) for seed in range(2))
        return
    with np.load(data_folder() / "tabular.npz") as arrays:
        for table in raw_tables(lambda entry: 2 <= entry["k"] <= 10):
            marked = arrays[f"{table.name}/cat"].astype(bool)
            levels = [np.unique(column[~np.isnan(column)]).size for column in table.points.T]
            if (np.array(levels)[marked] > 2).any():
                rows = np.random.default_rng(0).permutation(len(table.points))[:MOST_POINTS]
                labels = np.unique(table.labels[rows], return_inverse=True)[1]
                yield CategoricalTable(RawTable(table.name, table.points[rows], labels), marked)


def generated(rng: np.random.Generator) -> CategoricalTable:
    """Two classes, one column of numbers and two of levels."""
    labels = np.arange(40) % 2
    levels = (labels[:, None] + rng.integers(0, 2, (40, 2))) * rng.integers(1, 3, (40, 2))
    points = np.column_stack([labels * 4 + rng.normal(size=40), levels])
    return CategoricalTable(RawTable("generated", points, labels), np.array([False, True, True]))


def with_level_numbers(table: RawTable) -> np.ndarray:
    """``[N, D]`` standardised."""
    means = np.nan_to_num(np.nanmean(table.points, axis=0))
    return standardize(np.where(np.isnan(table.points), means, table.points))


def with_roles(given: CategoricalTable) -> np.ndarray:
    """``[N, D']``, numbers standardised, and indicators of one unit a column."""
    columns = [
        words(column) if marked else column
        for column, marked in zip(given.table.points.T, given.categorical, strict=True)
    ]
    names = [f"v{index}" for index in range(len(columns))]
    encoder = fit_encoder(detect_roles(names, columns), columns)
    return encoder.scaled(encode(encoder, columns).matrix)


def words(column: np.ndarray) -> np.ndarray:
    """``[N]`` object, the levels as words and None where missing."""
    cells = np.full(len(column), None, object)
    known = ~np.isnan(column)
    cells[known] = [f"level {value:g}" for value in column[known]]
    return cells


def learned(
    model: TabularModel, points: np.ndarray, k: int, options: Options, *, scaled: bool
) -> np.ndarray:
    """``[N]`` labels; ``scaled``: the columns are scaled already."""
    quick = InferenceConfig(epochs=1, orders=2, points_per_epoch=256)
    default = TabularConfig()
    inference = quick if options.smoke else default.inference
    config = TabularConfig(inference, standardize=not scaled)
    fitted = adapt_table(model, points, k, config=config, seed=options.seed)
    return predict_table(model, fitted, points).argmax(axis=1)


def measure(options: Options) -> list[Record]:
    """All records."""
    model = load_tabular_model("universal")
    tables = list(categorical_tables(options))[: options.own.get("tables")]
    scores: dict[str, list[float]] = {
        f"{method} ({part})": [] for part in ("level numbers", "roles") for method in METHODS
    }
    for given in tqdm(tables):
        labels, k = given.table.labels, int(given.table.labels.max()) + 1
        inputs = {"level numbers": with_level_numbers(given.table), "roles": with_roles(given)}
        for part, points in inputs.items():
            found = {
                "k-means": BASELINES["k-means"](points, k, options.seed),
                "learned": learned(model, points, k, options, scaled=part == "roles"),
            }
            for method, answer in found.items():
                scores[f"{method} ({part})"].append(adjusted_rand_index(labels, answer))
    names = [given.table.name for given in tables]
    return list(lines(names, {name: np.array(own) for name, own in scores.items()}, options))


def lines(names: list[str], scores: dict[str, np.ndarray], options: Options) -> Iterator[Record]:
    """Means, and paired differences with bootstrap intervals over the families of tables."""
    groups = [family(name) for name in names]

    def line(method: str, metric: str, values: np.ndarray) -> Record:
        low, high = interval(values, options.seed, groups)
        own = dict(zip(names, values.round(4).tolist(), strict=True))
        extra = {"low": low, "high": high, "values": own}
        return record("roles", DATASET, method, metric, values, seed=options.seed, extra=extra)

    for method, values in scores.items():
        yield line(method, "ARI", values)
    for method in METHODS:
        gain = scores[f"{method} (roles)"] - scores[f"{method} (level numbers)"]
        yield line(method, "ARI above level numbers", gain)


def render(records: list[Record]) -> str:
    """The table, for RESULTS.md."""
    by = {(entry["method"], entry["metric"]): entry for entry in records}
    rows = []
    for method in METHODS:
        gain = by[method, "ARI above level numbers"]
        cells = [
            number(by[f"{method} ({p})", "ARI"]["mean"], 3) for p in ("level numbers", "roles")
        ]
        interval_text = f"{gain['mean']:+.3f} [{gain['low']:+.3f}, {gain['high']:+.3f}]"
        rows.append([method, *cells, interval_text])
    count = by[METHODS[0], "ARI above level numbers"]["n"]
    return (
        "## Column roles\n\n"
        + markdown_table(["ARI", "level numbers", "roles", "difference"], rows)
        + f"\n\nMean over the {count} development tables that have a categorical column of more "
        "than two levels, at most 1,000 rows each, the number of classes given. Level numbers: "
        "categories numbered and standardised. Roles: indicators of one unit of variance a "
        "column, missing values filled, as `l2c cluster` reads them. In brackets: 95 % bootstrap "
        "intervals over families of near-copies. The form of the indicators of missing values was "
        "chosen on these tables, so the column of roles is optimistic, and the intervals include "
        "zero: no gain is shown.\n"
    )


OWN = {"tables": {"type": int, "default": None, "help": "only so many tables"}}

if __name__ == "__main__":
    main("roles", measure, own=OWN)
