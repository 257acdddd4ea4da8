"""A fitted model: what labels the rows of further tables with the same columns, and its file."""

import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import jax
import numpy as np

from l2c_jax.preprocessing.encoder import EncodedColumn, Encoder, encode
from l2c_jax.preprocessing.roles import ColumnRole
from l2c_jax.recurrent.config import Cell
from l2c_jax.recurrent.learner import Learner, config_of_header
from l2c_jax.recurrent.model import clear
from l2c_jax.tabular.clusterer import FittedTable, predict_chunks
from l2c_jax.tabular.model import TabularModel
from l2c_jax.tabular.outliers import Surroundings, fit_surroundings
from l2c_jax.training import weights
from l2c_jax.training.provenance import versions
from l2c_jax.training.weights import WeightsError
from l2c_jax.types import PyTree

KIND = "fitted model"
MODEL_FORMAT = 1
"""Version of the entries of a fitted model; a file of another version is refused."""


@dataclass(frozen=True)
class FittedModel:
    """All that labels a row: columns, encoder, views, adapted state, and the learner itself."""

    model: TabularModel
    """The learner that adapted. A file holds no judge: nothing is judged any more."""
    fitted: FittedTable
    """What was learned about the table."""
    roles: tuple[ColumnRole, ...]
    """D, what each column was read as."""
    encoder: Encoder
    """From the cells of the columns to a matrix ``[N, D']``."""
    standardize: bool = True
    """Whether numbers beside indicators are standardized."""
    used: tuple[int, ...] | None = None
    """Of the clusters of ``fitted``, those that have a row; ``None``: all are kept."""
    by_position: bool = False
    """Whether the columns have no names of their own, as those of an array."""
    how: Mapping[str, Any] = field(default_factory=dict)
    """How it was computed: seed, settings, the weights and their content hash. JSON."""

    @property
    def num_clusters(self) -> int:
        """k."""
        return len(self.fitted.clusters if self.used is None else self.used)

    def points(self, columns: list[np.ndarray]) -> np.ndarray:
        """``[n, D']``, rows as the learner is given them.

        Args:
          columns: D arrays ``[n]``, cells of the columns in the order of the table.

        Raises:
          CellError: if a column of numbers has cells that are none.
        """
        return learner_points(self.encoder, encode(self.encoder, columns).matrix, self.standardize)

    def raw_probabilities(self, points: np.ndarray) -> np.ndarray:
        """``[n, K']``, probabilities of all clusters of ``fitted``.

        Args:
          points: ``[n, D']``, from :meth:`points`.
        """
        return next(predict_chunks(self.model, self.fitted, [points]))

    def surroundings(self, points: np.ndarray) -> tuple[Surroundings, np.ndarray]:
        """What outlier scores are computed from, and :meth:`raw_probabilities`, of a sample.

        Args:
          points: ``[S, D']``, from :meth:`points`.

        Returns:
          The surroundings, whose clusters are those of ``fitted``, and ``[S, K']``.
        """
        found = self.raw_probabilities(points)
        labels, k = found.argmax(axis=1), found.shape[1]
        around = fit_surroundings(
            points, labels, k, standardize=self.standardize, unit=self.encoder.unit
        )
        return around, found

    def probabilities(self, pieces: Iterable[list[np.ndarray]]) -> Iterator[np.ndarray]:
        """Probabilities of the clusters for each row by itself.

        Args:
          pieces: of the table, each as for :meth:`points`.

        Yields:
          ``[n, k]`` for each piece; rows sum to 1.
        """
        points = map(self.points, pieces)
        for found in predict_chunks(self.model, self.fitted, points):
            yield keep_used(found, self.used)


def learner_points(encoder: Encoder, matrix: np.ndarray, standardize: bool = True) -> np.ndarray:
    """``[N, D']``: numbers standardized beside indicators, or the matrix as it is."""
    return encoder.scaled(matrix) if standardize and encoder.unit.any() else matrix


def keep_used(probabilities: np.ndarray, used: Iterable[int] | None) -> np.ndarray:
    """``[N, k]``, probabilities of the clusters that are used; rows sum to 1.

    Example:
      >>> keep_used(np.array([[0.5, 0.25, 0.25]]), [0, 2]).round(3).tolist()
      [[0.667, 0.333]]
    """
    if used is None:
        return probabilities
    kept = probabilities[:, list(used)] + 1e-12
    return kept / kept.sum(axis=1, keepdims=True)


def weights_hash(model: TabularModel) -> str:
    """The content hash that the file of a model has: of its learner, and of its judge if any.

    Example:
      >>> from l2c_jax.recurrent.learner import read_header
      >>> from l2c_jax.tabular.model import load_tabular_model
      >>> weights_hash(load_tabular_model("universal")) == read_header("universal")["content_hash"]
      True
    """
    leaves = _named(model.learner.params)
    if model.judge is not None:
        leaves |= _named({"judge": model.judge})
    return weights.content_hash(leaves)


def save_fitted_model(path: str | Path, model: FittedModel) -> None:
    """Write a fitted model to one safetensors file, which then answers alone.

    The file has a readable header and a hash of everything in it. It holds no row of the table as
    it was, but scaled coordinates of up to 512 rows, and the levels of categorical columns.

    Args:
      path: where to; an existing file is replaced in one step.
      model: whose learner has an architecture with a name.

    Raises:
      WeightsError: if the architecture is a :class:`~l2c_jax.recurrent.config.Cell`: a file
        cannot hold its functions.
    """
    config = model.model.learner.config
    if isinstance(config.architecture, Cell):
        raise WeightsError(f"{path}: a model with a cell of your own cannot be saved")
    arrays = {f"learner.{n}": leaf for n, leaf in _named(model.model.learner.params).items()}
    values: dict[str, Any] = {}
    _flatten("fitted", model.fitted, arrays, values)
    for name in ("unit", "shift", "scale"):
        arrays[f"encoder.{name}"] = getattr(model.encoder, name)
    header = {
        "kind": KIND,
        "model_format": MODEL_FORMAT,
        "versions": versions(),
        "config": asdict(config),
        "fitted": values,
        "roles": [asdict(role) for role in model.roles],
        "columns": [asdict(column) for column in model.encoder.columns],
        "standardize": model.standardize,
        "used": None if model.used is None else [int(cluster) for cluster in model.used],
        "by_position": model.by_position,
        "how": dict(model.how),
    }
    weights.save(path, arrays, header, infinite=[n for n in arrays if n.startswith("fitted.")])


def load_fitted_model(path: str | Path) -> FittedModel:
    """Read a fitted model.

    Args:
      path: the file.

    Returns:
      The model; its answers are those of the one that was saved.

    Raises:
      WeightsError: if the file is missing, damaged, or no fitted model of this version.
    """
    header, arrays = weights.read(path)
    kind, version = header.get("kind"), header.get("model_format")
    if kind != KIND:
        raise WeightsError(
            f"{path}: expected a fitted model, found weights of kind {kind!r}; l2c cluster --save "
            "and MetaClusterer.save write fitted models"
        )
    if version != MODEL_FORMAT:
        made = header.get("versions", {}).get("l2c_jax", "another version")
        raise WeightsError(
            f"{path}: expected a fitted model of format {MODEL_FORMAT}, found {version}; it was "
            f"written by l2c_jax {made}, use that"
        )
    config, shapes = config_of_header(path, header["config"])
    try:
        params = _leaves("learner", shapes, arrays)
        learner = Learner(params, config)
        with jax.enable_x64(False):
            carry = jax.eval_shape(lambda: clear(params, config))
        fitted = _restore("fitted", FittedTable, header["fitted"], arrays, carry)
        columns = tuple(EncodedColumn(**_tuples(entry)) for entry in header["columns"])
        scales = (arrays[f"encoder.{name}"] for name in ("unit", "shift", "scale"))
        return FittedModel(
            TabularModel(learner),
            fitted,
            tuple(ColumnRole(**_tuples(role)) for role in header["roles"]),
            Encoder(columns, *scales),
            header["standardize"],
            None if header["used"] is None else tuple(header["used"]),
            header["by_position"],
            header["how"],
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise WeightsError(
            f"{path}: its entries are not those of this version of l2c_jax ({error})"
        ) from error


def _named(tree: PyTree) -> dict[str, Any]:
    return dict(zip(weights.leaf_names(tree), jax.tree.leaves(tree), strict=True))


def _tuples(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Entries of JSON with tuples for lists."""
    return {name: tuple(v) if isinstance(v, list) else v for name, v in entry.items()}


def _flatten(name: str, value: Any, arrays: dict[str, Any], values: dict[str, Any]) -> None:
    """The leaves of nested NamedTuples: arrays, and values that JSON can hold, by dotted name."""
    if value is None or isinstance(value, str | bool | int | float):
        values[name] = value
    elif hasattr(value, "shape"):
        arrays[name] = np.asarray(value)
    elif name.endswith(".carries"):
        arrays.update({f"{name}.{leaf}": array for leaf, array in _named(value).items()})
    elif isinstance(value, dict) or not hasattr(value, "_fields"):
        parts = value if isinstance(value, dict) else {str(i): v for i, v in enumerate(value)}
        values[name] = list(parts)
        for part, entry in parts.items():
            _flatten(f"{name}.{part}", entry, arrays, values)
    else:
        for part in value._fields:
            _flatten(f"{name}.{part}", getattr(value, part), arrays, values)


def _restore(
    name: str, kind: Any, values: Mapping[str, Any], arrays: Mapping[str, Any], carry: PyTree
) -> Any:
    """The value that :func:`_flatten` took apart; ``kind`` is the type of its field."""
    found = values.get(name)
    if isinstance(found, list):  # of parts: a dictionary, or a tuple
        inner = typing.get_args(kind)
        of_names = typing.get_origin(kind) is dict
        kinds = [inner[1]] * len(found) if of_names else _kinds_of(inner, len(found))
        parts = [
            _restore(f"{name}.{part}", part_kind, values, arrays, carry)
            for part, part_kind in zip(found, kinds, strict=True)
        ]
        return dict(zip(found, parts, strict=True)) if of_names else tuple(parts)
    if name in values:
        return found
    if name in arrays:
        return arrays[name]
    if name.endswith(".carries"):
        return _leaves(name, carry, arrays)
    for option in _options(kind):
        if hasattr(option, "_fields"):
            hints = typing.get_type_hints(option)
            places = {part: f"{name}.{part}" for part in option._fields}
            return option(
                **{p: _restore(at, hints[p], values, arrays, carry) for p, at in places.items()}
            )
    raise KeyError(name)


def _kinds_of(inner: tuple[Any, ...], count: int) -> list[Any]:
    """The types of the parts of a tuple, from those in ``tuple[...]``."""
    return [inner[0]] * count if len(inner) == 2 and inner[1] is ... else list(inner)


def _options(kind: Any) -> tuple[Any, ...]:
    union = typing.get_origin(kind) in (typing.Union, types.UnionType)
    return typing.get_args(kind) if union else (kind,)


def _leaves(name: str, like: PyTree, arrays: Mapping[str, Any]) -> PyTree:
    names = weights.leaf_names(like)
    leaves = [arrays[f"{name}.{leaf}"] for leaf in names]
    return jax.tree.unflatten(jax.tree.structure(like), leaves)
