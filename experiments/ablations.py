"""What each part of the recipe is worth: choices that the paper makes without measuring them.

Expected beforehand: matched labels, the canonical frame, the second pass and averaged visiting
orders each lower the error on the tasks of Table 1; the other choices matter less. Found, with two
clusters: the frame and the orders do; labels and passes do no more than the seed of the training;
scaled logits and the loss without its local part do, too.

    python -m experiments.ablations            # trains every variant: two hours on one core
    python -m experiments.ablations --smoke    # seconds
"""

from dataclasses import asdict, replace

import numpy as np
from tqdm import tqdm

from experiments.harness import RUNS, Options, main
from l2c_jax.evaluate import (
    draw_tasks,
    learned_labels,
    oracle_labels,
    record,
    scores_of_tasks,
    summary,
)
from l2c_jax.recurrent.config import TrainConfig
from l2c_jax.recurrent.fit import fit
from l2c_jax.recurrent.learner import Learner
from l2c_jax.recurrent.model import ModelConfig
from l2c_jax.report import Record, markdown_table, measured, number
from l2c_jax.tasks.gaussian import TaskConfig

TASKS = TaskConfig()
MODEL = ModelConfig()
TRAINING = TrainConfig(iterations=4_000, batch=32, passes=2, labels="matched", log_every=50)
VARIANTS = {
    "": (MODEL, TRAINING),
    "half the loss local": (MODEL, replace(TRAINING, lam=0.5)),
    "a tenth of the loss local": (MODEL, replace(TRAINING, lam=0.9)),
    "one pass": (MODEL, replace(TRAINING, passes=1, iterations=8_000)),
    "four passes": (MODEL, replace(TRAINING, passes=4, iterations=2_000)),
    "no feedback": (replace(MODEL, feedback=False), TRAINING),
    "sorted labels": (MODEL, replace(TRAINING, labels="sorted")),
    "raw frame": (replace(MODEL, frame="raw"), TRAINING),
    "logits not scaled": (replace(MODEL, logit_scale=1.0), TRAINING),
    "updates once an iteration": (MODEL, replace(TRAINING, update="iteration", iterations=8_000)),
}
SEEDS = (0, 1)
TEST = 400
ORDERS = (1, 2, 4, 8, 16, 32)
BASE_ORDERS = 16


def measure(options: Options) -> list[Record]:
    """The error of every variant, and of the recipe itself at other numbers of orders."""
    variants = dict(list(VARIANTS.items())[:1]) if options.smoke else VARIANTS
    seeds = SEEDS[:1] if options.smoke else SEEDS
    tasks, mixtures = draw_tasks(TASKS, options.seed, 8 if options.smoke else TEST)
    oracle = scores_of_tasks(tasks, oracle_labels(tasks, mixtures))["error"]
    records: list[Record] = []
    base: list[Learner] = []
    of_base: list[np.ndarray] = []
    for name, (model, training) in tqdm(variants.items(), desc="variants"):
        by_seed, minutes = [], []
        for seed in seeds:
            if options.smoke:
                training = replace(training, iterations=4, batch=2, log_every=2)
                model = replace(model, hidden=(8, 8, 8))
            folder = RUNS / "ablations" / f"{name.replace(' ', '_') or 'base'}_{seed}"
            learner, finished = fit(
                *(TASKS, model, replace(training, seed=seed)),
                folder=None if options.smoke else folder,
                resume=True,
                progress=not options.smoke,
            )
            if not finished:
                raise SystemExit(f"stopped; the same command goes on ({folder})")
            if not name:
                base.append(learner)
            labels = learned_labels(learner, tasks, seed=options.seed, orders=BASE_ORDERS)
            by_seed.append(scores_of_tasks(tasks, labels)["error"])
            minutes.append(learner.header["minutes"])
        of_base = of_base or by_seed
        method = f"learned ({name})" if name else "learned"
        records.append(row(method, by_seed, of_base, options))
        records[-1]["training"], records[-1]["model"] = asdict(training), asdict(model)
        records[-1]["training_minutes"] = minutes
    for orders in ORDERS[:1] if options.smoke else ORDERS:
        by_seed = [
            scores_of_tasks(
                tasks, learned_labels(learner, tasks, seed=options.seed, orders=orders)
            )["error"]
            for learner in base
        ]
        plural = "orders" if orders > 1 else "order"
        records.append(row(f"learned ({orders} visiting {plural})", by_seed, of_base, options))
    records.append(
        record("ablations", "tasks of Table 1", "Bayes oracle", "error", oracle, seed=options.seed)
    )
    return records


def row(
    method: str, by_seed: list[np.ndarray], base: list[np.ndarray], options: Options
) -> Record:
    """A record: a task's error is its mean over the training seeds, so that n counts tasks.

    Args:
      method: the variant.
      by_seed: its errors ``[n]`` for every training seed.
      base: those of the recipe; on the same tasks.
      options: the seed of the tasks.
    """
    values = np.mean(by_seed, axis=0)
    gap = summary(values - np.mean(base, axis=0))
    extra = {
        "mean_by_training_seed": [float(errors.mean()) for errors in by_seed],
        "above_the_recipe": {key: gap[key] for key in ("mean", "stderr")},
    }
    return record(
        *("ablations", "tasks of Table 1", method, "error", values), seed=options.seed, extra=extra
    )


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
    passes = base["training"]["iterations"] * base["training"]["passes"]
    return (
        "## Ablations\n\n"
        + markdown_table(["method", "error", "against the recipe", "by training seed"], body)
        + f"\n\nTasks of Table 1, n = {base['n']}; every variant makes {passes:,} updates with "
        f"the same number of tasks in each, {BASE_ORDERS} visiting orders averaged unless the row "
        "says otherwise. The recipe: matched labels, canonical frame, feedback, scaled logits, "
        "two passes, no local loss. It is trained shorter here than for Table 1, all learners in "
        f"{number(minutes, 0)} minutes of one core. ± is the "
        "standard error over test tasks, of differences on the same tasks; it holds no training "
        "seed: the last column shows how far these differ.\n"
    )


if __name__ == "__main__":
    main("ablations", __doc__.split("\n")[0], measure)
