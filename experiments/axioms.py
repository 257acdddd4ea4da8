"""Section 3.3: which axioms single linkage keeps, and how often the learned clusterer does.

Claim: single linkage breaks one of Kleinberg's axioms under each rule for when to stop, and the
meta-clusterer of Theorem 1 keeps the three meta axioms in every case. No theorem speaks of the
learned clusterer: how often it keeps them is measured.

    python -m experiments.axioms          # weights of table 1, seed 0: minutes
    python -m experiments.axioms --smoke  # seconds
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import jax
import numpy as np
from tqdm import tqdm

from experiments import table1
from experiments.axioms_points import (
    AGAIN,
    BALANCED,
    CONSISTENT,
    DECADES,
    META,
    RICH,
    SCALE,
    SEPARATIONS,
    SHARE,
    SHRINK,
    Adapted,
    adapted_labels,
    distances_of,
    point_records,
)
from experiments.harness import Options, main
from l2c_jax.axioms import (
    MetaClusterer,
    applied,
    consistent_change,
    keeps_consistency,
    keeps_meta_consistency,
    keeps_meta_richness,
    keeps_meta_scale_invariance,
    meta_single_linkage,
    single_linkage,
    unadapted,
)
from l2c_jax.baselines import kmeans
from l2c_jax.evaluate import draw_tasks, record
from l2c_jax.recurrent.learner import Learner
from l2c_jax.recurrent.model import ModelConfig, init
from l2c_jax.report import Record, markdown_table, measured, number

CASES, TASKS = 2_000, 100


def linkages(tau: float) -> dict[str, MetaClusterer]:
    """Single linkage with each stopping rule, and Theorem 1's; ``tau`` is used by two of them."""
    return {
        "single linkage (k)": unadapted(single_linkage(num_clusters=2)),
        "single linkage (distance)": unadapted(single_linkage(distance=0.5)),
        "single linkage (scale)": unadapted(single_linkage(scale=tau)),
        "single linkage (meta)": meta_single_linkage(tau),
    }


def random_distances(rng: np.random.Generator) -> np.ndarray:
    """Among 3 to 8 points: of points in the plane or, no metric then, uniform in [0, 1]."""
    size = rng.integers(3, 9)
    if rng.random() < 0.5:
        return distances_of(rng.standard_normal((size, 2)))
    table = np.triu(rng.random((size, size)), 1)
    return table + table.T


def linkage_records(seed: int, count: int) -> Iterator[Record]:
    """Rates at which single linkage keeps each axiom, all methods in the same random cases."""
    kept: dict[tuple[str, str], list[bool]] = {}
    for case in tqdm(range(count), desc="single linkage"):
        rng = np.random.default_rng([seed, case])
        distances, scale = random_distances(rng), 10 ** rng.uniform(-DECADES, DECADES)
        labels = rng.integers(0, len(distances), len(distances))
        change = partial(consistent_change, seed=int(rng.integers(2**32)))
        for method, meta in linkages(rng.uniform(0.5, 1)).items():
            for metric, value in {
                SCALE: keeps_meta_scale_invariance(meta, distances, scale),
                RICH: keeps_meta_richness(meta, labels),
                CONSISTENT: keeps_consistency(applied(meta), distances, change),
                META: keeps_meta_consistency(meta, distances, change),
            }.items():
                kept.setdefault((method, metric), []).append(value)
    for (method, metric), values in kept.items():
        dataset = "random distances, N=3..8"
        yield record("axioms", dataset, method, metric, np.array(values), seed=seed)


def measure(options: Options) -> list[Record]:
    """Every method's rates."""
    if options.smoke:
        cases, count, orders, separations = 20, 2, 2, SEPARATIONS[-1:]
        config = replace(table1.TASKS, num_points=20)
        model = ModelConfig(hidden=(4, 4))
        header = {"training": {"seed": 0, "passes": 2}}
        learner = Learner(init(jax.random.key(0), model), model, header)
    else:
        cases, count, orders, separations = CASES, TASKS, table1.ORDERS, SEPARATIONS
        config = table1.TASKS
        learner = table1.learners(options)[0]
    points = np.asarray(draw_tasks(config, options.seed, count)[0].points)

    def adapted(
        seen: np.ndarray, points: np.ndarray, seed: int, own_frame: bool = False
    ) -> np.ndarray:
        return adapted_labels(learner, seen, points, seed=seed, orders=orders, own_frame=own_frame)

    def learned(points: np.ndarray, seed: int) -> np.ndarray:
        return adapted(points, points, seed)

    def designed(points: np.ndarray, seed: int) -> np.ndarray:
        return np.stack([kmeans(table.astype(np.float64), 2, seed) for table in points])

    rates = partial(point_records, points=points, seed=options.seed, separations=separations)
    frames: dict[str, Adapted] = {
        "learned": adapted,
        "learned (own frame)": partial(adapted, own_frame=True),
    }
    return [
        *linkage_records(options.seed, cases),
        *rates("k-means", designed),
        *rates("learned", learned, adapted=frames),
    ]


def table(records: list[Record], columns: dict[str, str]) -> str:
    """Methods by axioms."""
    cells: dict[str, dict[str, str]] = {}
    for entry in records:
        method, metric = entry["method"], entry["metric"]
        if metric.startswith(SHARE):
            method, metric = f"{method}, share of points", metric.removeprefix(SHARE)
        cells.setdefault(method, {})[metric] = measured(entry)
    rows = [[method, *(row.get(m, "-") for m in columns)] for method, row in cells.items()]
    return markdown_table(["", *columns.values()], rows)


def by_size(entry: Record) -> str:
    """What a richness record says about partitions with a small cluster."""
    return ", ".join(
        f"{number(returned / tried, 2)} of {tried} with {10 * tenth} to {10 * tenth + 10} %"
        for tenth, returned, tried in entry["returned_by_smaller_cluster"]
        if tried
    )


def render(records: list[Record]) -> str:
    """The tables, for RESULTS.md."""
    linkage = [entry for entry in records if entry["method"].startswith("single linkage")]
    others = [entry for entry in records if entry not in linkage]
    axioms = {
        SCALE: "scale invariance",
        RICH: "richness",
        CONSISTENT: "consistency",
        META: "meta-consistency",
    }
    more = {RICH: "richness, any sizes", BALANCED: "richness, balanced", AGAIN: "asked again"}
    rich = next(e for e in others if (e["method"], e["metric"]) == ("learned", RICH))
    apart = ", ".join(f"{separation:g}" for separation in rich["separations"])
    by_distance = ", ".join(number(rate, 2) for rate in rich["returned_by_separation"])
    return (
        "## Section 3.3: the axioms of clustering and of meta-clustering\n\n"
        + table(linkage, axioms)
        + f"\n\nShare of {linkage[0]['n']:,} random cases in which single linkage keeps an axiom, "
        "± standard error. It stops at two clusters (k), or joins what is nearer than 1/2 "
        "(distance), or than tau times the largest distance, tau uniform in (1/2, 1) (scale); "
        "the meta-clusterer of Theorem 1 has the same tau (meta). Consistency: the changed "
        "distances are clustered afresh, `M[d'](d')`; meta-consistency: by the clusterer that was "
        "picked for the original ones, `M[d](d')`. Richness: a random partition is given back for "
        "one of 25 distance functions that were made from it. An axiom speaks of every case: a "
        "rate of 1 does not prove it, a single change that is not followed breaks it.\n\n"
        + table(others, axioms | more)
        + f"\n\nShare of {others[0]['n']} two-cluster tasks in the plane, drawn as those of "
        "Table 1, in which a method keeps an axiom to the last point, and the share of points "
        "that keep their cluster; ± standard error over tasks. Scale: 10 to a power uniform in "
        f"[-{DECADES:g}, {DECADES:g}]; the learner's canonical frame undoes it. Consistency: each "
        "cluster that the method has found shrinks towards its mean by a factor uniform in "
        f"[{SHRINK:g}, 1], and the means move apart by about as little as makes the change "
        "consistent in every distance. Meta-consistency: all passes but the last read the "
        "original task, the last one labels the changed points in the frame of the original (or "
        "in their own). Richness: a random partition into two is realised as two round Gaussians "
        f"so far apart: {apart} standard deviations; one of these data sets has to give it back. "
        "All sizes of the two are alike, or (balanced) all partitions are. "
        "Asked again: the same task, other visiting orders or starts. "
        "Of the partitions of any sizes, by the share of points in the smaller cluster, the "
        f"learned clusterer gave back {by_size(rich)}; by distance, {by_distance}. It was trained "
        "on clusters of equal size. "
        "Partitions into more than two clusters are beyond it.\n"
    )


if __name__ == "__main__":
    main("axioms", __doc__.split("\n")[0], measure)
