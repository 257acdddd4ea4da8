"""Weight files: plain arrays in safetensors with a readable header. Nothing is ever unpickled."""

import hashlib
import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from l2c_jax.atomic import replacing
from l2c_jax.types import PyTree

FORMAT = 2
"""Version of the header that :func:`save` writes; since 2 it has a ``content_hash``."""
READABLE = (1, 2)
"""Versions that can be read; a file of another version is refused."""

_HEADER, _ORDER = "l2c_jax", "l2c_jax_leaves"  # keys in the metadata of safetensors
_INFINITE = "infinite"  # entry of the header: leaves that may hold infinity
_DIGEST = "l2c_jax_sha256"  # a third one: the hash of everything else in the file


class WeightsError(ValueError):
    """A weight file that cannot be written or used; the message says what was expected."""


def leaf_names(tree: PyTree) -> list[str]:
    """The name of every leaf, such as ``layers.0.bias``, in the order of the tree.

    Args:
      tree: any tree.

    Returns:
      One name per leaf.

    Example:
      >>> leaf_names({"b": 1, "a": {"c": 2}})
      ['a.c', 'b']
    """
    paths = jax.tree_util.tree_flatten_with_path(tree)[0]
    return [jax.tree_util.keystr(path, simple=True, separator=".") for path, _ in paths]


def content_hash(tree: PyTree) -> str:
    """A hash of arrays: SHA-256 over type, shape and bytes of every leaf, in the tree's order.

    Two trees with the same leaves have the same hash, whatever the names of the leaves.

    Args:
      tree: arrays or numbers.

    Returns:
      16 hexadecimal digits.

    Example:
      >>> content_hash([1, 2]) == content_hash([1, 2]) != content_hash([2, 1])
      True
    """
    digest = hashlib.sha256()
    for leaf in jax.tree.leaves(tree):
        array = np.ascontiguousarray(leaf)
        digest.update(f"{array.dtype}{array.shape}".encode() + array.tobytes())
    return digest.hexdigest()[:16]


def nonfinite_leaves(tree: PyTree) -> list[str]:
    """Names of the leaves that hold NaN or infinity.

    Args:
      tree: arrays or numbers.

    Returns:
      As :func:`leaf_names` has them.

    Example:
      >>> nonfinite_leaves({"a": np.ones(2), "b": np.array([0.0, np.nan])})
      ['b']
    """
    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(tree)]
    return [
        name
        for name, leaf in zip(leaf_names(tree), leaves, strict=True)
        if jnp.issubdtype(leaf.dtype, jnp.inexact) and not np.isfinite(leaf).all()
    ]


def save(
    path: str | Path, params: PyTree, header: Mapping[str, Any], *, infinite: Collection[str] = ()
) -> None:
    """Write parameters and a header.

    Args:
      path: of the file; missing folders are made, an existing file is replaced in one step.
      params: a tree of finite arrays.
      header: what JSON can hold: configurations, seed, training length, measured error, versions.
        ``format`` and ``content_hash``, the :func:`content_hash` of ``params``, are set here.
      infinite: names of leaves that may hold infinity, such as bounds that bound nothing; the
        header lists those that do.

    The file also holds a SHA-256 of the header's text and of name, type, shape and bytes of every
    array. Whoever reads the file checks it, so no bit can change unnoticed.

    Raises:
      WeightsError: if a parameter is NaN, or infinite and not in ``infinite``.
    """
    path, params = Path(path), jax.device_get(params)
    open_ends = sorted(set(nonfinite_leaves(params)) & set(infinite))
    _check_finite(path, params, open_ends)
    path.parent.mkdir(parents=True, exist_ok=True)
    names = leaf_names(params)
    leaves = [np.array(leaf, order="C") for leaf in jax.tree.leaves(params)]
    full_header = {**header, "format": FORMAT, "content_hash": content_hash(leaves)}
    if open_ends:
        full_header[_INFINITE] = open_ends
    metadata = {_HEADER: json.dumps(full_header, sort_keys=True), _ORDER: json.dumps(names)}
    arrays = dict(zip(names, leaves, strict=True))
    metadata[_DIGEST] = _digest(metadata, arrays)
    with replacing(path) as draft:
        save_file(arrays, draft, metadata=metadata)
        draft.chmod(0o644)  # safetensors makes files that only their owner can read


def read_header(path: str | Path) -> dict[str, Any]:
    """The header of a weight file.

    Args:
      path: the file.

    Returns:
      What was given to :func:`save`, with ``format`` and (from format 2 on) ``content_hash``.

    Raises:
      WeightsError: if there is no such file, it is truncated, damaged or of another program.

    Example:
      >>> import tempfile
      >>> file = Path(tempfile.mkdtemp()) / "new.safetensors"
      >>> save(file, {"kernel": np.ones(2)}, {"seed": 0})
      >>> read_header(file)["seed"]
      0
    """
    return read(path)[0]


def load(
    path: str | Path,
    like: PyTree,
    renamed: Mapping[str, str] | None = None,
    *,
    allow_more: bool = False,
) -> PyTree:
    """Read parameters of a known structure.

    Args:
      path: the file.
      like: a tree of arrays, or of ``jax.ShapeDtypeStruct``, of the same structure and shapes.
      renamed: new names of leaves by their names in older files; those that the file lacks are
        ignored.
      allow_more: whether the file may hold other arrays too, which are left alone.

    Returns:
      The tree with the file's arrays, as NumPy arrays.

    Raises:
      WeightsError: if the file is missing, truncated, or of another program; if it holds other
        arrays, or arrays that are not finite; or if anything in it differs from what was saved.

    Example:
      >>> import tempfile
      >>> file = Path(tempfile.mkdtemp()) / "old.safetensors"
      >>> save(file, {"kernel": np.ones(2)}, {"seed": 0})
      >>> load(file, {"weight": np.zeros(2)}, renamed={"kernel": "weight"})
      {'weight': array([1., 1.])}
    """
    _, stored = read(path)
    _check_finite(path, stored)
    renamed = renamed or {}
    arrays = {renamed.get(name, name): array for name, array in stored.items()}
    names, leaves = leaf_names(like), jax.tree.leaves(like)
    missing, more = set(names) - set(arrays), set(arrays) - set(names)
    if missing or (more and not allow_more) or len(arrays) != len(stored):
        raise WeightsError(f"{path}: expected arrays {sorted(names)}, found {sorted(stored)}")
    for name, leaf in zip(names, leaves, strict=True):
        if arrays[name].shape != leaf.shape or arrays[name].dtype != leaf.dtype:
            raise WeightsError(
                f"{path}: expected {name} of shape {leaf.shape} and type {leaf.dtype}, "
                f"found {arrays[name].shape} and {arrays[name].dtype}"
            )
    return jax.tree.unflatten(jax.tree.structure(like), [arrays[name] for name in names])


def read(path: str | Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The header of a file and its arrays, whatever their structure, both checked.

    Args:
      path: the file.

    Returns:
      The header, as :func:`read_header` has it, and the arrays by name.

    Raises:
      WeightsError: as :func:`load` does, but for the structure, and for infinity in the leaves
        that the header lists.
    """
    metadata, arrays = _open(path)
    header = _header(path, metadata)
    _check_content(path, header, metadata, arrays)
    return header, arrays


def _open(path: str | Path) -> tuple[dict[str, str], dict[str, np.ndarray]]:
    """The metadata of a safetensors file and its arrays by name."""
    path = Path(path)
    if not path.is_file():
        raise WeightsError(f"{path}: no such weight file")
    try:
        with safe_open(path, framework="numpy") as file:
            names = file.keys()
            return file.metadata() or {}, {name: file.get_tensor(name) for name in names}
    except (SafetensorError, OSError, ValueError, TypeError, AttributeError) as error:
        raise WeightsError(
            f"{path}: expected a complete safetensors file; it is truncated or something else "
            f"({error})"
        ) from error


def _header(path: str | Path, metadata: Mapping[str, str]) -> dict[str, Any]:
    """The header in the metadata of a file."""
    try:
        header = json.loads(metadata[_HEADER])
        version = header.get("format")
    except (KeyError, AttributeError, json.JSONDecodeError) as error:
        raise WeightsError(
            f'{path}: expected a header named "{_HEADER}", as l2c_jax writes it; '
            "this file was made by something else"
        ) from error
    if version not in READABLE:
        raise WeightsError(
            f"{path}: expected header format {' or '.join(map(str, READABLE))}, found {version}; "
            "use the version of l2c_jax that wrote it"
        )
    return header


def _digest(metadata: Mapping[str, str], arrays: Mapping[str, np.ndarray]) -> str:
    """SHA-256 of the header's text, and of name, type, shape and bytes of every array."""
    digest = hashlib.sha256()
    for part in (metadata[_HEADER], metadata[_ORDER]):
        digest.update(f"{len(part.encode())}:".encode() + part.encode())
    for name in json.loads(metadata[_ORDER]):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{array.dtype}{array.shape}".encode() + array.tobytes())
    return digest.hexdigest()


def _check_content(
    path: str | Path,
    header: Mapping[str, Any],
    metadata: Mapping[str, str],
    arrays: Mapping[str, np.ndarray],
) -> None:
    """Refuse arrays that are not finite, and anything that was changed after it was saved.

    Files of format 1, and the first ones of format 2, have no digest. A digest whose name was
    changed is an unknown entry, which no file has.
    """
    expected, own = header.get("content_hash"), None
    try:
        names = json.loads(metadata[_ORDER]) if _ORDER in metadata else list(arrays)
        found = content_hash([arrays[name] for name in names])
        if _DIGEST in metadata:
            own = _digest(metadata, arrays)
    except (AttributeError, KeyError, TypeError, json.JSONDecodeError):  # other arrays or names
        names, found = [], None
    if expected is not None and found != expected:
        raise WeightsError(
            f"{path}: expected arrays of content hash {expected}, found {found}; "
            "the file was changed after it was written"
        )
    whole = sorted(names) == sorted(arrays) and not set(metadata) - {_HEADER, _ORDER, _DIGEST}
    if (header["format"] != 1 and not (whole and expected)) or metadata.get(_DIGEST) != own:
        raise WeightsError(f"{path}: the file was changed after it was written")
    _check_finite(path, arrays, header.get(_INFINITE, ()))


def _check_finite(path: str | Path, tree: PyTree, infinite: Collection[str] = ()) -> None:
    leaves = dict(zip(leaf_names(tree), jax.tree.leaves(tree), strict=True))
    names = [
        name
        for name in nonfinite_leaves(tree)
        if name not in infinite or np.isnan(leaves[name]).any()
    ]
    if names:
        raise WeightsError(f"{path}: expected finite arrays, found NaN or infinity in {names}")
