"""``l2c evaluate``: measure weights on tasks with known labels."""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import jax
import numpy as np
import tyro

from l2c_jax.cli.cluster import DEFAULT_WEIGHTS, Reading
from l2c_jax.io.label_file import clusterer_seed, learner_config, learner_input
from l2c_jax.io.tables import read_table
from l2c_jax.metrics import METRICS, scores
from l2c_jax.preprocessing.column_options import ColumnOptions
from l2c_jax.recurrent.evaluation import (
    oracle_labels,
    predict_tasks,
    sample_with_oracle,
    score_tasks,
)
from l2c_jax.recurrent.learner import Learner, load_learner
from l2c_jax.tabular.clusterer import adapt_table, predict_table
from l2c_jax.tabular.model import load_tabular_model
from l2c_jax.tasks import TaskDistribution, from_description


class UsageError(ValueError):
    """What was asked cannot be done; one line says why."""


@dataclass(frozen=True)
class Evaluate:
    """Measure weights on fresh tasks from their training distribution, or on a labelled file."""

    weights: Annotated[str, tyro.conf.arg(aliases=["-w"])] = DEFAULT_WEIGHTS
    """A weight file, or the name of packaged weights."""
    file: Path | None = None
    """A labelled table; default: fresh tasks like those the weights were trained on."""
    label_column: str | None = None
    """The file's column with true labels."""
    count: int = 100
    """How many tasks."""
    reading: tyro.conf.OmitArgPrefixes[Reading] = field(default_factory=Reading)
    seed: int = 0
    """Seed of tasks and orders."""

    def run(self) -> int:
        """Measure and print."""
        if self.count < 1:
            raise UsageError("count must be at least 1")
        if self.file is not None:
            return self._on_file(self.file)
        learner = load_learner(self.weights)
        described = learner.metadata.tasks
        distribution = None if described is None else from_description(described)
        if distribution is None:
            raise UsageError(
                f"{self.weights}: its header names no task distribution that can be made again; "
                "give a --file"
            )
        self._on_tasks(learner, distribution)
        return 0

    def _on_file(self, file: Path) -> int:
        if self.label_column is None:
            raise UsageError("--file needs --label-column, the column with true labels")
        table = read_table(file, ColumnOptions(label_column=self.label_column))
        classes = table.labels(self.label_column)
        there = np.array([cell is not None for cell in classes], bool)
        if not there.any():
            raise UsageError(f"{file}: no row has a label in column {self.label_column!r}")
        model, config = load_tabular_model(self.weights), self.reading.config()
        k, truth = len(set(classes[there])), classes[there].astype(str)
        points = learner_input(table.prepared, config, table.numbers)
        config = learner_config(table.prepared, config)
        fitted = adapt_table(model, points, k, config=config, seed=clusterer_seed(self.seed))
        labels = predict_table(model, fitted, points).argmax(axis=1)
        result = scores(truth, labels[there])
        print(", ".join(f"{name} {value:.4f}" for name, value in result.items()))
        if not there.all():
            print(f"{(~there).sum()} rows without a label left out", file=sys.stderr)
        return 0

    def _on_tasks(self, learner: Learner, distribution: TaskDistribution) -> None:
        tasks, mixtures = sample_with_oracle(distribution, self.seed, self.count)
        training = learner.metadata.training
        probabilities = predict_tasks(
            learner,
            jax.random.key(self.seed),
            tasks,
            config=self.reading.paper(),
            num_clusters_given=training is None or training.k_dropout < 1,
        )
        answers = {"learned": np.asarray(probabilities.argmax(axis=-1))}
        if mixtures is not None:
            answers["Bayes oracle"] = oracle_labels(tasks, mixtures)
        print(f"{self.count} fresh tasks of {type(distribution).__name__}, seed {self.seed}")
        print(f"{'':14}" + "".join(f"{name:>18}" for name in METRICS))
        for method, labels in answers.items():
            cells = [_mean(values) for values in score_tasks(tasks, labels).values()]
            print(f"{method:14}" + "".join(f"{cell:>18}" for cell in cells))


def _mean(values: np.ndarray) -> str:
    """Mean and standard error."""
    stderr = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else float("nan")
    return f"{values.mean():.4f} ± {stderr:.4f}"
