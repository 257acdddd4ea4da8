"""The packaged weights on shapes: the shape sets, and scikit-learn's comparison page."""

from collections.abc import Sequence

import numpy as np
from tqdm import tqdm

from experiments.lib.baselines import BASELINES
from experiments.lib.data import LabelledTable
from experiments.lib.markdown import markdown_table, measured, number
from experiments.lib.records import Record, record
from experiments.lib.runner import Options
from experiments.universal.common import SETTINGS, cache_name, counted, labels_of, run_config_of
from l2c_jax.comparison import PAGE_SEED, plane
from l2c_jax.metrics import adjusted_rand_index
from l2c_jax.preprocessing import standardize
from l2c_jax.tabular.model import TabularModel
from l2c_jax.training.weights import content_hash

GIVEN, FOUND = "shapes, k given", "shapes, k found"
PAGE = "comparison page"
SEEDS = (PAGE_SEED, 0, 1, 2, 3, 4)
"""Of the comparison page; the first has the page's own data."""
AIMS = {GIVEN: 0.82, FOUND: 0.74}


def measure(model: TabularModel, sets: Sequence[LabelledTable], options: Options) -> list[Record]:
    """Both parts."""
    seeds = SEEDS[:1] if options.smoke else SEEDS
    page = [
        LabelledTable(f"{data.name}, seed {seed}", data.points, data.labels, data.num_clusters)
        for seed in seeds
        for data in plane(seed, 60 if options.smoke else 500)
    ]
    records = of_sets("shapes", sets, model, options)
    return records + of_page(page, model, options)


def answers_of(table: LabelledTable, model: TabularModel, options: Options) -> dict[str, list]:
    """ARI and number of clusters by ``given/METHOD`` and ``found/METHOD``; cached."""

    def compute() -> dict[str, list]:
        points, k, seed = standardize(table.points), table.num_clusters, options.seed
        found: dict[str, np.ndarray] = {
            "given/learned": labels_of(model, table.points, k, seed),
            "found/learned": labels_of(model, table.points, None, seed),
            "found/HDBSCAN": BASELINES["HDBSCAN"](points, k, seed, min_cluster_size=15),
        }
        for name, parameters in SETTINGS.items():
            found[f"given/{name}"] = BASELINES[name](points, k, seed, **parameters)
        return {
            name: [
                adjusted_rand_index(table.labels, labels),
                len(np.unique(labels[labels >= 0])),
            ]
            for name, labels in found.items()
        }

    config = {**run_config_of(model), "points": content_hash(table.points), "methods": SETTINGS}
    return options.cache.json(cache_name("shapes", table.name, options), config, compute)


def of_sets(
    name: str, sets: Sequence[LabelledTable], model: TabularModel, options: Options
) -> list[Record]:
    """Mean ARI of every method, and how often the number is right."""
    found = [answers_of(table, model, options) for table in tqdm(sets, desc=name)]
    truth = [table.num_clusters for table in sets]
    return list(_records(f"{name}, k given", f"{name}, k found", found, truth, options))


def of_page(page: Sequence[LabelledTable], model: TabularModel, options: Options) -> list[Record]:
    """The same for each panel of the comparison page, over its seeds."""
    records = []
    every: list[tuple[dict[str, list], int]] = []
    for panel in dict.fromkeys(table.name.split(",")[0] for table in page):
        own = [table for table in page if table.name.startswith(f"{panel},")]
        found = [answers_of(table, model, options) for table in tqdm(own, desc=panel)]
        truth = [table.num_clusters for table in own]
        every += list(zip(found, truth, strict=True))
        names = (f"{PAGE}: {panel}, k given", f"{PAGE}: {panel}, k found")
        records += list(_records(*names, found, truth, options))
    counts = {
        "truth": [k for _, k in every],
        "learned": [found["found/learned"][1] for found, _ in every],
        "HDBSCAN": [found["found/HDBSCAN"][1] for found, _ in every],
    }
    return [*records, *counted(f"{PAGE}, all panels", counts, options)]


def _records(
    given: str, found: str, answers: list[dict[str, list]], truth: list[int], options: Options
) -> list[Record]:
    records = []
    for key in answers[0]:
        part, method = key.split("/")
        values = [entry[key][0] for entry in answers]
        dataset = given if part == "given" else found
        records.append(
            record("zero_shot", dataset, method, "ARI", values, seed=options.seed)
            | {"values": [round(value, 4) for value in values]}
        )
    counts = {"truth": truth}
    for method in ("learned", "HDBSCAN"):
        counts[method] = [entry[f"found/{method}"][1] for entry in answers]
    return [*records, *counted(found, counts, options)]


def render(records: list[Record]) -> str:
    """Both tables, for RESULTS.md."""
    by: dict[str, dict[str, dict[str, Record]]] = {}
    for entry in records:
        row = by.setdefault(entry["dataset"], {}).setdefault(entry["method"], {})
        row[entry["metric"]] = entry
    columns = ["learned", *SETTINGS]
    shown = [name for name in by if name.startswith((PAGE, "shapes"))]
    body = []
    for name in shown:
        if not name.endswith("k given"):
            continue
        other = by[name.replace("k given", "k found")]
        cells = [measured(by[name][method]["ARI"], 2) for method in columns]
        cells += [measured(other[method]["ARI"], 2) for method in ("learned", "HDBSCAN")]
        cells.append(number(other["learned"]["exact number"]["mean"], 2))
        count = str(by[name]["learned"]["ARI"]["n"])
        body.append([name.removesuffix(", k given"), count, *cells])
    header = ["data", "n", *columns, "learned (k found)", "HDBSCAN", "exact k"]
    exact = by[f"{PAGE}, all panels"]["learned"]["exact number"]
    return (
        '## "universal" on shapes\n\n'
        + markdown_table(header, body)
        + "\n\nARI, mean ± standard error over data sets, or over seeds of the comparison page "
        "of scikit-learn (500 points; the first seed has the page's own data). k is given, but "
        f"for the last three columns. {_aims(by)} On the comparison page the number of clusters "
        f"is right in {measured(exact, 2)} of {exact['n']} data sets. The shape sets were in view "
        "when the views were designed and the tasks of the judge chosen; no point of them was "
        "used in training.\n"
    )


def _aims(by: dict[str, dict[str, dict[str, Record]]]) -> str:
    said = []
    for dataset, least in AIMS.items():
        mean = by[dataset]["learned"]["ARI"]["mean"]
        word = "reached" if mean >= least else f"missed by {number(least - mean)}"
        said.append(f"{dataset} {number(least, 2)}: {word}")
    return f"Aims: {'; '.join(said)}."
