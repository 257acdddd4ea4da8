"""Clustering a data set on the host with a trained learner: Algorithm 2 from end to end."""

from typing import NamedTuple

import jax
import numpy as np

from l2c_jax.preprocessing.principal import to_frame
from l2c_jax.recurrent.assign import assign_framed
from l2c_jax.recurrent.model import ModelConfig, Params
from l2c_jax.types import ArrayLike


class Clustering(NamedTuple):
    """The answer for one data set."""

    labels: np.ndarray  # [N] int32 in 0..k-1, the cluster of largest probability
    probabilities: np.ndarray  # [N, k] float32, rows sum to 1; k is num_clusters, or else K
    num_clusters: int  # clusters in use: distinct labels


def padded_size(size: int) -> int:
    """The least of 16, 24, 32, 48, 64, ... that holds ``size`` points.

    Data sets of similar size share a compiled program.

    Example:
      >>> [padded_size(n) for n in (1, 17, 150)]
      [16, 24, 192]
    """
    power = 16
    while power < size:
        power *= 2
    return power * 3 // 4 if 16 < size <= power * 3 // 4 else power


# two programs, so that the large one is not compiled anew for another number of columns
_to_frame = jax.jit(to_frame, static_argnames=("frame", "dimensions"))
_assign_framed = jax.jit(assign_framed, static_argnames=("model", "passes", "orders"))


def cluster(
    params: Params,
    model: ModelConfig,
    points: ArrayLike,
    *,
    num_clusters: int | None = None,
    passes: int = 2,
    orders: int = 16,
    seed: int = 0,
) -> Clustering:
    """Cluster one data set (Algorithm 2).

    Args:
      params: the trained learner.
      model: its configuration.
      points: ``[N, D]`` finite numbers, any D: in the canonical frame the first principal axes
        are kept, or zeros added.
      num_clusters: how many clusters to use at most, k <= K. ``None`` leaves it to the learner.
        A learner that was not trained to be told k keeps the k clusters of largest total
        probability.
      passes: E, passes over the data.
      orders: M, visiting orders averaged.
      seed: of the visiting orders.

    Returns:
      Labels, probabilities and the number of clusters in use.

    Raises:
      ValueError: if the points are no finite table of at least one row and column, if
        ``num_clusters`` is beyond the learner or the points, or if the learner has to be told it.

    Example:
      >>> import jax
      >>> from l2c_jax.recurrent.model import init
      >>> model = ModelConfig(dimensions=2, num_clusters=3)
      >>> params = init(jax.random.key(0), model)
      >>> found = cluster(params, model, [[0.0, 1.0, 2.0], [5.0, 5.0, 1.0], [4.0, 5.0, 1.0]])
      >>> found.labels.shape, found.probabilities.shape
      ((3,), (3, 3))
    """
    table = _checked(points)
    size = table.shape[0]
    if num_clusters is not None and not 1 <= num_clusters <= min(model.num_clusters, size):
        raise ValueError(
            f"num_clusters is {num_clusters}; it must be at least 1, at most {size} (the points) "
            f"and at most {model.num_clusters} (what the weights were trained for)"
        )
    if model.given_clusters and num_clusters is None:
        raise ValueError(
            f"these weights have to be told the number of clusters, 1 to {model.num_clusters}"
        )
    if min(passes, orders) < 1:
        raise ValueError("passes and orders must be at least 1")
    if model.frame == "canonical":
        table = _moderate(table)
    padded = padded_size(size)
    spread = np.zeros((padded, table.shape[1]), np.float32)
    spread[:size] = _single(table)
    mask = np.arange(padded) < size
    count = np.int32(num_clusters or 0) if model.given_clusters else None
    probabilities = np.asarray(
        _assign_framed(
            params,
            jax.random.key(seed),
            _to_frame(spread, mask, model.frame, model.dimensions),
            mask,
            count,
            model=model,
            passes=passes,
            orders=orders,
        )
    )[:size]
    if num_clusters is not None:
        probabilities = _keep(probabilities, num_clusters, told=model.given_clusters)
    probabilities = probabilities / probabilities.sum(axis=1, keepdims=True)
    labels = probabilities.argmax(axis=1).astype(np.int32)
    return Clustering(labels, probabilities, int(np.unique(labels).size))


def _keep(probabilities: np.ndarray, count: int, told: bool) -> np.ndarray:
    """``[N, k]``: the clusters that were allowed, or else the k of largest total probability."""
    if told:
        return probabilities[:, :count]
    largest = np.argsort(-probabilities.sum(axis=0), kind="stable")[:count]
    return probabilities[:, np.sort(largest)] + 1e-9  # a point may belong to dropped ones alone


def _checked(points: ArrayLike) -> np.ndarray:
    table = np.asarray(points, np.float64)
    if table.ndim != 2 or 0 in table.shape:
        raise ValueError(f"points must be a table of rows and columns, got shape {table.shape}")
    if not np.isfinite(table).all():
        raise ValueError("points must be finite; found NaN or infinity")
    return table


def _single(table: np.ndarray) -> np.ndarray:
    if np.abs(table).max() > np.finfo(np.float32).max:
        raise ValueError("points are beyond single precision; scale them")
    return table.astype(np.float32)


def _moderate(table: np.ndarray) -> np.ndarray:
    """Centre and scale in double precision, so that float32 loses nothing that matters.

    The canonical frame would do both anyway.
    """
    table = table / (np.abs(table).max() or 1.0)
    table = table - table.mean(axis=0)
    return table / (np.abs(table).max() or 1.0)
