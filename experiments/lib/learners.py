"""Learners of experiments: recipes, training that resumes, weight files."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Generic, TypeVar

from experiments.lib.paths import RUNS
from experiments.lib.provenance import UNKNOWN
from experiments.lib.runner import Options
from l2c_jax.recurrent.config import ModelConfig, TrainConfig
from l2c_jax.recurrent.fitting import fit
from l2c_jax.recurrent.learner import Learner, load_learner, save_learner
from l2c_jax.tabular.model import TabularModel, load_tabular_model
from l2c_jax.tasks.base import TaskDistribution
from l2c_jax.training.loop import RunOptions

T = TypeVar("T", bound=TaskDistribution, covariant=True)


@dataclass(frozen=True)
class Recipe(Generic[T]):
    """All that a learner follows from."""

    tasks: T
    """The task distribution."""
    model: ModelConfig
    training: TrainConfig

    def with_seed(self, seed: int) -> "Recipe[T]":
        """The same with another seed of the training."""
        return replace(self, training=replace(self.training, seed=seed))

    def quick(self, hidden: tuple[int, ...] = (8, 8, 8)) -> "Recipe[T]":
        """The same for smoke runs: small layers, four iterations."""
        training = replace(self.training, iterations=4, batch=2, log_every=2)
        return replace(self, model=replace(self.model, hidden=hidden), training=training)


def train(
    recipe: Recipe[TaskDistribution],
    *,
    start: Learner | None = None,
    folder: Path | None = None,
    progress: bool = True,
) -> Learner:
    """A learner trained to its end; a run that was stopped in the folder goes on there.

    Args:
      recipe: task distribution, model, training.
      start: a learner of the same shape whose parameters the training begins from, instead of
        random ones.
      folder: of checkpoints and log; ``None`` stores nothing.
      progress: show a bar.

    Returns:
      The learner.

    Raises:
      SystemExit: if a signal stopped the training.
    """
    learner, finished = fit(
        *(recipe.tasks, recipe.model, recipe.training),
        start=start,
        run=RunOptions(folder, resume=True, progress=progress),
    )
    if not finished:
        raise SystemExit(f"stopped; the same command goes on ({folder})")
    return learner


def train_file(
    path: Path,
    recipe: Recipe[TaskDistribution],
    *,
    start: Learner | None = None,
    folder: Path | None = None,
) -> None:
    """Train a learner to its end and write its weight file.

    Args:
      path: the weight file.
      recipe: task distribution, model, training.
      start: see :func:`train`.
      folder: of checkpoints and log; default: named after the file, in ``runs/``.

    Raises:
      SystemExit: if a signal stopped the training.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    save_learner(path, train(recipe, start=start, folder=folder or RUNS / path.stem))


def load(path: Path, options: Options) -> Learner:
    """A learner from its weight file; the record of the run names the commit that trained it.

    Args:
      path: the weight file.
      options: of the run; ``weights`` gets an entry.

    Returns:
      The learner.
    """
    learner = load_learner(path)
    options.weights[path.name] = learner.metadata.provenance.get("commit", UNKNOWN)
    return learner


def load_model(path: Path, options: Options) -> TabularModel:
    """As :func:`load`, with the judge if the file has one."""
    load(path, options)
    return load_tabular_model(path)
