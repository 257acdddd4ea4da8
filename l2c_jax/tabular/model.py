"""What clusters a table: a learner, and a judge of its partitions if it has one."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import jax

from l2c_jax.recurrent import release1
from l2c_jax.recurrent.learner import (
    Learner,
    load_learner,
    read_header,
    save_learner,
    weights_path,
)
from l2c_jax.tabular.judge import Judge, init_judge
from l2c_jax.training import weights
from l2c_jax.training.weights import WeightsError

_NAME = "judge"


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class TabularModel:
    """A learner with, or without, a judge; a pytree.

    The learner's metadata say under ``extra["judge"]`` how the judge was trained.
    """

    learner: Learner
    """Labels the rows."""
    judge: Judge | None = None
    """Chooses the view and the number of clusters; ``None``: there is one view, and the number
    is given, or the learner uses as many clusters as fit."""


def load_tabular_model(path: str | Path) -> TabularModel:
    """Read a learner with its judge, if the file has one.

    A head for the number of clusters, in files of release 1, is not read.

    Args:
      path: a file, or the name of packaged weights.

    Returns:
      The model.

    Raises:
      WeightsError: if the file is missing, truncated, foreign, or does not fit its own header.

    Example:
      >>> load_tabular_model("universal").judge.quality.bias_1.shape
      (3, 32)
      >>> load_tabular_model("demo").judge is None
      True
    """
    learner = load_learner(path)
    entry = read_header(path).get(_NAME)
    if entry is None:
        return TabularModel(learner)
    try:
        hidden, networks = int(entry["hidden"]), int(entry["networks"])
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"{path}: its judge has no number of hidden units") from error
    sizes = learner.config.dimensions, learner.config.num_clusters, hidden, networks
    with jax.enable_x64(False):
        shapes = jax.eval_shape(lambda: {_NAME: init_judge(jax.random.key(0), *sizes)})
    found = weights.load(weights_path(path), shapes, renamed=release1.LEAVES, allow_more=True)
    return TabularModel(learner, found[_NAME])


def cached_model(path: str) -> TabularModel:
    """As :func:`load_tabular_model`; each file is read once, and again when it changed.

    Args:
      path: a file, or the name of packaged weights.
    """
    file = weights_path(path)
    state = file.stat() if file.is_file() else None
    if state is None:
        return _load(path, None)
    return _load(path, (state.st_mtime_ns, state.st_ctime_ns, state.st_ino, state.st_size))


@lru_cache(maxsize=8)
def _load(path: str, state: tuple[int, ...] | None) -> TabularModel:
    return load_tabular_model(path)


def save_tabular_model(path: str | Path, model: TabularModel) -> None:
    """Write a learner and its judge to one safetensors file.

    Args:
      path: where to.
      model: its metadata say how both were trained.
    """
    if model.judge is None:
        save_learner(path, model.learner)
        return
    trained = model.learner.metadata.extra.get(_NAME, {})
    entry = {
        **trained,
        "networks": len(model.judge.quality.bias_1),
        "hidden": int(model.judge.quality.bias_1.shape[1]),
    }
    save_learner(path, model.learner, {_NAME: (model.judge, entry)})
