"""A learned similarity: variables, backbone and metadata; its weight file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jax

from l2c_jax.pairwise.backbones import Backbone, backbone_from_description, describe_backbone
from l2c_jax.pairwise.config import SimilarityConfig
from l2c_jax.pairwise.layers import Variables
from l2c_jax.pairwise.networks import init_similarity
from l2c_jax.training import weights
from l2c_jax.training.metadata import TrainingMetadata
from l2c_jax.training.provenance import versions

KIND = "similarity"
_RELEASE1 = {"trunk": "backbone", "drops": "lr_milestones"}  # names in files, old to new


@dataclass(frozen=True)
class SimilarityMetadata(TrainingMetadata):
    """How a similarity was made. What is unknown is ``None`` or empty."""

    training: SimilarityConfig | None = None
    """How it was learned."""
    data: str | None = None
    """Content hash of the labeled points."""
    confusion: Mapping[str, float] | None = None
    """How often G says "similar" of ``similar`` and of ``dissimilar`` pairs of the held-out
    ``classes``, see :func:`l2c_jax.pairwise.confusion.measured_confusion`."""
    merging: Mapping[str, float] | None = None
    """The ``threshold`` of :mod:`l2c_jax.pairwise.merging` and that of
    :mod:`l2c_jax.pairwise.spectrum`, the number of held-out ``classes`` on which they were fitted,
    and the number of clusters ``found`` there."""

    __hash__ = TrainingMetadata.__hash__

    @classmethod
    def from_json(cls, header: Mapping[str, Any]) -> "SimilarityMetadata":
        """From the entries of a header; unknown ones go to ``extra``.

        Raises:
          TypeError: if the training has unknown fields.
          ValueError: if it has impossible values.
        """
        entries = dict(header)
        if "commit" in entries:  # at the top of the header in release 1
            names = [name for name in ("commit", "device") if name in entries]
            entries["provenance"] = {name: entries.pop(name) for name in names}
        fields = cls.fields_of(entries)
        if fields.get("training") is not None:
            values: dict[str, Any] = {
                _RELEASE1.get(name, name): tuple(value) if isinstance(value, list) else value
                for name, value in fields["training"].items()
            }
            fields["training"] = SimilarityConfig(**values)
        return cls(**fields)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Similarity:
    """A learned similarity G(x, y) = P(x and y are of one class), for classes of any data set.

    A pytree: variables are data, backbone and metadata are static.
    """

    variables: Variables
    """Arrays, as :func:`l2c_jax.pairwise.networks.init_similarity` makes them."""
    backbone: Backbone = field(metadata={"static": True})
    """The network from points to features."""
    metadata: SimilarityMetadata = field(default=SimilarityMetadata(), metadata={"static": True})
    """How it was made."""


def save_similarity(path: str | Path, similarity: Similarity) -> None:
    """Write a learned similarity to one safetensors file.

    Args:
      path: where to.
      similarity: its metadata and the description of its backbone become the header.
    """
    header = {"versions": versions(), **similarity.metadata.to_json()}
    header |= {"kind": KIND, "backbone": describe_backbone(similarity.backbone)}
    weights.save(path, similarity.variables, header)


def load_similarity(path: str | Path, backbone: Backbone | None = None) -> Similarity:
    """Read a learned similarity; files of release 1 are read by a map of old names.

    Args:
      path: the file.
      backbone: of a similarity whose backbone is not one of
        :mod:`l2c_jax.pairwise.backbones`; ``None`` makes it from the header.

    Returns:
      The similarity, as :func:`l2c_jax.pairwise.predict_similarity` takes it.

    Raises:
      WeightsError: if the file is missing, truncated, foreign, or does not fit its own header.
    """
    written = weights.read_header(path)
    header = {_RELEASE1.get(name, name): value for name, value in written.items()}
    if header.get("kind") != KIND:
        raise weights.WeightsError(
            f'{path}: expected weights of kind "{KIND}", found {header.get("kind")!r}'
        )
    description = header.pop("backbone", None)
    try:
        backbone = backbone or backbone_from_description(description)
        with jax.enable_x64(False):  # files hold float32, whatever JAX's default is
            shapes = jax.eval_shape(lambda: init_similarity(jax.random.key(0), backbone))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise weights.WeightsError(
            f"{path}: expected the configuration of a backbone, found {description} ({error})"
        ) from error
    try:
        entries = {k: v for k, v in header.items() if k not in ("kind", "format", "content_hash")}
        metadata = SimilarityMetadata.from_json(entries)
    except (AttributeError, TypeError, ValueError) as error:
        raise weights.WeightsError(
            f"{path}: expected the configuration of a training, "
            f"found {header.get('training')} ({error})"
        ) from error
    name = "trunk" if "trunk" in written else "backbone"
    return Similarity(_load_variables(path, shapes, name), backbone, metadata)


def _load_variables(path: str | Path, shapes: Variables, backbone_name: str) -> Variables:
    """The arrays; ``backbone_name`` stands for ``backbone`` in their names."""
    named = Variables(*({backbone_name: p["backbone"], "head": p["head"]} for p in shapes))
    found = weights.load(path, named)
    return Variables(*({"backbone": p[backbone_name], "head": p["head"]} for p in found))
