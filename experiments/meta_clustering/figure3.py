"""Figure 3: the number of clusters, found by a learner of up to 5, trained on 1 to 5.

Claim: on tasks with an error of the Bayes oracle under .05 the learner finds the right number in
at least 70 % of the cases.

    python -m experiments.meta_clustering.figure3            # committed weights: a minute
    python -m experiments.meta_clustering.figure3 --retrain  # trains them first: an hour, one core
    python -m experiments.meta_clustering.figure3 --smoke    # seconds
"""

from typing import Any

import numpy as np

from experiments.lib.evaluation import draw_tasks, learned_labels
from experiments.lib.markdown import by_key, markdown_table, measured, number
from experiments.lib.records import Record, record
from experiments.lib.runner import Options, main
from experiments.meta_clustering.recipes import FIGURE3, learner
from l2c_jax import plots
from l2c_jax.recurrent.evaluation import oracle_labels, score_tasks

TEST, ORDERS = 1000, 16
LEAST_SHARE = 0.02
"""A cluster counts as found if it holds at least this share of the points."""
EASY = 0.05
"""Error of the Bayes oracle below which the clusters of a task count as separable."""


def measure(options: Options) -> list[Record]:
    """The confusion of true and found numbers of clusters; examples drawn."""
    trained = learner("figure3", options)
    tasks, mixtures = draw_tasks(FIGURE3.tasks, options.seed, 20 if options.smoke else TEST)
    orders = 1 if options.smoke else ORDERS
    labels = learned_labels(trained, tasks, seed=options.seed, orders=orders)
    oracle = score_tasks(tasks, oracle_labels(tasks, mixtures))["error"]
    error = score_tasks(tasks, labels)["error"]
    truth = np.array([np.unique(task).size for task in np.asarray(tasks.labels)])
    found = np.array([number_found(answer) for answer in labels])
    easy = oracle < EASY
    shared: dict[str, Any] = {"seed": options.seed}
    records = []
    for dataset, chosen in {"oracle error under .05": easy, "all tasks": easy | ~easy}.items():
        confusion = np.zeros((5, 5), int)
        np.add.at(confusion, (truth[chosen] - 1, found[chosen] - 1), 1)
        extra = {"confusion": confusion.tolist()}
        exact = truth[chosen] == found[chosen]
        near = np.abs(truth - found)[chosen] <= 1
        records += [
            record("figure3", dataset, "learned", "exact number", exact, extra=extra, **shared),
            record("figure3", dataset, "learned", "within one", near, **shared),
            record("figure3", dataset, "learned", "error", error[chosen], **shared),
            record("figure3", dataset, "Bayes oracle", "error", oracle[chosen], **shared),
        ]
    options.out.mkdir(parents=True, exist_ok=True)
    panels = []
    for count in range(1, 6):
        index = int(np.flatnonzero((truth == count) & (easy | options.smoke))[0])
        points = np.asarray(tasks.points[index])
        answers = {"truth": np.asarray(tasks.labels[index]), "learned": labels[index]}
        panels.append((f"{count} cluster{'s' * (count > 1)}", points, answers))
    plots.partitions(options.out / "figure3.png", panels)
    return records


def number_found(labels: np.ndarray) -> int:
    """Clusters that hold at least :data:`LEAST_SHARE` of the points."""
    sizes = np.unique(labels, return_counts=True)[1]
    return int((sizes >= LEAST_SHARE * labels.size).sum())


def render(records: list[Record]) -> str:
    """Confusion table and figure, for RESULTS.md."""
    rows = by_key(records, "dataset", "method", "metric")
    parts = []
    for dataset in dict.fromkeys(entry["dataset"] for entry in records):
        exact = rows[dataset, "learned", "exact number"]
        near = rows[dataset, "learned", "within one"]
        error, oracle = rows[dataset, "learned", "error"], rows[dataset, "Bayes oracle", "error"]
        body = [[str(k), *map(str, line)] for k, line in enumerate(exact["confusion"], start=1)]
        parts.append(
            markdown_table(["true \\ found", *"12345"], body)
            + f"\n\n{dataset[0].upper()}{dataset[1:]}, n = {exact['n']}: exact in "
            f"{measured(exact)}, within one in {measured(near)}; error of the partition "
            f"{measured(error)}, of the Bayes oracle {measured(oracle)}."
        )
    share = number(100 * LEAST_SHARE, 0)
    return (
        "## Figure 3: the number of clusters, found by the learner\n\n"
        + "\n\n".join(parts)
        + f"\n\nA cluster counts if it has at least {share} % of the points. Larger numbers are "
        "more frequent in training and test, as in the paper.\n\n"
        "![True and found clusters](figure3.png)\n"
    )


if __name__ == "__main__":
    main("figure3", measure)
