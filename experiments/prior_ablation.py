"""What each family of the prior is worth on real tables: learners that never met one of them.

Claim: learners that were trained without a family of shapes or changes, as long as the others,
agree no better with the classes of real tables.

    python -m experiments.prior_ablation          # trains every variant: 45 minutes on two cores
    python -m experiments.prior_ablation --smoke  # seconds, on a table of scikit-learn's

The learners are of the kind of the packaged weights and begin, as those do, from a learner of easy
tasks, which knows Gaussian clusters only. Numbers of clusters are met as often as ``PriorConfig``
has them, small ones more often than in the packaged weights' prior. A run that was stopped goes on
with the same command.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from tqdm import tqdm

from experiments.data import LabelledTable, development_tables
from experiments.harness import RUNS, Options, main
from experiments.splits import family
from experiments.table_school import NOTHING_ELSE
from experiments.zero_shot import MODEL, TRAINING, schooled
from experiments.zero_shot import TASKS as PACKAGED_TASKS
from experiments.zero_shot_tables import interval
from l2c_jax.baselines import BASELINES
from l2c_jax.demo import data_sets
from l2c_jax.evaluate import record
from l2c_jax.metrics import adjusted_rand_index
from l2c_jax.recurrent.fit import fit
from l2c_jax.recurrent.learner import Learner
from l2c_jax.report import Record, markdown_table, measured, number
from l2c_jax.tabular.clusterer import label_table, study_table
from l2c_jax.tasks.families import CHANGES, SHAPES
from l2c_jax.tasks.prior import PriorConfig

TASKS = replace(PACKAGED_TASKS, count_weights=PriorConfig().count_weights)
SHORT = replace(TRAINING, iterations=600)
ORDERS = 16
GAUSSIANS = "Gaussians alone"
DATASET = "real tables, k told"


def variants(prior: PriorConfig) -> dict[str, PriorConfig]:
    """The prior, without one family each, and with none but Gaussian clusters, all alike."""
    shapes = [name for name in SHAPES if name != "gaussian"]
    found = {"": prior}
    for name in (*shapes, *CHANGES):
        without: dict[str, Any] = {name: 0.0}
        found[f"without {name.replace('_', ' ')}"] = replace(prior, **without)
    found["without anisotropy"] = replace(prior, anisotropy=0.0)
    found["without unequal sizes"] = replace(prior, unequal=0.0)
    found[GAUSSIANS] = replace(prior, **NOTHING_ELSE)
    return found


def trained(name: str, tasks: PriorConfig, options: Options) -> Learner:
    """A learner of one variant, trained now or going on where it stopped.

    Raises:
      SystemExit: if a signal stopped the training.
    """
    training, model, folder = replace(SHORT, seed=options.seed), MODEL, None
    if options.smoke:
        training = replace(training, iterations=2, batch=2, log_every=2)
        model = replace(model, hidden=(4,), num_clusters=3)
        tasks = replace(
            tasks, num_points=16, min_points=12, num_clusters=3, count_weights=(1,) * 3
        )
    else:
        slug = name.replace(" ", "_") or "whole"
        folder = RUNS / "prior_ablation" / f"{slug}_seed{options.seed}"
    learner, finished = fit(
        *(tasks, model, training),
        start=None if options.smoke else schooled(),
        folder=folder,
        resume=True,
        progress=not options.smoke,
    )
    if not finished:
        raise SystemExit(f"stopped; the same command goes on ({folder})")
    return learner


def agreement(learner: Learner, tables: list[LabelledTable], options: Options) -> np.ndarray:
    """Adjusted Rand index ``[tables]``, the number of classes told."""
    orders = 1 if options.smoke else ORDERS
    found = []
    for table in tqdm(tables, desc="tables", leave=False):
        known = study_table(
            *(learner, table.points),
            num_clusters=table.num_clusters,
            orders=orders,
            seed=options.seed,
        )
        labels = label_table(learner, known, table.points).argmax(axis=1)
        found.append(adjusted_rand_index(table.labels, labels))
    return np.array(found)


def measure(options: Options) -> list[Record]:
    """Agreement of every variant with real tables, and how it differs from the whole prior's."""
    chosen = list(variants(TASKS).items())
    if options.smoke:
        chosen = chosen[:1]
        tables = [
            LabelledTable(d.name, d.points, d.labels, int(d.labels.max()) + 1) for d in data_sets()
        ][1:2]
    else:
        tables = list(development_tables(seed=options.seed))
    designed = [
        adjusted_rand_index(
            table.labels, BASELINES["k-means"](table.points, table.num_clusters, options.seed)
        )
        for table in tables
    ]
    scores, minutes = {}, {}
    for name, tasks in tqdm(chosen, desc="variants"):
        learner = trained(name, tasks, options)
        minutes[name] = learner.header["minutes"]
        scores[name] = agreement(learner, tables, options)
    groups = [family(table.name) for table in tables]
    return list(records(scores, minutes, np.array(designed), groups, options.seed))


def records(
    scores: dict[str, np.ndarray],
    minutes: dict[str, float],
    designed: np.ndarray,
    groups: Sequence[str],
    seed: int,
) -> Iterator[Record]:
    """Means over tables, and paired differences with bootstrap intervals."""
    whole = scores[""]
    for name, values in scores.items():
        method = f"learned ({name})" if name else "learned"
        extra: dict[str, Any] = {"training_minutes": [minutes[name]]}
        if not name:
            extra |= {"training": asdict(SHORT), "model": asdict(MODEL)}
        yield record("prior_ablation", DATASET, method, "ARI", values, seed=seed, extra=extra)
        if name:
            low, high = interval(values - whole, seed, groups)
            yield record(
                *("prior_ablation", DATASET, method, "ARI above the whole prior", values - whole),
                seed=seed,
                extra={"low": low, "high": high},
            )
    yield record("prior_ablation", DATASET, "k-means", "ARI", designed, seed=seed)


def render(records: list[Record]) -> str:
    """The table, for RESULTS.md."""
    rows: dict[str, dict[str, Record]] = {}
    for entry in records:
        rows.setdefault(entry["method"], {})[entry["metric"]] = entry
    body = []
    for method, row in rows.items():
        change = row.get("ARI above the whole prior")
        gain = "-"
        if change is not None:
            ends = (number(100 * change[end], 1) for end in ("low", "high"))
            gain = f"{number(100 * change['mean'], 1)} ({' to '.join(ends)})"
        body.append([method, measured(row["ARI"]), gain])
    whole = rows["learned"]["ARI"]
    training = whole["training"]
    clear = [
        method.removeprefix("learned (without ").removesuffix(")")
        for method, row in rows.items()
        if method.startswith("learned (without") and row["ARI above the whole prior"]["high"] < 0
    ]
    missed = ", ".join(clear) or "none"
    minutes = sum(sum(row["ARI"].get("training_minutes", ())) for row in rows.values())
    return (
        '## Families of the prior behind the weights "universal"\n\n'
        + markdown_table(
            ["method", "ARI", "above the whole prior, ARI x100 (95 % interval)"], body
        )
        + "\n\nLearners of easy Gaussian tasks, of the same kind as the packaged weights, trained "
        f"on for {training['iterations']:,} iterations of {training['batch']} tasks (all of them "
        f"in {number(minutes, 0)} minutes), small numbers of clusters more often, read "
        f"{whole['n']} real tables, the number of classes told. Intervals: bootstrap over "
        "families of tables, of paired differences; they do not hold the spread of training "
        "seeds, of which each row has one. Families whose lack lowers the index beyond the "
        f"interval: {missed}. A family that is not named "
        "stays for the tasks that it stands for, not for these tables.\n"
    )


if __name__ == "__main__":
    main("prior_ablation", (__doc__ or "").split("\n")[0], measure)
