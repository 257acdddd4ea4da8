"""The file of a discovery: what labels further images or rows. Nothing is pickled."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import jax
import numpy as np

from l2c_jax.pairwise.backbones import backbone_from_description, describe_backbone
from l2c_jax.pairwise.discovery import Columns, Discovery, References
from l2c_jax.pairwise.layers import Variables
from l2c_jax.pairwise.networks import init_clusters, init_similarity
from l2c_jax.pairwise.similarity import Similarity, SimilarityMetadata
from l2c_jax.preprocessing.encoder import EncodedColumn, Encoder
from l2c_jax.preprocessing.roles import ColumnRole
from l2c_jax.training import weights
from l2c_jax.training.provenance import versions
from l2c_jax.training.weights import WeightsError
from l2c_jax.types import PyTree

KIND = "discovery"
_SCALES = ("unit", "shift", "scale")


def is_discovery(path: str | Path) -> bool:
    """Whether a file holds a discovery.

    Args:
      path: of a weight file.

    Raises:
      WeightsError: if it is missing, damaged or of another program.
    """
    return weights.read_header(path).get("kind") == KIND


def save_discovery(path: str | Path, found: Discovery) -> None:
    """Write a discovery to one safetensors file, which then answers alone.

    It holds G, the clustering network and, of a table, its columns. Only clusters found by another
    method than the network have references: encoded rows, at most 512, or means of rows.

    Args:
      path: where to; an existing file is replaced in one step.
      found: the discovery.
    """
    arrays = {
        **_named("similarity", found.similarity.variables),
        **_named("clusters", found.variables),
    }
    header: dict[str, Any] = {
        "kind": KIND,
        "versions": versions(),
        "similarity": found.similarity.metadata.to_json(),
        "similarity_backbone": describe_backbone(found.similarity.backbone),
        "backbone": describe_backbone(found.backbone),
        "groups": list(found.groups),
        "how": dict(found.how),
    }
    if found.references is not None:
        arrays["references.points"] = np.asarray(found.references.points, np.float32)
        arrays["references.clusters"] = np.asarray(found.references.clusters, np.int32)
        header["scale"] = found.references.scale
    if found.columns is not None:
        encoder = found.columns.encoder
        arrays |= {f"encoder.{name}": getattr(encoder, name) for name in _SCALES}
        header["columns"] = [asdict(column) for column in encoder.columns]
        header["roles"] = [asdict(role) for role in found.columns.roles]
        header["by_position"] = found.columns.by_position
    weights.save(path, arrays, header)


def load_discovery(path: str | Path) -> Discovery:
    """Read a discovery.

    Args:
      path: the file.

    Returns:
      The discovery; its answers are those of the one that was saved.

    Raises:
      WeightsError: if the file is missing, damaged, or no discovery of this version.
    """
    header, arrays = weights.read(path)
    if header.get("kind") != KIND:
        raise WeightsError(
            f"{path}: expected a discovery, found weights of kind {header.get('kind')!r}; "
            "l2c discover --save writes discoveries"
        )
    try:
        backbone = backbone_from_description(header["backbone"])
        theirs = backbone_from_description(header["similarity_backbone"])
        groups = tuple(int(group) for group in header["groups"])
        with jax.enable_x64(False):
            key = jax.random.key(0)
            shapes = jax.eval_shape(lambda: init_similarity(key, theirs))
            network = jax.eval_shape(lambda: init_clusters(key, backbone, len(groups)))
        metadata = SimilarityMetadata.from_json(header["similarity"])
        return Discovery(
            Similarity(_restored("similarity", shapes, arrays), theirs, metadata),
            _restored("clusters", network, arrays),
            backbone,
            groups,
            _references(header, arrays),
            _columns(header, arrays),
            header["how"],
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise WeightsError(
            f"{path}: its entries are not those of this version of l2c_jax ({error})"
        ) from error


def _references(header: Mapping[str, Any], arrays: Mapping[str, Any]) -> References | None:
    if "scale" not in header:
        return None
    points, clusters = arrays["references.points"], arrays["references.clusters"]
    return References(points, clusters, float(header["scale"]))


def _columns(header: Mapping[str, Any], arrays: Mapping[str, Any]) -> Columns | None:
    if "columns" not in header:
        return None
    columns = tuple(EncodedColumn(**_tuples(entry)) for entry in header["columns"])
    encoder = Encoder(columns, *(arrays[f"encoder.{name}"] for name in _SCALES))
    roles = tuple(ColumnRole(**_tuples(role)) for role in header["roles"])
    return Columns(encoder, roles, bool(header["by_position"]))


def _tuples(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Entries of JSON with tuples for lists."""
    return {name: tuple(v) if isinstance(v, list) else v for name, v in entry.items()}


def _named(name: str, tree: PyTree) -> dict[str, Any]:
    leaves = zip(weights.leaf_names(tree), jax.tree.leaves(tree), strict=True)
    return {f"{name}.{leaf}": np.asarray(array) for leaf, array in leaves}


def _restored(name: str, like: Variables, arrays: Mapping[str, Any]) -> Variables:
    leaves = [arrays[f"{name}.{leaf}"] for leaf in weights.leaf_names(like)]
    for leaf, wanted in zip(leaves, jax.tree.leaves(like), strict=True):
        if leaf.shape != wanted.shape:
            raise ValueError(f"an array of {name} has shape {leaf.shape}, not {wanted.shape}")
    return jax.tree.unflatten(jax.tree.structure(like), leaves)
