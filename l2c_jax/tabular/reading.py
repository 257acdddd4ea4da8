"""Reading a table in every view and for several numbers of clusters, in one program.

All arrays have the same sizes for every table: S rows, padded, of which an epoch reads R.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from l2c_jax.preprocessing.columns import namespace
from l2c_jax.preprocessing.diffusion import NEIGHBORS, NeighborGraph, first_coordinates
from l2c_jax.preprocessing.principal import apply_preprocessing
from l2c_jax.recurrent.learner import Learner
from l2c_jax.recurrent.model import (
    append_num_clusters,
    clear,
    frozen_scores,
    log_probabilities,
    rollout,
)
from l2c_jax.recurrent.scan import plain
from l2c_jax.tabular.partition_features import Cloud
from l2c_jax.tabular.views import TableViews, by_neighbors, ranks_of
from l2c_jax.types import Array, PyTree


class Sequences(NamedTuple):
    """Which rows every member reads. NumPy on the host."""

    order: Array  # [M, E, R] int32
    real: Array  # [M, E, R] bool


def make_cloud(
    rows: np.ndarray,
    views: TableViews,
    graph: NeighborGraph,
    distances: np.ndarray,
    size: int,
    rng: np.random.Generator,
) -> tuple[Cloud, np.ndarray]:
    """The rows in random order, in all views, padded.

    Args:
      rows: ``[N, D]``, those on which the views were fitted.
      views: fitted.
      graph: of the rows.
      distances: ``[N, N]``, minimax distances of the rows.
      size: S, at least N.
      rng: for the order.

    Returns:
      NumPy arrays, and the order ``[N]`` of the rows in them.
    """
    count, dimensions = len(rows), views.paths.shape[1]
    order = np.lexsort(views_key(rows, views).T)  # independent of the order of the table
    order = order[rng.permutation(count)]
    place = np.empty(count, int)
    place[order] = np.arange(count)
    first = place[graph.first]
    neighbors = np.full((size, NEIGHBORS), size, np.int32)
    weights = np.zeros((size, NEIGHBORS), np.float32)
    near = graph.near.shape[1]
    neighbors[first, :near] = first[graph.near]
    weights[first, :near] = np.maximum(graph.weights, 1e-12)
    axes, ranks, walk, paths = np.zeros((4, size, dimensions), np.float32)
    axes[:count] = apply_preprocessing(views.principal, rows[order], dimensions)
    ranks[:count] = ranks_of(views, rows[order])
    walk[:count], paths[:count] = by_neighbors(views, rows[order])
    node = np.zeros(size, bool)
    node[first] = True
    gaps = np.zeros((size, size), np.float32)
    gaps[:count, :count] = distances[np.ix_(order, order)]
    arrays: tuple[Any, ...] = (axes, ranks, walk, paths, views.diffusion.eigenvalues, gaps)
    arrays += (np.arange(size) < count, node, neighbors, weights, np.float32(rows.shape[1]))
    return Cloud(*arrays), order


def different_places(cloud: Cloud, count: int) -> np.ndarray:
    """``[V]``, how many places the rows have in each view for a number of clusters; on the host.

    In path distances all rows of a small table may coincide, so that nothing can be told apart.
    """
    real = np.asarray(cloud.real)
    points = np.asarray(_points_of_views(cloud, np.int32(count)))
    return np.array([len(np.unique(view[real].round(6), axis=0)) for view in points])


def views_key(rows: np.ndarray, views: TableViews) -> np.ndarray:
    """``[N, dimensions]``, by which rows are sorted: their principal axes."""
    dimensions = views.paths.shape[1]
    return apply_preprocessing(views.principal, rows, dimensions)


def make_sequences(
    count: int, members: int, epochs: int, length: int, rng: np.random.Generator
) -> Sequences:
    """Random orders: every row is read once before any is read twice, if the epochs are long
    enough; an epoch reads no row twice.

    Args:
      count: real rows.
      members: M.
      epochs: E.
      length: R.
      rng: for the orders.

    Returns:
      NumPy arrays.

    Example:
      >>> found = make_sequences(3, 1, 2, 4, np.random.default_rng(0))
      >>> [sorted(epoch) for epoch in found.order[0, :, :3].tolist()], found.real[0, 0].tolist()
      ([[0, 1, 2], [0, 1, 2]], [True, True, True, False])
    """
    index = np.zeros((members, epochs, length), np.int32)
    real = np.arange(length) < min(count, length)
    for member in range(members):
        order = rng.permutation(count)
        for epoch in range(epochs):
            if count <= length:
                order = rng.permutation(count)
            chosen = np.roll(order, -epoch * length)[:length]
            index[member, epoch, : len(chosen)] = chosen
    arrays: tuple[Any, ...] = index, np.broadcast_to(real, index.shape).copy()
    return Sequences(*arrays)


def read_candidates(learner: Learner, cloud: Cloud, counts: Array, sequences: Sequences) -> Array:
    """Read the rows in all views, for every number of clusters; for ``jit``.

    Args:
      learner: with ``condition_on_num_clusters``.
      cloud: S rows.
      counts: ``[K']`` int32.
      sequences: of M members, the same for all views and numbers.

    Returns:
      ``[V, K', M, S, K]``, logarithms of the members' probabilities of the rows.
    """

    def of_number(count: Array) -> Array:
        read = jax.vmap(_read_points, (None, 0, None, None))
        return read(learner, _points_of_views(cloud, count), count, sequences)[1]

    return jax.vmap(of_number, out_axes=1)(counts)


def read_view(
    learner: Learner, cloud: Cloud, view: Array, count: Array, sequences: Sequences
) -> tuple[PyTree, Array]:
    """Read the rows in one view for one number of clusters; for ``jit``.

    Args:
      learner: with ``condition_on_num_clusters``.
      cloud: S rows.
      view: ``[]`` int32, index of the view.
      count: ``[]`` int32.
      sequences: of M members.

    Returns:
      What the members remember, ``[M, ...]``, and the rows' log-probabilities, ``[M, S, K]``.
    """
    points = jnp.take(_points_of_views(cloud, count), view, axis=0)
    return _read_points(learner, points, count, sequences)


def _points_of_views(cloud: Cloud, count: Any) -> Any:
    """``[V, S, C]``, in the order of :data:`~l2c_jax.tabular.views.VIEWS`."""
    walk = first_coordinates(cloud.walk, cloud.real, count - 1)
    paths = first_coordinates(cloud.paths, cloud.real, count - 1)
    return namespace(walk).stack([cloud.axes, cloud.ranks, walk, paths])


def _read_points(
    learner: Learner, points: Array, count: Array, sequences: Sequences
) -> tuple[PyTree, Array]:
    """Of every member, the memory after reading, and log-probabilities of the points."""
    config = learner.config
    points = append_num_clusters(points, count, config.num_clusters)

    def of_member(sequence: Sequences) -> tuple[PyTree, Array]:
        def one_epoch(carry: Any, epoch: Sequences) -> tuple[Any, None]:
            here = jnp.arange(len(epoch.order))
            part = points[epoch.order]
            done = rollout(learner.params, carry, part, here, config, mask=epoch.real, scan=plain)
            return done[0], None

        carry, _ = jax.lax.scan(one_epoch, clear(learner.params, config), sequence)
        scores = frozen_scores(learner.params, carry, points, config)
        return carry, log_probabilities(scores, config.logit_scale, count)

    return jax.vmap(of_member)(sequences)
