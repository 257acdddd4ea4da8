"""What every experiment shares: its command line, its clock, its records, the page they make."""

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jax

from experiments import results
from experiments.kept import reused
from l2c_jax.recurrent.config import TrainConfig
from l2c_jax.recurrent.fit import fit
from l2c_jax.recurrent.learner import Learner, save_learner
from l2c_jax.recurrent.model import ModelConfig
from l2c_jax.report import Record, write_records
from l2c_jax.tasks.gaussian import TaskConfig
from l2c_jax.tasks.prior import PriorConfig
from l2c_jax.training import runtime
from l2c_jax.training.provenance import provenance

HERE = Path(__file__).parent
WEIGHTS = HERE / "weights"
RUNS = HERE.parent / "runs"
OUT_HELP = "folder of records (default: experiments/results; of smoke runs: runs/smoke)"


@dataclass(frozen=True)
class Options:
    """What an experiment is asked for."""

    smoke: bool
    """Everything small, in seconds: to see that it runs, not what it measures."""
    seed: int
    out: Path
    """Folder of records and figures."""
    retrain: bool
    """Train anew instead of using the weights that are shipped."""
    own: Mapping[str, Any] = field(default_factory=dict)
    """What only this experiment asks for, by name."""


def default_out(smoke: bool) -> Path:
    """The folder of records if none is named; smoke runs keep away from what is published."""
    return RUNS / "smoke" if smoke else HERE / "results"


def main(
    name: str,
    description: str,
    measure: Callable[[Options], Sequence[Record]],
    arguments: Sequence[str] | None = None,
    own: Mapping[str, Mapping[str, Any]] | None = None,
) -> None:
    """Parse the command line, measure, write ``NAME.json``, render ``RESULTS.md``.

    Args:
      name: the experiment.
      description: what ``--help`` says first.
      measure: does the work and returns the records.
      arguments: instead of the command line's.
      own: what else the command line takes, as ``argparse`` asks for it, by name.
    """
    parser = argparse.ArgumentParser(prog=f"python -m experiments.{name}", description=description)
    parser.add_argument("--smoke", action="store_true", help="small and quick, measures nothing")
    parser.add_argument("--seed", type=int, default=0, help="of test tasks and baselines")
    parser.add_argument("--out", type=Path, help=OUT_HELP)
    parser.add_argument("--retrain", action="store_true", help="train anew")
    for option, settings in (own or {}).items():
        parser.add_argument(f"--{option}", **settings)
    given = vars(parser.parse_args(arguments))
    given["out"] = given["out"] or default_out(given["smoke"])
    special = {name: given.pop(name) for name in (key.replace("-", "_") for key in own or {})}
    options = Options(**given, own=special)
    runtime.start()
    if options.smoke:
        jax.config.update("jax_disable_most_optimizations", True)  # small programs: compile fast
    start = time.perf_counter()
    reused.clear()
    made_with = provenance()
    records = list(measure(options))
    shared: dict[str, Any] = {
        **made_with,
        "minutes": round((time.perf_counter() - start) / 60, 2),
        **({"kept_parts": len(reused)} if reused else {}),
        **({"smoke": True} if options.smoke else {}),
    }
    write_records(options.out / f"{name}.json", [{**shared, **record} for record in records])
    page = results.write(options.out)
    print(page.read_text())


def train(
    path: Path,
    tasks: TaskConfig | PriorConfig,
    model: ModelConfig,
    training: TrainConfig,
    *,
    start: Learner | None = None,
    folder: Path | None = None,
) -> None:
    """Train a learner and ship it; a run that was stopped goes on where it stopped.

    Args:
      path: the weight file to write.
      tasks: what to learn from.
      model: the learner's shape.
      training: how.
      start: a learner of the same shape to go on from, instead of random parameters.
      folder: of checkpoints and log; default: named after the file.

    Raises:
      SystemExit: if a signal stopped the training.
    """
    folder = folder or RUNS / path.stem
    learner, finished = fit(tasks, model, training, start=start, folder=folder, resume=True)
    if not finished:
        raise SystemExit(f"stopped; the same command goes on ({folder})")
    save_learner(path, learner)
