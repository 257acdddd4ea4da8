"""``l2c train``: make weights."""

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro

from l2c_jax.io.tables import read_table
from l2c_jax.preprocessing.column_options import ColumnOptions
from l2c_jax.recurrent.config import ModelConfig, TrainConfig
from l2c_jax.recurrent.fitting import fit
from l2c_jax.recurrent.learner import Learner, load_learner
from l2c_jax.tabular.judge_examples import JudgeConfig
from l2c_jax.tabular.judge_training import train_judge
from l2c_jax.tabular.model import save_tabular_model
from l2c_jax.tasks import (
    BroadPrior,
    GaussianTasks,
    TableTasks,
    TaskDistribution,
    TaskMixture,
    make_pool,
)
from l2c_jax.training.distributed import is_first, join
from l2c_jax.training.loop import RunOptions


@dataclass(frozen=True)
class Model(ModelConfig):
    """Shape of the learner."""

    architecture: Literal["stacked", "slots"] = "stacked"
    """"stacked": four LSTM layers with one state per task, as in the paper. "slots": one LSTM cell
    per cluster with shared weights, as in the packaged weights; use it with
    ``--model.logit-scale 1 --model.hidden 48``."""


@dataclass(frozen=True)
class Tables:
    """Tasks from labelled tables, for ``--prior tables``."""

    files: tuple[Path, ...] = ()
    """Tables, each with a column of classes."""
    label_column: str = "class"
    """That column."""
    num_points: int = 100
    """N, points of a task."""
    num_clusters: int = 2
    """K, classes of a task, or the largest possible number."""
    min_clusters: int | None = None
    """Least number of classes; default: always K."""
    broad_share: float = 0.0
    """Share of the tasks that are drawn from the broad prior instead."""


@dataclass(frozen=True)
class Train:
    """Train a learner (Algorithm 1) and write its weights."""

    out: Annotated[Path, tyro.conf.arg(aliases=["-o"])]
    """Folder of the run: weights.safetensors, log.jsonl, run.json and checkpoints go there."""
    prior: Literal["gaussian", "broad", "tables"] = "gaussian"
    """Task distribution: Gaussian clusters with swirls (section 4.1), the broad prior of the
    weights "universal", or labelled tables."""
    gaussian: GaussianTasks = field(default_factory=GaussianTasks)
    broad: BroadPrior = field(default_factory=BroadPrior)
    tables: Tables = field(default_factory=Tables)
    model: Model = field(default_factory=Model)
    training: TrainConfig = field(default_factory=TrainConfig)
    start: str | None = None
    """Weights of the same shape to begin from: a file, or the name of packaged weights."""
    judge: bool = False
    """Train a judge afterwards, which chooses the view and the number of clusters."""
    judging: JudgeConfig = field(default_factory=JudgeConfig)
    resume: bool = False
    """Go on from the newest checkpoint in the folder, bit for bit as if never stopped."""
    quiet: bool = False
    """No progress bar and no lines; the log file has them."""
    coordinator: str | None = None
    """HOST:PORT of process 0, for a run of several processes. On a cluster whose environment
    tells JAX (Slurm, Open MPI, Cloud TPU), this and the next two are not needed."""
    num_processes: int | None = None
    """How many processes make this run."""
    process_id: int | None = None
    """Which one this is, from 0. All of them need the folder of the run."""

    def run(self) -> int:
        """Train; 0 when finished, 130 when a signal stopped it and it can be resumed."""

        def line(record: dict) -> None:
            if not self.quiet and not sys.stderr.isatty():
                print(json.dumps(record), file=sys.stderr, flush=True)

        join(self.coordinator, self.num_processes, self.process_id)
        if not self.quiet and is_first():
            print("compiling; the first time this takes half a minute", file=sys.stderr)
        progress = not self.quiet and sys.stderr.isatty()
        distribution = self.distribution()
        learner, finished = fit(
            distribution,
            ModelConfig(**vars(self.model)),
            self.training,
            start=None if self.start is None else load_learner(self.start),
            run=RunOptions(self.out, resume=self.resume, progress=progress, on_log=line),
        )
        if not finished:
            done = learner.metadata.iterations
            print(f"stopped at iteration {done}; go on with --resume", file=sys.stderr)
            return 130
        if self.judge:
            self._add_judge(learner, distribution)
        if is_first():
            error = learner.metadata.error or {}
            path = self.out / "weights.safetensors"
            print(f"{path}: error {error['mean']:.4f} ± {error['stderr']:.4f} on fresh tasks")
        return 0

    def distribution(self) -> TaskDistribution:
        """The task distribution that was asked for.

        Raises:
          ValueError: if it is of tables and there are none.
        """
        if self.prior == "gaussian":
            return self.gaussian
        if self.prior == "broad":
            return self.broad
        if not self.tables.files:
            raise ValueError("--prior tables needs --tables.files")
        label = self.tables.label_column
        read = [read_table(path, ColumnOptions(label_column=label)) for path in self.tables.files]
        pool = make_pool([(table.numbers, table.labels(label)) for table in read])
        tasks = TableTasks(
            pool,
            num_points=self.tables.num_points,
            dimensions=pool.rows.shape[1],
            num_clusters=self.tables.num_clusters,
            min_clusters=self.tables.min_clusters,
        )
        share = self.tables.broad_share
        return TaskMixture((tasks, self.broad), (1 - share, share)) if share else tasks

    def _add_judge(self, learner: Learner, distribution: TaskDistribution) -> None:
        model = train_judge(learner, distribution, self.judging)
        if is_first():
            save_tabular_model(self.out / "weights.safetensors", model)
            reached = model.learner.metadata.extra["judge"]
            print(f"number of clusters: exact in {reached['exact']:.3f} of held-out tasks")
