"""Weight files: plain arrays in safetensors with a readable header. Nothing is ever unpickled."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from l2c_jax.atomic import replacing
from l2c_jax.types import PyTree

FORMAT = 1
"""Version of the header; a file of another version is refused."""

_KEY = "l2c_jax"


class WeightsError(ValueError):
    """A weight file that cannot be used; the message says what was expected."""


def leaf_names(tree: PyTree) -> list[str]:
    """The name of every leaf, such as ``layers.0.bias``, in the tree's own order.

    Example:
      >>> leaf_names({"b": 1, "a": {"c": 2}})
      ['a.c', 'b']
    """
    paths = jax.tree_util.tree_flatten_with_path(tree)[0]
    return [jax.tree_util.keystr(path, simple=True, separator=".") for path, _ in paths]


def fingerprint(tree: PyTree) -> str:
    """A name for arrays by their content, so that a run is resumed only with its own data.

    Args:
      tree: arrays; their values, types and shapes count, and their order in the tree.

    Returns:
      16 hexadecimal digits.

    Example:
      >>> fingerprint([1, 2]) == fingerprint([1, 2]) != fingerprint([2, 1])
      True
    """
    digest = hashlib.sha256()
    for leaf in jax.tree.leaves(tree):
        array = np.ascontiguousarray(leaf)
        digest.update(f"{array.dtype}{array.shape}".encode() + array.tobytes())
    return digest.hexdigest()[:16]


def save(path: str | Path, params: PyTree, header: Mapping[str, Any]) -> None:
    """Write parameters and the story of how they were made.

    Args:
      path: where to; missing folders are made, an existing file is replaced in one step.
      params: a tree of arrays.
      header: what JSON can hold: configurations, seed, training length, measured error, versions.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    leaves = [np.array(leaf, order="C") for leaf in jax.tree.leaves(params)]
    text = json.dumps({"format": FORMAT, **header}, sort_keys=True)
    with replacing(path) as draft:
        save_file(dict(zip(leaf_names(params), leaves, strict=True)), draft, metadata={_KEY: text})
        draft.chmod(0o644)  # safetensors leaves it to its owner alone


def read_header(path: str | Path) -> dict[str, Any]:
    """The header of a weight file, without its arrays.

    Args:
      path: the file.

    Returns:
      What was given to :func:`save`.

    Raises:
      WeightsError: if there is no such file, or it is truncated or foreign.
    """
    return _open(path, arrays=False)[0]


def load(path, like, *, renamed=None, allow_more=False):
    """l"""
    arrays = {(renamed or {}).get(k, k): v for k, v in _open(path)[1].items()}
    names, leaves = leaf_names(like), jax.tree.leaves(like)
    if not set(names) <= set(arrays) or (not allow_more and set(names) != set(arrays)):
        raise WeightsError(f"{path}: expected arrays {sorted(names)}, found {sorted(arrays)}")
    for name, leaf in zip(names, leaves, strict=True):
        if arrays[name].shape != leaf.shape or arrays[name].dtype != leaf.dtype:
            raise WeightsError(f"{path}: expected {name} {leaf.shape}")
    return jax.tree.unflatten(jax.tree.structure(like), [arrays[name] for name in names])


def _open(
    path: str | Path, *, arrays: bool = True
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Header and arrays, or a WeightsError that says what is wrong."""
    path = Path(path)
    if not path.is_file():
        raise WeightsError(f"{path}: no such weight file")
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            names = file.keys() if arrays else []
            found = {name: file.get_tensor(name) for name in names}
    except (SafetensorError, OSError) as error:
        raise WeightsError(
            f"{path}: expected a complete safetensors file; it is truncated or something else "
            f"({error})"
        ) from error
    try:
        header = json.loads(metadata[_KEY])
        version = header.get("format")
    except (KeyError, AttributeError, json.JSONDecodeError) as error:
        raise WeightsError(
            f'{path}: expected a header named "{_KEY}", as l2c_jax writes it; '
            "this file was made by something else"
        ) from error
    if version != FORMAT:
        raise WeightsError(
            f"{path}: expected header format {FORMAT}, found {version}; "
            "use the version of l2c_jax that wrote it"
        )
    return header, found


content_hash = fingerprint
