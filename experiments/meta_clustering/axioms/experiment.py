"""Section 3.3: which axioms single linkage, k-means and the learned clusterer satisfy.

Claim: single linkage violates one of Kleinberg's axioms with each stopping rule, and the
meta-clusterer of Theorem 1 satisfies the three meta axioms in every case. There is no theorem
about the learned clusterer; how often it satisfies them is measured.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np
from tqdm import tqdm

from experiments.lib.baselines import BASELINES
from experiments.lib.evaluation import draw_tasks
from experiments.lib.markdown import markdown_table, measured, number
from experiments.lib.records import Record, record
from experiments.lib.runner import Options
from experiments.meta_clustering.axioms.checks import (
    MetaClusterer,
    applied,
    keeps_consistency,
    keeps_meta_consistency,
    keeps_meta_richness,
    keeps_meta_scale_invariance,
    unadapted,
)
from experiments.meta_clustering.axioms.distances import consistent_change
from experiments.meta_clustering.axioms.linkage import meta_single_linkage, single_linkage
from experiments.meta_clustering.axioms.points import (
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
from experiments.meta_clustering.recipes import TABLE1, learner

CASES, TASKS, ORDERS = 2_000, 100, 16


def linkages(tau: float) -> dict[str, MetaClusterer]:
    """Single linkage with each stopping rule, two of which use ``tau``, and Theorem 1's."""
    return {
        "single linkage (k)": unadapted(single_linkage(num_clusters=2)),
        "single linkage (distance)": unadapted(single_linkage(distance=0.5)),
        "single linkage (scale)": unadapted(single_linkage(scale=tau)),
        "single linkage (meta)": meta_single_linkage(tau),
    }


def random_distances(rng: np.random.Generator) -> np.ndarray:
    """Of 3 to 8 points: distances in the plane or, not a metric, uniform in [0, 1]."""
    size = rng.integers(3, 9)
    if rng.random() < 0.5:
        return distances_of(rng.standard_normal((size, 2)))
    table = np.triu(rng.random((size, size)), 1)
    return table + table.T


def linkage_records(seed: int, count: int) -> Iterator[Record]:
    """Rates at which single linkage satisfies each axiom, all methods in the same cases."""
    satisfied: dict[tuple[str, str], list[bool]] = {}
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
                satisfied.setdefault((method, metric), []).append(value)
    for (method, metric), values in satisfied.items():
        dataset = "random distances, N=3..8"
        yield record("axioms", dataset, method, metric, np.array(values), seed=seed)


def measure(options: Options) -> list[Record]:
    """The rates of every method."""
    cases, count, orders, separations = CASES, TASKS, ORDERS, SEPARATIONS
    config = TABLE1.tasks
    if options.smoke:
        cases, count, orders, separations = 20, 2, 2, SEPARATIONS[-1:]
        config = replace(config, num_points=20)
    trained = learner("table1_seed0", options)
    points = np.asarray(draw_tasks(config, options.seed, count)[0].points)
    kmeans = BASELINES["k-means"]
    adapted = partial(adapted_labels, trained, orders=orders)

    def learned(points: np.ndarray, seed: int) -> np.ndarray:
        return adapted(points, points, seed)

    def baseline(points: np.ndarray, seed: int) -> np.ndarray:
        return np.stack([kmeans(table.astype(np.float64), 2, seed) for table in points])

    rates = partial(point_records, points=points, seed=options.seed, separations=separations)
    variants: dict[str, Adapted] = {
        "learned": adapted,
        "learned (own preprocessing)": partial(adapted, own_preprocessing=True),
    }
    return [
        *linkage_records(options.seed, cases),
        *rates("k-means", baseline),
        *rates("learned", learned, adapted=variants),
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
        + f"\n\nShare of {linkage[0]['n']:,} random cases in which single linkage satisfies an "
        "axiom, ± standard error. Stopping rules: two clusters (k); no two clusters are nearer "
        "than 1/2 (distance), or than tau times the largest distance, tau uniform in (1/2, 1) "
        "(scale). The meta-clusterer of Theorem 1 has the same tau (meta). Consistency: the "
        "changed distances are clustered anew, `M[d'](d')`; meta-consistency: by the clusterer "
        "chosen for the original distances, `M[d](d')`. Richness: a random partition is the "
        "answer for one of 25 distance functions that were constructed from it. An axiom is a "
        "statement about every case: a rate of 1 does not prove it, a rate below 1 disproves "
        "it.\n\n"
        + table(others, axioms | more)
        + f"\n\nShare of {others[0]['n']} two-cluster tasks in the plane, from the distribution "
        "of Table 1, in which a method satisfies an axiom exactly, and the share of points that "
        "stay in their cluster; ± standard error over tasks. Scale: a factor of 10 to a power "
        f"uniform in [-{DECADES:g}, {DECADES:g}]; the learner's preprocessing removes it, so its "
        "scale invariance holds by construction. Consistency: each cluster of the answer shrinks "
        f"towards its mean by a factor uniform in [{SHRINK:g}, 1], and the means move apart by "
        "about the least factor that makes the change consistent in every distance. "
        "Meta-consistency: all epochs but the last read the original task; the last labels the "
        "changed points, with the preprocessing of the original (or their own). Richness: a "
        "random partition into two is realised as two round Gaussians at a distance of "
        f"{apart} standard deviations; for one of these data sets it has to be the answer. Either "
        "all sizes, or (balanced) all partitions are equally probable. Asked again: the same "
        "task, other orders or starts. By the share of points in the smaller cluster, the "
        f"partitions of any sizes that the learned clusterer returned were {by_size(rich)}; by "
        f"distance, {by_distance}. It was trained on clusters of equal size. It has two outputs, "
        "so partitions into more clusters are not tried.\n"
    )
