"""A learned similarity: variables, configuration and the story of its making; its file."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax

from l2c_jax.pairwise.backbones import MLP, VGGS, Trunk
from l2c_jax.pairwise.networks import Variables, init_similarity
from l2c_jax.training import weights
from l2c_jax.training.provenance import versions
from l2c_jax.training.weights import WeightsError

KIND = "similarity"
_TRUNKS: Mapping[str, type[VGGS] | type[MLP]] = {"VGGS": VGGS, "MLP": MLP}


class Similarity(NamedTuple):
    """G(a, b): how likely two points are of one class, whatever the classes are."""

    variables: Variables
    trunk: Trunk
    header: dict[str, Any]  # training, iterations, versions, ...


def described(trunk: Trunk) -> dict[str, Any]:
    """A trunk for a header.

    Example:
      >>> described(MLP(columns=2, hidden=(8,)))
      {'name': 'MLP', 'columns': 2, 'hidden': (8,)}
    """
    return {"name": type(trunk).__name__, **dataclasses.asdict(trunk)}


def save_similarity(path: str | Path, similarity: Similarity) -> None:
    """Write a learned similarity to one safetensors file.

    Args:
      path: where to.
      similarity: its header is completed with the kind, the trunk's configuration and versions.
    """
    header = {"versions": versions(), **similarity.header}
    header |= {"kind": KIND, "trunk": described(similarity.trunk)}
    weights.save(path, similarity.variables, header)


def load_similarity(path: str | Path) -> Similarity:
    """Read a learned similarity.

    Args:
      path: the file.

    Returns:
      The similarity, ready for :func:`l2c_jax.pairwise.similarity.predict_similarity`.

    Raises:
      WeightsError: if the file is missing, truncated, foreign, or does not fit its own header.
    """
    header = weights.read_header(path)
    if header.get("kind") != KIND:
        raise WeightsError(
            f'{path}: expected weights of kind "{KIND}", found {header.get("kind")!r}'
        )
    try:
        fields: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in header["trunk"].items()
        }
        trunk = _TRUNKS[fields.pop("name")](**fields)
        shapes = jax.eval_shape(lambda: init_similarity(jax.random.key(0), trunk))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise WeightsError(
            f"{path}: expected the configuration of a trunk, found {header.get('trunk')} ({error})"
        ) from error
    return Similarity(weights.load(path, shapes), trunk, header)
