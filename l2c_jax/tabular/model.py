"""What clusters a table: a learner, and a head for the number of clusters if it has one."""

from dataclasses import dataclass
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
from l2c_jax.tabular.count_head import CountHead, init_count_head
from l2c_jax.training import weights
from l2c_jax.training.weights import WeightsError

_NAME = "count_head"


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class TabularModel:
    """A learner with, or without, a head for the number of clusters; a pytree.

    The learner's metadata say under ``extra["count_head"]`` how the head was trained.
    """

    learner: Learner
    """Labels the rows."""
    count_head: CountHead | None = None
    """P(k | X); ``None``: the number is given, or the learner uses as many clusters as fit."""


def load_tabular_model(path: str | Path) -> TabularModel:
    """Read a learner with its head for the number of clusters, if the file has one.

    Args:
      path: a file, or the name of packaged weights.

    Returns:
      The model.

    Raises:
      WeightsError: if the file is missing, truncated, foreign, or does not fit its own header.

    Example:
      >>> load_tabular_model("universal").count_head.output_bias.shape
      (10,)
      >>> load_tabular_model("demo").count_head is None
      True
    """
    learner = load_learner(path)
    entry = read_header(path).get(_NAME)
    if entry is None:
        return TabularModel(learner)
    try:
        hidden = int(entry["hidden"])
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"{path}: its count_head has no number of hidden units") from error
    sizes = learner.config.dimensions, hidden, learner.config.num_clusters
    with jax.enable_x64(False):
        shapes = jax.eval_shape(lambda: {_NAME: init_count_head(jax.random.key(0), *sizes)})
    found = weights.load(weights_path(path), shapes, renamed=release1.LEAVES, allow_more=True)
    return TabularModel(learner, found[_NAME])


def save_tabular_model(path: str | Path, model: TabularModel) -> None:
    """Write a learner and its head to one safetensors file.

    Args:
      path: where to.
      model: its metadata say how both were trained.
    """
    if model.count_head is None:
        save_learner(path, model.learner)
        return
    trained = model.learner.metadata.extra.get(_NAME, {})
    entry = {**trained, "hidden": int(model.count_head.hidden_bias.shape[0])}
    save_learner(path, model.learner, {_NAME: (model.count_head, entry)})
