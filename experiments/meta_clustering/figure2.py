"""Figure 2: sample tasks of the generator, and of the prior behind the weights "universal".

python -m experiments.meta_clustering.figure2          # minutes
python -m experiments.meta_clustering.figure2 --smoke  # seconds
"""

from typing import Any

import jax
import numpy as np

from experiments.lib import plots
from experiments.lib.evaluation import draw_tasks
from experiments.lib.markdown import measured
from experiments.lib.records import Record, record
from experiments.lib.runner import Options, main
from l2c_jax.recurrent.evaluation import oracle_labels, sample_tasks, score_tasks
from l2c_jax.tasks.corruptions import CORRUPTIONS
from l2c_jax.tasks.families import SHAPES
from l2c_jax.tasks.gaussian import GaussianTasks
from l2c_jax.tasks.prior import BroadPrior

TASKS = GaussianTasks(num_points=300)
COLUMNS = 6


def measure(options: Options) -> list[Record]:
    """Draw both pictures; the record: error of the Bayes oracle on the tasks of the first."""
    options.out.mkdir(parents=True, exist_ok=True)
    tasks, mixtures = draw_tasks(TASKS, options.seed, COLUMNS * 2)
    shown = [
        ("", np.asarray(points), np.asarray(labels))
        for points, labels in zip(tasks.points, tasks.labels, strict=True)
    ]
    plots.gallery(options.out / "figure2.png", shown, COLUMNS)
    families = [*SHAPES, *CORRUPTIONS][: 1 if options.smoke else None]
    shown = [(name, *task) for name in families for task in family(name, options)]
    plots.gallery(options.out / "prior.png", shown, COLUMNS)
    errors = score_tasks(tasks, oracle_labels(tasks, mixtures))["error"]
    return [record("figure2", "tasks shown", "Bayes oracle", "error", errors, seed=options.seed)]


def family(name: str, options: Options) -> list[tuple[np.ndarray, np.ndarray]]:
    """Some tasks in the plane of one family alone; a change is applied to Gaussian clusters."""
    shape = name if name in SHAPES else "gaussian"
    weights: dict[str, Any] = {f"{other}_weight": float(other == shape) for other in SHAPES}
    changes: dict[str, Any] = {f"{other}_prob": float(other == name) for other in CORRUPTIONS}
    config = BroadPrior(
        num_points=200,
        min_points=200,
        dimensions=2,
        num_clusters=3,
        num_clusters_weights=(0, 1, 1),
        separation=(5.0, 8.0),
        **weights,
        **changes,
    )
    keys = jax.random.split(jax.random.key(options.seed), 8 * COLUMNS)
    tasks = sample_tasks(config, keys)
    points, labels = np.asarray(tasks.points), np.asarray(tasks.labels)
    wide = np.flatnonzero(points.std(axis=1).min(axis=1) > 0)[:COLUMNS]  # two columns, not one
    return [(points[index], labels[index]) for index in wide]


def render(records: list[Record]) -> str:
    """The pictures, for RESULTS.md."""
    return (
        "## Figure 2: sample tasks\n\n"
        "![Tasks of the generator of section 4.1](figure2.png)\n\n"
        "Tasks from the training distribution of Table 1. Error of the Bayes oracle on the tasks "
        f"shown: {measured(records[0])}.\n\n"
        "![Families of the prior](prior.png)\n\n"
        'The families of the prior behind the weights "universal", one per row, in the plane, '
        "each by itself; in training they are mixed, in up to "
        f"{BroadPrior().dimensions} dimensions.\n"
    )


if __name__ == "__main__":
    main("figure2", measure)
