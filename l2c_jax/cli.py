"""The command line ``l2c``: a thin shell over the library's own configurations."""

import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import jax
import numpy as np
import tyro

from l2c_jax.atomic import check_output, replacing
from l2c_jax.io.tables import read_table
from l2c_jax.recurrent.config import TrainConfig
from l2c_jax.recurrent.fit import fit
from l2c_jax.recurrent.learner import load_learner, save_learner
from l2c_jax.recurrent.model import ModelConfig
from l2c_jax.tabular.clusterer import label_table, study_table
from l2c_jax.tasks.gaussian import TaskConfig
from l2c_jax.training import runtime
from l2c_jax.training.distributed import is_first, join
from l2c_jax.training.loop import DivergedError

DEFAULT_WEIGHTS = "universal"


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
    """Cluster the rows of a table; the answer is the table as CSV, with a label and probabilities.

    The learner studies a sample of the rows, then labels all of them, so that the file may be
    larger than the memory.
    """

    file: tyro.conf.Positional[Path]
    """Text with commas, semicolons or tabs, .parquet, or .npy; columns that are not numbers are
    left out."""
    weights: Annotated[str, tyro.conf.arg(aliases=["-w"])] = DEFAULT_WEIGHTS
    """A weight file, or the name of shipped weights."""
    num_clusters: Annotated[int | None, tyro.conf.arg(aliases=["-k", "--n-clusters"])] = None
    """How many clusters; default: as many as the learner finds (some weights have to be told)."""
    out: Annotated[Path | None, tyro.conf.arg(aliases=["-o"])] = None
    """Where the answer goes; default: standard output."""
    plot: Path | None = None
    """A picture of the clusters on two principal axes (needs matplotlib)."""
    label_column: str | None = None
    """A column of true labels: not read, but the answer is scored against it."""
    standardise: bool = True
    """Give every column the same variance first."""
    orders: int = 16
    """Readings in different orders, of which the surest quarter is averaged."""
    passes: int = 2
    """Passes over the sample."""
    seed: int = 0
    """Of the sample and the visiting orders."""

    def run(self) -> int:
        """Read, cluster, write."""
        from l2c_jax.io import label_file

        request = label_file.Request(
            self.file,
            num_clusters=self.num_clusters,
            label_column=self.label_column,
            standardise=self.standardise,
            orders=self.orders,
            passes=self.passes,
            seed=self.seed,
        )
        outputs = [path for path in (self.out, self.plot) if path is not None]
        for path in outputs:
            others = (other for other in outputs if other is not path)
            check_output(path, (self.file, self.weights, *others))
        learner = load_learner(self.weights)
        study = label_file.study(learner, request)
        if self.out is None:
            seen = label_file.write(learner, study, sys.stdout)
        else:
            with replacing(self.out) as draft, draft.open("w", newline="") as file:
                seen = label_file.write(learner, study, file)
        for line in label_file.report(study, seen):
            print(line, file=sys.stderr)
        if self.plot is not None:
            label_file.draw(study, seen, self.plot)
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
    """Readings in different orders; averaged, of a file the surest quarter."""
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
            classes = table.column(self.label_column)
            learner = load_learner(self.weights)
            known = study_table(
                learner,
                table.numbers,
                num_clusters=np.unique(classes).size,
                standardise=self.standardise,
                orders=self.orders,
                passes=self.passes,
                seed=self.seed,
            )
            labels = label_table(learner, known, table.numbers).argmax(axis=1)
            result = evaluate.scores(classes, labels)
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

        run(check_output(self.out) if self.picture else None)
        return 0


@dataclasses.dataclass(frozen=True)
class Info:
    """Print the header of a weight file: what it was trained on, how long, how well it does."""

    weights: tyro.conf.Positional[str] = DEFAULT_WEIGHTS
    """A weight file, or the name of shipped weights."""

    def run(self) -> int:
        """Print the header."""
        learner = load_learner(self.weights)
        size = sum(leaf.size for leaf in jax.tree.leaves(learner.params))
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
      SystemExit: always; 0 done, 2 bad input, 1 training diverged, 130 interrupted.
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
    except KeyboardInterrupt:
        _fail(KeyboardInterrupt("interrupted; nothing was written"), 130)
    except DivergedError as error:
        _fail(error, 1)
    except (ValueError, OSError) as error:  # every refusal of ours is a ValueError
        _fail(error, 2)
    except ImportError as error:
        _fail(
            UsageError(
                f"{error}; install l2c_jax[plot] for pictures, l2c_jax[parquet] for Parquet files"
            ),
            2,
        )


def _fail(error: BaseException, code: int) -> None:
    print(f"l2c: {' '.join(str(error).split())}", file=sys.stderr)
    sys.exit(code)
