"""A trained learner: parameters, configuration and the story of its making; its file."""

import dataclasses
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import jax

from l2c_jax.recurrent.model import ModelConfig, Params, init
from l2c_jax.training import weights
from l2c_jax.training.provenance import versions
from l2c_jax.training.weights import WeightsError

KIND = "recurrent"


class Learner(NamedTuple):
    """What a weight file of the recurrent wing holds."""

    params: Params
    model: ModelConfig
    header: dict[str, Any]  # tasks, training, iterations, error, versions, ...


def without_head(learner: Learner) -> Learner:
    """The learner as it was before it got its head for the number of clusters, for more training.

    Args:
      learner: with a head or without; it is not changed.

    Returns:
      The rest of its parameters, under a model without a head and a header that tells of none.
    """
    header = {name: told for name, told in learner.header.items() if name != "count"}
    model = dataclasses.replace(learner.model, count_hidden=0)
    return Learner(learner.params._replace(head=None), model, header)


def save_learner(path: str | Path, learner: Learner) -> None:
    """Write a learner to one safetensors file.

    Args:
      path: where to.
      learner: its header is completed with the kind, the model's configuration and versions.
    """
    header = {"versions": versions(), **learner.header}
    header |= {"kind": KIND, "model": dataclasses.asdict(learner.model)}
    weights.save(path, learner.params, header)


def load_learner(path: str | Path) -> Learner:
    """Read a learner.

    Args:
      path: a file, or the name of weights that come with the package; see :func:`shipped`.

    Returns:
      The learner, ready for :func:`l2c_jax.recurrent.cluster.cluster`.

    Raises:
      WeightsError: if the file is missing, truncated, foreign, or does not fit its own header.
    """
    if str(path) in shipped():
        path = shipped()[str(path)]
    header = weights.read_header(path)
    if header.get("kind") != KIND:
        raise WeightsError(
            f'{path}: expected weights of kind "{KIND}", found {header.get("kind")!r}'
        )
    model, shapes = _model_config(path, header.get("model"))
    return Learner(weights.load(path, shapes), model, header)


def shipped() -> dict[str, Path]:
    """The weights that come with the package, by name.

    Example:
      >>> all(path.suffix == ".safetensors" for path in shipped().values())
      True
    """
    folder = Path(str(resources.files("l2c_jax"))) / "pretrained"
    return {path.stem: path for path in sorted(folder.glob("*.safetensors"))}


def _model_config(
    path: str | Path, fields: Mapping[str, Any] | None
) -> tuple[ModelConfig, Params]:
    """The configuration in a header, and the shapes of such a learner's parameters."""
    try:
        fields = dict(fields or {})
        model = ModelConfig(**{**fields, "hidden": tuple(fields["hidden"])})
        return model, jax.eval_shape(lambda: init(jax.random.key(0), model))
    except (TypeError, KeyError, ValueError) as error:
        expected = [field.name for field in dataclasses.fields(ModelConfig)]
        raise WeightsError(
            f"{path}: expected a model configuration of {expected}, found {fields} ({error})"
        ) from error
