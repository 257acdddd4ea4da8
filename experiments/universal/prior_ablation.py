"""The effect of each family of the prior on real tables: trainings without one of them.

Claim: learners trained without one family of shapes or changes, for the same number of iterations,
do not have a larger adjusted Rand index on real tables.

    python -m experiments.universal.prior_ablation          # trains 15 learners: 45 minutes
    python -m experiments.universal.prior_ablation --smoke  # seconds, a table of scikit-learn

The learners have the model of the packaged weights "universal" and start from the same warm-up, on
Gaussian clusters only. The frequencies of the numbers of clusters are those of ``BroadPrior``;
small numbers are more frequent than in the training of the packaged weights. A run that was
stopped goes on with the same command.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from tqdm import tqdm

from experiments.lib.baselines import BASELINES
from experiments.lib.curriculum import GAUSSIANS_ALONE
from experiments.lib.data import LabelledTable, development_tables, small_tables
from experiments.lib.learners import Recipe, train
from experiments.lib.markdown import markdown_table, measured, number
from experiments.lib.paths import RUNS
from experiments.lib.records import Record, record
from experiments.lib.runner import Options, main
from experiments.lib.splits import family, interval
from experiments.universal.recipe import MODEL, PRIOR, WHOLE, warmed_up
from l2c_jax.metrics import adjusted_rand_index
from l2c_jax.recurrent.learner import Learner
from l2c_jax.tabular.clusterer import TabularConfig, adapt_table, predict_table
from l2c_jax.tabular.model import TabularModel
from l2c_jax.tasks.corruptions import CORRUPTIONS
from l2c_jax.tasks.families import SHAPES
from l2c_jax.tasks.prior import BroadPrior

TASKS = replace(PRIOR, num_clusters_weights=BroadPrior().num_clusters_weights)
SHORT = replace(WHOLE.training, iterations=600)
ORDERS = 16
GAUSSIANS = "Gaussians alone"
DATASET = "real tables, k given"


def variants(prior: BroadPrior) -> dict[str, BroadPrior]:
    """The prior; without one family each; and with Gaussian clusters of equal size only."""
    shapes = [name for name in SHAPES if name != "gaussian"]
    found = {"": prior}
    kinds = {**dict.fromkeys(shapes, "weight"), **dict.fromkeys(CORRUPTIONS, "prob")}
    for name, kind in kinds.items():
        without: dict[str, Any] = {f"{name}_{kind}": 0.0}
        found[f"without {name.replace('_', ' ')}"] = replace(prior, **without)
    found["without anisotropy"] = replace(prior, anisotropy=0.0)
    found["without unequal sizes"] = replace(prior, size_imbalance=0.0)
    found[GAUSSIANS] = replace(prior, **GAUSSIANS_ALONE)
    return found


def trained(name: str, tasks: BroadPrior, options: Options) -> Learner:
    """The learner of one variant, trained now or resumed.

    Raises:
      SystemExit: if a signal stopped the training.
    """
    if options.smoke:
        small: dict[str, Any] = {"num_points": 16, "min_points": 12, "num_clusters": 3}
        small["num_clusters_weights"] = (1, 1, 1)
        model = replace(MODEL, num_clusters=3)
        return train(Recipe(replace(tasks, **small), model, SHORT).quick((4,)), progress=False)
    recipe = Recipe(tasks, MODEL, replace(SHORT, seed=options.seed))
    slug = name.replace(" ", "_") or "whole"
    folder = RUNS / "prior_ablation" / f"{slug}_seed{options.seed}"
    return train(recipe, start=warmed_up(), folder=folder)


def agreement(learner: Learner, tables: list[LabelledTable], options: Options) -> np.ndarray:
    """Adjusted Rand index ``[tables]``, the number of classes given."""
    inference = replace(TabularConfig().inference, orders=1 if options.smoke else ORDERS)
    config, model, found = TabularConfig(inference), TabularModel(learner), []
    for table in tqdm(tables, desc="tables", leave=False):
        adapted = adapt_table(
            *(model, table.points, table.num_clusters), config=config, seed=options.seed
        )
        labels = predict_table(model, adapted, table.points).argmax(axis=1)
        found.append(adjusted_rand_index(table.labels, labels))
    return np.array(found)


def measure(options: Options) -> list[Record]:
    """ARI of every variant on real tables, and its difference to that of the whole prior."""
    chosen = list(variants(TASKS).items())
    if options.smoke:
        chosen, tables = chosen[:1], list(small_tables())[1:2]
    else:
        tables = list(development_tables(seed=options.seed))
    baseline = [
        adjusted_rand_index(
            table.labels, BASELINES["k-means"](table.points, table.num_clusters, options.seed)
        )
        for table in tables
    ]
    scores, minutes = {}, {}
    for name, tasks in tqdm(chosen, desc="variants"):
        learner = trained(name, tasks, options)
        minutes[name] = learner.metadata.minutes
        scores[name] = agreement(learner, tables, options)
    groups = [family(table.name) for table in tables]
    return list(records(scores, minutes, np.array(baseline), groups, options.seed))


def records(
    scores: dict[str, np.ndarray],
    minutes: dict[str, float],
    baseline: np.ndarray,
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
    yield record("prior_ablation", DATASET, "k-means", "ARI", baseline, seed=seed)


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
        + "\n\nAll learners start from the warm-up on easy Gaussian tasks, have the model of the "
        f"packaged weights, and are trained for {training['iterations']:,} iterations of "
        f"{training['batch']} tasks ({number(minutes, 0)} minutes in all); small numbers of "
        "clusters are more frequent than for the packaged weights. ARI: mean over "
        f"{whole['n']} real tables, the number of classes given. Intervals: bootstrap over "
        "families of tables, of paired differences. They do not include the spread over training "
        "seeds; each row has one. Families without which the index is lower, beyond the interval: "
        f"{missed}.\n"
    )


if __name__ == "__main__":
    main("prior_ablation", measure)
