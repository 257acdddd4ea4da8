"""Ablations: the effect of choices that the paper makes without measuring them.

Expected beforehand: matched labels, the preprocessing, the second epoch and the average over
orders each lower the error on the tasks of Table 1; the other choices matter less. Found, with two
clusters: preprocessing and orders do; labels and epochs have no more effect than the seed of the
training; a logit scale and a loss without local part lower the error, too.

    python -m experiments.meta_clustering.ablations          # trains every variant: hours
    python -m experiments.meta_clustering.ablations --smoke  # seconds
"""

from dataclasses import asdict, replace

import numpy as np
from tqdm import tqdm

from experiments.lib.evaluation import draw_tasks, learned_labels
from experiments.lib.learners import Recipe, train
from experiments.lib.markdown import markdown_table, measured, number
from experiments.lib.paths import RUNS
from experiments.lib.records import Record, record, summary
from experiments.lib.runner import Options, main
from experiments.meta_clustering.recipes import TABLE1
from l2c_jax.recurrent.evaluation import oracle_labels, score_tasks
from l2c_jax.recurrent.learner import Learner
from l2c_jax.tasks.gaussian import GaussianTasks

MODEL = TABLE1.model
TRAINING = replace(TABLE1.training, iterations=4_000, log_every=50)
BASE = replace(TABLE1, training=TRAINING)
VARIANTS = {
    "": BASE,
    "half the loss local": replace(BASE, training=replace(TRAINING, classification_weight=0.5)),
    "a tenth of the loss local": replace(
        BASE, training=replace(TRAINING, classification_weight=0.9)
    ),
    "one epoch": replace(BASE, training=replace(TRAINING, epochs=1, iterations=8_000)),
    "four epochs": replace(BASE, training=replace(TRAINING, epochs=4, iterations=2_000)),
    "no feedback": replace(BASE, model=replace(MODEL, feedback=False)),
    "sorted labels": replace(BASE, training=replace(TRAINING, label_assignment="canonical")),
    "raw coordinates": replace(BASE, model=replace(MODEL, preprocessing="raw")),
    "logits not scaled": replace(BASE, model=replace(MODEL, logit_scale=1.0)),
    "updates once an iteration": replace(
        BASE, training=replace(TRAINING, update="iteration", iterations=8_000)
    ),
}
SEEDS = (0, 1)
TEST = 400
ORDERS = (1, 2, 4, 8, 16, 32)
BASE_ORDERS = 16
DATASET = "tasks of Table 1"


def measure(options: Options) -> list[Record]:
    """The error of every variant, and of the base recipe with other numbers of orders."""
    variants = dict(list(VARIANTS.items())[:1]) if options.smoke else VARIANTS
    tasks, mixtures = draw_tasks(BASE.tasks, options.seed, 8 if options.smoke else TEST)
    oracle = score_tasks(tasks, oracle_labels(tasks, mixtures))["error"]

    def errors(learners: list[Learner], orders: int) -> list[np.ndarray]:
        answers = [
            learned_labels(one, tasks, seed=options.seed, orders=orders) for one in learners
        ]
        return [score_tasks(tasks, labels)["error"] for labels in answers]

    records: list[Record] = []
    base: list[Learner] = []
    of_base: list[np.ndarray] = []
    for name, recipe in tqdm(variants.items(), desc="variants"):
        learners = [trained(name, recipe.with_seed(seed), options) for seed in seeds(options)]
        by_seed = errors(learners, BASE_ORDERS)
        base, of_base = base or learners, of_base or by_seed
        records.append(row(f"learned ({name})" if name else "learned", by_seed, of_base, options))
        records[-1] |= {
            "training": asdict(recipe.training),
            "model": asdict(recipe.model),
            "training_minutes": [one.metadata.minutes for one in learners],
        }
    for orders in ORDERS[:1] if options.smoke else ORDERS:
        plural = "orders" if orders > 1 else "order"
        by_seed = errors(base, orders)
        records.append(row(f"learned ({orders} {plural})", by_seed, of_base, options))
    return [
        *records,
        record("ablations", DATASET, "Bayes oracle", "error", oracle, seed=options.seed),
    ]


def seeds(options: Options) -> tuple[int, ...]:
    """Training seeds."""
    return SEEDS[:1] if options.smoke else SEEDS


def trained(name: str, recipe: Recipe[GaussianTasks], options: Options) -> Learner:
    """The learner of one variant and seed, trained now or resumed.

    Raises:
      SystemExit: if a signal stopped the training.
    """
    if options.smoke:
        return train(recipe.quick(), progress=False)
    slug = f"{name.replace(' ', '_') or 'base'}_{recipe.training.seed}"
    return train(recipe, folder=RUNS / "ablations" / slug)


def row(
    method: str, by_seed: list[np.ndarray], base: list[np.ndarray], options: Options
) -> Record:
    """A record: the error of a task is the mean over the training seeds, so n counts tasks.

    Args:
      method: the variant.
      by_seed: errors ``[n]`` for every training seed.
      base: errors of the base recipe on the same tasks.
      options: with the seed of the tasks.

    Returns:
      The record, with the mean difference to the base recipe.
    """
    values = np.mean(by_seed, axis=0)
    gap = summary(values - np.mean(base, axis=0))
    extra = {
        "mean_by_training_seed": [float(errors.mean()) for errors in by_seed],
        "above_the_recipe": {key: gap[key] for key in ("mean", "stderr")},
    }
    return record(*("ablations", DATASET, method, "error", values), seed=options.seed, extra=extra)


def render(records: list[Record]) -> str:
    """The table, for RESULTS.md."""
    base = next(entry for entry in records if entry["method"] == "learned")
    body = []
    for entry in records:
        seeds = ", ".join(number(mean) for mean in entry.get("mean_by_training_seed", []))
        change = "-"
        if entry is not base and "above_the_recipe" in entry:
            change = measured(entry["above_the_recipe"])
        body.append([entry["method"], measured(entry), change, seeds or "-"])
    minutes = sum(sum(entry.get("training_minutes", ())) for entry in records)
    training = base["training"]
    updates = training["iterations"] * training.get("epochs", training.get("passes"))
    return (
        "## Ablations\n\n"
        + markdown_table(["method", "error", "minus that of *learned*", "by training seed"], body)
        + f"\n\nTasks of Table 1, n = {base['n']}. Every variant makes {updates:,} updates with "
        f"the same number of tasks in each; the probabilities of {BASE_ORDERS} orders are "
        "averaged unless the row says otherwise. *learned*: matched labels, centred and scaled "
        "principal axes, feedback of the score, logit scale 5, two epochs, no local loss. The "
        "trainings are shorter here than for Table 1; all learners took "
        f"{number(minutes, 0)} minutes of one core. ± is the standard error over test tasks, of "
        "differences on the same tasks; it does not include the training seed, whose effect the "
        "last column shows.\n"
    )


if __name__ == "__main__":
    main("ablations", measure)
