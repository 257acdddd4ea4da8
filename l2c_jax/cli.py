"""The command line ``l2c``: a thin shell over the library's own configurations."""

import csv
import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro

from l2c_jax import runtime
from l2c_jax.loop import DivergedError
from l2c_jax.processes import is_first, join
from l2c_jax.recurrent.cluster import Clustering, cluster
from l2c_jax.recurrent.fit import fit
from l2c_jax.recurrent.learner import load_learner, save_learner
from l2c_jax.recurrent.model import ModelConfig
from l2c_jax.recurrent.train import TrainConfig
from l2c_jax.tables import Table, read_table, standardised
from l2c_jax.tasks.synthetic import TaskConfig

DEFAULT_WEIGHTS = "demo"


class UsageError(ValueError):
    """What was asked cannot be done; one line says why."""


@dataclasses.dataclass(frozen=True)
class Train:
    """Train a learner on synthetic tasks (Algorithm 1) and write its weights."""

    out: Annotated[Path, tyro.conf.arg(aliases=["-o"])]
    """Folder of the run: weights.safetensors, log.jsonl, run.json and checkpoints go there."""
    tasks: TaskConfig = dataclasses.field(default_factory=TaskConfig)
    model: ModelConfig = dataclasses.field(default_factory=ModelConfig)
    training: TrainConfig = dataclasses.field(default_factory=TrainConfig)
    resume: bool = False
    """Go on from the newest checkpoint in the folder, bit for bit as if never stopped."""
    quiet: bool = False
    """No progress bar and no lines; the log file has it all."""
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
        learner, finished = fit(
            self.tasks,
            self.model,
            self.training,
            folder=self.out,
            resume=self.resume,
            progress=not self.quiet and sys.stderr.isatty(),
            on_log=line,
        )
        if not finished:
            done = learner.header["iterations"]
            print(f"stopped at iteration {done}; go on with --resume", file=sys.stderr)
            return 130
        if not is_first():
            return 0
        path = self.out / "weights.safetensors"
        save_learner(path, learner)
        error = learner.header["error"]
        print(f"{path}: error {error['mean']:.4f} ± {error['stderr']:.4f} on fresh tasks")
        return 0


@dataclasses.dataclass(frozen=True)
class Cluster:
    """Cluster the rows of a CSV file; the answer is the file with a label and probabilities."""

    file: tyro.conf.Positional[Path]
    """Comma, semicolon or tab; columns that are not numbers are dropped."""
    weights: Annotated[str, tyro.conf.arg(aliases=["-w"])] = DEFAULT_WEIGHTS
    """A weight file, or the name of shipped weights."""
    num_clusters: Annotated[int | None, tyro.conf.arg(aliases=["-k"])] = None
    """How many clusters; some weights have to be told."""
    out: Annotated[Path | None, tyro.conf.arg(aliases=["-o"])] = None
    """Where the answer goes; default: standard output."""
    label_column: str | None = None
    """A column of true labels: not read, but the answer is scored against it."""
    standardise: bool = True
    """Give every column the same variance first."""
    orders: int = 16
    """Visiting orders averaged."""
    passes: int = 2
    """Passes over the data."""
    seed: int = 0
    """Of the visiting orders."""

    def run(self) -> int:
        """Read, cluster, write."""
        from l2c_jax.evaluate import scores

        table, found = _cluster_file(self)
        if self.out is None:
            _write_answer(sys.stdout, table, found)
        else:
            with self.out.open("w", newline="") as file:
                _write_answer(file, table, found)
        if table.dropped:
            print(f"not numbers, left out: {', '.join(table.dropped)}", file=sys.stderr)
        print(
            f"{len(table.rows)} rows, {len(table.numeric)} columns, "
            f"{found.num_clusters} clusters in use",
            file=sys.stderr,
        )
        if self.label_column is not None:
            result = scores(table.column(self.label_column), found.labels)
            print(", ".join(f"{k} {v:.4f}" for k, v in result.items()), file=sys.stderr)
        return 0


@dataclasses.dataclass(frozen=True)
class Evaluate:
    """Measure weights on fresh synthetic tasks, or on a CSV file with labels."""

    weights: Annotated[str, tyro.conf.arg(aliases=["-w"])] = DEFAULT_WEIGHTS
    """A weight file, or the name of shipped weights."""
    file: Path | None = None
    """A labelled CSV file; default: fresh tasks like those the weights were trained on."""
    label_column: str | None = None
    """The file's column of true labels."""
    count: int = 100
    """How many synthetic tasks."""
    standardise: bool = True
    """Give every column of the file the same variance first."""
    orders: int = 16
    """Visiting orders averaged."""
    passes: int = 2
    """Passes over the data."""
    seed: int = 0
    """Of tasks and visiting orders."""

    def run(self) -> int:
        """Measure and print."""
        from l2c_jax import evaluate
        from l2c_jax.report import markdown_table, measured

        if min(self.count, self.orders, self.passes) < 1:
            raise UsageError("count, orders and passes must be at least 1")
        if self.file is not None:
            if self.label_column is None:
                raise UsageError("--file needs --label-column, the column of true labels")
            table = read_table(self.file, ignore=self.label_column)
            classes = np.unique(table.column(self.label_column)).size
            _, found = _cluster_file(
                Cluster(
                    self.file,
                    weights=self.weights,
                    num_clusters=classes,
                    label_column=self.label_column,
                    standardise=self.standardise,
                    orders=self.orders,
                    passes=self.passes,
                    seed=self.seed,
                )
            )
            result = evaluate.scores(table.column(self.label_column), found.labels)
            print(", ".join(f"{k} {v:.4f}" for k, v in result.items()))
            return 0
        learner = load_learner(self.weights)
        try:
            config = TaskConfig(**learner.header["tasks"])
        except (KeyError, TypeError) as error:
            raise UsageError(
                f"{self.weights}: its header names no synthetic tasks; give a --file"
            ) from error
        tasks, mixtures = evaluate.draw_tasks(config, self.seed, self.count)
        answers = {
            "learned": evaluate.learned_labels(
                learner, tasks, seed=self.seed, orders=self.orders, passes=self.passes
            ),
            "Bayes oracle": evaluate.oracle_labels(tasks, mixtures),
        }
        rows = []
        for method, labels in answers.items():
            by_task = evaluate.scores_of_tasks(tasks, labels)
            rows.append([method, *(measured(evaluate.summary(v)) for v in by_task.values())])
        print(markdown_table([f"{self.count} tasks", *evaluate.METRICS], rows))
        return 0


@dataclasses.dataclass(frozen=True)
class Demo:
    """Cluster Iris, Wine and Breast cancer with shipped weights, and draw the answers."""

    out: Annotated[Path, tyro.conf.arg(aliases=["-o"])] = Path("demo.png")
    """The picture."""
    picture: bool = True
    """Whether to draw it (needs matplotlib)."""

    def run(self) -> int:
        """Run the demo."""
        from l2c_jax.demo import run

        run(self.out if self.picture else None)
        return 0


@dataclasses.dataclass(frozen=True)
class Info:
    """Print the header of a weight file: what it was trained on, how long, how well it does."""

    weights: tyro.conf.Positional[str] = DEFAULT_WEIGHTS
    """A weight file, or the name of shipped weights."""

    def run(self) -> int:
        """Print the header."""
        learner = load_learner(self.weights)
        size = sum(leaf.size for layer in learner.params.layers for leaf in layer)
        print(json.dumps({**learner.header, "parameters": size}, indent=2))
        return 0


Command = (
    Annotated[Train, tyro.conf.subcommand("train")]
    | Annotated[Cluster, tyro.conf.subcommand("cluster")]
    | Annotated[Evaluate, tyro.conf.subcommand("evaluate")]
    | Annotated[Demo, tyro.conf.subcommand("demo")]
    | Annotated[Info, tyro.conf.subcommand("info")]
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of ``l2c`` and ``python -m l2c_jax``.

    Args:
      arguments: instead of the command line's.

    Raises:
      SystemExit: always; 0 done, 2 bad input, 1 training diverged, 130 stopped by a signal.
    """
    runtime.start()
    try:
        command = tyro.cli(
            Command,
            args=arguments,
            prog="l2c",
            description="Clustering that is learned, not designed.",
        )
        sys.exit(command.run())
    except BrokenPipeError:  # the reader of our output has seen enough
        sys.stderr.close()
        sys.exit(0)
    except DivergedError as error:
        _fail(error, 1)
    except (ValueError, OSError) as error:  # every refusal of ours is a ValueError
        _fail(error, 2)
    except ImportError as error:
        _fail(UsageError(f"{error}; install l2c_jax[plot] or leave pictures out"), 2)


def _fail(error: Exception, code: int) -> None:
    print(f"l2c: {' '.join(str(error).split())}", file=sys.stderr)
    sys.exit(code)


def _cluster_file(command: Cluster) -> tuple[Table, Clustering]:
    learner = load_learner(command.weights)
    table = read_table(command.file, ignore=command.label_column)
    points = table.numbers
    if command.standardise:
        points = standardised(points)
    found = cluster(
        learner.params,
        learner.model,
        points,
        num_clusters=command.num_clusters,
        passes=command.passes,
        orders=command.orders,
        seed=command.seed,
    )
    return table, found


def _write_answer(file, table: Table, found: Clustering) -> None:  # type: ignore[no-untyped-def]
    writer = csv.writer(file)
    width = found.probabilities.shape[1]
    writer.writerow([*table.names, "cluster", *(f"probability_{k}" for k in range(width))])
    for row, label, probabilities in zip(
        table.rows, found.labels, found.probabilities, strict=True
    ):
        writer.writerow([*row, label, *(f"{p:.6f}" for p in probabilities)])
