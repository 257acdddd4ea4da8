"""A trained learner: parameters, configuration and metadata; its weight file."""

import dataclasses
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

import jax

from l2c_jax.recurrent import release1
from l2c_jax.recurrent.config import Cell, ModelConfig, TrainConfig
from l2c_jax.recurrent.model import init
from l2c_jax.training import weights
from l2c_jax.training.metadata import TrainingMetadata
from l2c_jax.training.provenance import versions
from l2c_jax.training.weights import WeightsError
from l2c_jax.types import PyTree

KIND = "recurrent"


@dataclass(frozen=True)
class Metadata(TrainingMetadata):
    """How a learner was made. What is unknown is ``None`` or empty."""

    tasks: Mapping[str, Any] | None = None
    """The task distribution, as :func:`l2c_jax.tasks.describe` gives it."""
    training: TrainConfig | None = None
    """How it was trained."""
    error: Mapping[str, Any] | None = None
    """``mean``, ``stderr`` and ``n`` of the last epoch's error rate on fresh tasks."""
    start: str | None = None
    """Content hash of the weights that the training started from; ``None``: random ones."""

    __hash__ = TrainingMetadata.__hash__

    @classmethod
    def from_json(cls, header: Mapping[str, Any]) -> "Metadata":
        """From the entries of a header; unknown ones go to ``extra``.

        Raises:
          TypeError: if the training has unknown fields.
        """
        fields = cls.fields_of(header)
        if fields.get("training") is not None:
            fields["training"] = TrainConfig(**fields["training"])
        return cls(**fields)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Learner:
    """A trained learner, a pytree: parameters are data, configuration and metadata are static.

    Example:
      >>> import jax
      >>> learner = load_learner("demo")
      >>> half = jax.tree.map(lambda leaf: leaf.astype("float16"), learner)
      >>> half.config == learner.config
      True
    """

    params: PyTree
    """Arrays, as :func:`l2c_jax.recurrent.init` makes them."""
    config: ModelConfig = field(metadata={"static": True})
    """The learner's shape."""
    metadata: Metadata = field(default=Metadata(), metadata={"static": True})
    """How it was made."""

    def __post_init__(self) -> None:
        if isinstance(self.metadata, Mapping):  # as in release 1
            object.__setattr__(self, "metadata", Metadata.from_json(self.metadata))

    @property
    def model(self) -> ModelConfig:
        """Deprecated name of ``config``."""
        warnings.warn("Learner.model is Learner.config now", DeprecationWarning, stacklevel=2)
        return self.config

    def without_metadata(self) -> "Learner":
        """The same learner for a compiled program, which is then shared by learners of a shape."""
        return Learner(self.params, self.config)


def save_learner(
    path: str | Path, learner: Learner, more: Mapping[str, tuple[PyTree, Any]] | None = None
) -> None:
    """Write a learner to one safetensors file.

    Args:
      path: where to.
      learner: whose architecture has a name.
      more: further trees of arrays by name, each with an entry of that name for the header.

    Raises:
      WeightsError: if the architecture is a :class:`~l2c_jax.recurrent.config.Cell`: a file
        cannot hold its functions.
    """
    if isinstance(learner.config.architecture, Cell):
        raise WeightsError(
            f"{path}: a learner with a cell of your own cannot be saved as a whole; save its "
            "params with l2c_jax.training.weights.save"
        )
    more = more or {}
    header = {"versions": versions(), **learner.metadata.to_json()}
    header.pop("judge", None)  # written with its arrays or not at all
    header |= {name: entry for name, (_, entry) in more.items()}
    header |= {"kind": KIND, "config": dataclasses.asdict(learner.config)}
    named = dict(
        zip(weights.leaf_names(learner.params), jax.tree.leaves(learner.params), strict=True)
    )
    for name, (tree, _) in more.items():
        named |= dict(zip(weights.leaf_names({name: tree}), jax.tree.leaves(tree), strict=True))
    weights.save(path, named, header)


def load_learner(path: str | Path) -> Learner:
    """Read a learner.

    Args:
      path: a file, or the name of packaged weights; see :func:`pretrained_weights`.

    Returns:
      The learner, ready for :func:`l2c_jax.recurrent.inference.adapt`.

    Raises:
      WeightsError: if the file is missing, truncated, foreign, or does not fit its own header.

    Example:
      >>> load_learner("universal").config.architecture
      'slots'
    """
    header = read_header(path)
    config, shapes = config_of_header(path, header.pop("config", None))
    more = {"judge", "count_head"} & set(header)  # their arrays are read by l2c_jax.tabular
    file, names = weights_path(path), release1.LEAVES
    params = weights.load(file, shapes, renamed=names, allow_more=bool(more))
    for name in ("kind", "format", "content_hash"):
        header.pop(name, None)
    try:
        metadata = Metadata.from_json(header)
    except (TypeError, ValueError) as error:
        raise WeightsError(f"{path}: its metadata are of another version ({error})") from error
    return Learner(params, config, metadata)


def read_header(path: str | Path) -> dict[str, Any]:
    """The header of recurrent weights, in the present form; files of release 1 are renamed.

    Args:
      path: a file, or the name of packaged weights.

    Returns:
      Entries by name.

    Raises:
      WeightsError: if the file is missing, truncated or foreign, or of another kind.
    """
    header = dict(weights.read_header(weights_path(path)))
    if header.get("kind") != KIND:
        raise WeightsError(
            f'{path}: expected weights of kind "{KIND}", found {header.get("kind")!r}'
        )
    return release1.renamed_header(header) if release1.is_release1(header) else header


def weights_path(path: str | Path) -> Path:
    """The file of packaged weights, or the path itself."""
    return pretrained_weights().get(str(path), Path(path))


def pretrained_weights() -> dict[str, Path]:
    """The weights that come with the package, by name.

    Example:
      >>> sorted(pretrained_weights())
      ['demo', 'universal']
    """
    folder = Path(str(resources.files("l2c_jax"))) / "pretrained"
    return {path.stem: path for path in sorted(folder.glob("*.safetensors"))}


def config_of_header(
    path: str | Path, fields: Mapping[str, Any] | None
) -> tuple[ModelConfig, PyTree]:
    """The configuration in a header, and the shapes of such a learner's parameters.

    Args:
      path: of the file, for messages.
      fields: the entry of the configuration.

    Raises:
      WeightsError: if it is no configuration.
    """
    try:
        given = dict(fields or {})
        config = ModelConfig(**{**given, "hidden": tuple(given["hidden"])})
        with jax.enable_x64(False):  # files hold float32, whatever JAX's default is
            return config, jax.eval_shape(lambda: init(jax.random.key(0), config))
    except (TypeError, KeyError, ValueError) as error:
        expected = [field.name for field in dataclasses.fields(ModelConfig)]
        raise WeightsError(
            f"{path}: expected a model configuration of {expected}, found {fields} ({error})"
        ) from error
