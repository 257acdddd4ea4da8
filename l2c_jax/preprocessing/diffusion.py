r"""Coordinates of a random walk on the graph of nearest neighbors.

Points in the same cluster are connected by many short steps, whatever the shape of the cluster.
With :math:`d_{ij}` the distance of two rows and :math:`s_i` that of row :math:`i` to its 6th
neighbor, neighbors (10 of each row, in either direction) have the weight

.. math:: w_{ij} = \exp(-d_{ij}^2 / (s_i s_j)), \qquad
    P = D^{-1} W, \qquad P \psi_l = \lambda_l \psi_l, \qquad 1 = \lambda_0 \ge \lambda_1 \ge ...

Coordinate :math:`l` of a row is :math:`\lambda_l^8 \psi_l`, with :math:`\psi_l` centered, of
variance 1 and clipped at 4 (self-tuning affinities: Zelnik-Manor & Perona 2004; diffusion maps:
Coifman & Lafon 2006). For k clusters, the first k - 1 coordinates are used. Equal rows are one
node. A cycle through all rows with the weight 1e-4 connects the graph.

:func:`fit_diffusion` computes them for a table on the host, :func:`diffusion_coordinates` for a
drawn task inside ``jit``; a new row gets the weighted mean of its neighbors' coordinates.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from scipy.sparse import coo_matrix, diags
from scipy.sparse.linalg import ArpackNoConvergence, eigsh

from l2c_jax.preprocessing.subspace import leading_of_walk
from l2c_jax.types import Array, ArrayLike

NEIGHBORS = 10
"""Neighbors of each row."""
SCALE_NEIGHBOR = 6
"""The distance to this neighbor is the scale of a row."""
CYCLE = 1e-4
"""Weight of the steps along the cycle through all rows."""
POWER = 8
"""Steps of the walk: the power of the eigenvalues."""
LIMIT = 4.0
"""Where coordinates of variance 1 are clipped."""
_EQUAL = 1e-9
"""Squared distance below which rows are equal; columns have variance 1."""
_FAR = 1e9
_DENSE = 64
"""Up to this many nodes, all eigenvectors are computed."""


class NeighborGraph(NamedTuple):
    """Nearest neighbors among the U different rows of a table."""

    rows: np.ndarray  # [U, D], scaled rows, in lexicographic order
    counts: np.ndarray  # [U], how often each is there
    first: np.ndarray  # [U], where each is there first
    of: np.ndarray  # [N], the different row that each row is
    near: np.ndarray  # [U, J], neighbors, nearest first
    weights: np.ndarray  # [U, J], of the steps to them
    scales: np.ndarray  # [U], distance to the 6th neighbor


class Diffusion(NamedTuple):
    """The walk on the rows of one table; arrays of U different rows."""

    rows: np.ndarray  # [U, D], scaled rows
    scales: np.ndarray  # [U], distance to the 6th neighbor
    coordinates: np.ndarray  # [U, C] float32, decreasing eigenvalues
    eigenvalues: np.ndarray  # [C] float32


def neighbor_graph(rows: np.ndarray) -> NeighborGraph:
    """The nearest neighbors of each different row.

    Args:
      rows: ``[N, D]``, scaled columns.

    Returns:
      The graph; J is 10, or U - 1.
    """
    different, first, of, counts = np.unique(rows, True, True, True, axis=0)
    of = of.ravel()
    size = len(different)
    index, square = nearest(different, different, min(NEIGHBORS + 1, size))
    index, square = index[:, 1:], square[:, 1:]  # without the row itself
    if size == 1:
        return NeighborGraph(different, counts, first, of, index, square, np.ones(1))
    scales = np.sqrt(square[:, min(SCALE_NEIGHBOR, size - 1) - 1])
    weights = np.exp(-square / (scales[:, None] * scales[index]))
    return NeighborGraph(different, counts, first, of, index, weights, scales)


def fit_diffusion(graph: NeighborGraph, num_coordinates: int) -> Diffusion:
    """The walk on the rows of a table, on the host in float64.

    Args:
      graph: of the rows.
      num_coordinates: C; zeros where there are fewer different rows.

    Returns:
      The walk, for :func:`apply_diffusion`.

    Example:
      >>> import numpy as np
      >>> angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
      >>> ring = np.stack([np.cos(angle), np.sin(angle)], axis=1)
      >>> walk = fit_diffusion(neighbor_graph(np.concatenate([ring, 5 * ring])), 1)
      >>> inner, outer = np.split(apply_diffusion(walk, np.concatenate([ring, 5 * ring])), 2)
      >>> bool(inner.max() < outer.min() or outer.max() < inner.min())
      True
    """
    size = len(graph.rows)
    coordinates, eigenvalues = np.zeros((size, num_coordinates)), np.zeros(num_coordinates)
    if size == 2:
        coordinates[:, :1] = _scaled(np.array([[-1.0], [1.0]]), np.ones(1), graph.counts)
        eigenvalues[0] = 1
    elif size > 2:
        vectors, values = _eigenvectors(graph, min(num_coordinates, size - 2))
        coordinates[:, : len(values)] = _scaled(vectors, values, graph.counts)
        eigenvalues[: len(values)] = values
    return Diffusion(
        *(graph.rows, graph.scales),
        *(coordinates.astype(np.float32), eigenvalues.astype(np.float32)),
    )


def apply_diffusion(diffusion: Diffusion, rows: np.ndarray) -> np.ndarray:
    """Coordinates of rows, each by itself.

    A row on which the walk was fitted has its own coordinates; another one the mean of its
    neighbors', with the weights of the walk.

    Args:
      diffusion: fitted.
      rows: ``[n, D]``, scaled as those.

    Returns:
      ``[n, C]`` float32.
    """
    fitted = diffusion.rows
    count = min(NEIGHBORS, len(fitted))
    index, square = nearest(rows, fitted, count)
    own = np.sqrt(square[:, min(SCALE_NEIGHBOR, count) - 1])
    scale = np.maximum(own[:, None] * diffusion.scales[index], 1e-12)
    exponent = -(square - square[:, :1]) / scale
    weights = np.exp(exponent)
    weights /= weights.sum(axis=1, keepdims=True)
    known = square[:, 0] <= _EQUAL
    weights[known] = np.arange(count) == 0
    found = np.einsum("nj,njc->nc", weights, diffusion.coordinates[index])
    return found.astype(np.float32)


def nearest(rows: np.ndarray, others: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The nearest of other rows, in order.

    Args:
      rows: ``[n, D]``.
      others: ``[U, D]``.
      count: J, at most U.

    Returns:
      Indices ``[n, J]`` and squared distances ``[n, J]``.
    """
    norms = (others**2).sum(axis=1)
    square = norms[None, :] - 2 * rows @ others.T
    index = np.argpartition(square, count - 1, axis=1)[:, :count]
    apart = rows[:, None, :] - others[index]
    exact = np.einsum("njd,njd->nj", apart, apart)
    order = np.lexsort((index, exact), axis=1)
    return np.take_along_axis(index, order, axis=1), np.take_along_axis(exact, order, axis=1)


def _eigenvectors(graph: NeighborGraph, count: int) -> tuple[np.ndarray, np.ndarray]:
    """``[U, C]`` and eigenvalues ``[C]`` of the walk, without the constant one."""
    size, neighbors = graph.near.shape
    steps = np.repeat(np.arange(size), neighbors), graph.near.ravel()
    weights = coo_matrix((graph.weights.ravel(), steps), shape=(size, size)).tocsr()
    weights = weights.maximum(weights.T)
    place = np.arange(size)
    cycle = coo_matrix((np.full(size, CYCLE), (place, (place + 1) % size)), shape=(size, size))
    weights = (weights + cycle + cycle.T).tocsr()
    inverse = 1 / np.sqrt(np.asarray(weights.sum(axis=1)).ravel())
    normalized = diags(inverse) @ weights @ diags(inverse)
    if size <= _DENSE:
        values, vectors = np.linalg.eigh(normalized.toarray())
    else:
        start_vector = np.cos(np.arange(size))
        try:
            values, vectors = eigsh(
                normalized, count + 1, which="LA", v0=start_vector, ncv=4 * count + 20, tol=1e-6
            )
        except ArpackNoConvergence:
            values, vectors = np.linalg.eigh(normalized.toarray())
    order = np.argsort(-values, kind="stable")[1 : count + 1]
    return vectors[:, order] * inverse[:, None], values[order]


def _scaled(vectors: Any, values: Any, counts: Any) -> Any:
    """Centered, of variance 1, clipped, times the power of the eigenvalue; positive skewness."""
    xp = np if isinstance(vectors, np.ndarray) else jnp
    share = (counts / counts.sum())[:, None]
    vectors = vectors - (share * vectors).sum(axis=0, keepdims=True)
    deviation = xp.sqrt((share * vectors**2).sum(axis=0, keepdims=True))
    vectors = vectors / xp.where(deviation > 0, deviation, 1)
    sign = xp.where((share * vectors**3).sum(axis=0, keepdims=True) < 0, -1.0, 1.0)
    power = xp.clip(values, 0.0, 1.0) ** POWER
    return xp.clip(sign * vectors, -LIMIT, LIMIT) * power[None, :]


def first_coordinates(coordinates: ArrayLike, mask: ArrayLike, count: ArrayLike) -> Any:
    """The first coordinates, all over their total scale, and zeros.

    Args:
      coordinates: ``[N, C]``.
      mask: ``[N]`` bool, the points that the scale is computed from.
      count: how many are kept; k - 1 for k clusters.

    Returns:
      ``[N, C]``, of total variance 1 over these points.
    """
    xp = np if isinstance(coordinates, np.ndarray) else jnp
    kept = xp.where(
        (xp.arange(coordinates.shape[1], dtype=np.int32) < count)[None, :], coordinates, 0
    )
    weight = xp.asarray(mask).astype(kept.dtype)[:, None]
    total = xp.sqrt((weight * kept**2).sum() / xp.maximum(weight.sum(), 1))
    return kept / xp.where(total > 0, total, 1)


class Nodes(NamedTuple):
    """The different points of one drawn task."""

    node: Array  # [N] bool, the first of equal points
    of: Array  # [N] int32, the node of each point
    counts: Array  # [N], points of each node
    square: Array  # [N, N], squared distances between different nodes, else 1e9


def find_nodes(points: Array, mask: Array) -> Nodes:
    """Which points of a task are equal, and how far the others are; for ``jit``.

    Args:
      points: ``[N, D]``, scaled columns.
      mask: ``[N]`` bool.

    Returns:
      The nodes.
    """
    size = len(points)
    square = ((points[:, None, :] - points[None, :, :]) ** 2).sum(axis=2)
    place = jnp.arange(size)
    equal = (square <= _EQUAL) & mask[None, :]
    node_of = jnp.argmax(equal, axis=1)  # the first of all equal rows
    node = mask & (node_of == place)
    counts = jnp.zeros(size).at[node_of].add(mask.astype(jnp.float32))
    different = node[None, :] & node[:, None] & (place[:, None] != place[None, :])
    return Nodes(node, node_of, counts, jnp.where(different, square, _FAR))


def diffusion_coordinates(points: Array, mask: Array, num_coordinates: int) -> Array:
    """Coordinates of the points of one task; for ``jit`` and ``vmap``.

    Args:
      points: ``[N, D]``, scaled columns.
      mask: ``[N]`` bool.
      num_coordinates: C, less than N.

    Returns:
      ``[N, C]``, zeros where masked.
    """
    size = len(points)
    nodes = find_nodes(points, mask)
    node, square = nodes.node, nodes.square
    place = jnp.arange(size)
    negative, index = jax.lax.top_k(-square, min(NEIGHBORS, size - 1))
    near = -negative
    scales = jnp.sqrt(near[:, min(SCALE_NEIGHBOR, near.shape[1]) - 1])
    scales = jnp.minimum(scales, 1e3)
    weights = jnp.exp(-near / jnp.maximum(scales[:, None] * scales[index], 1e-12))
    weights = jnp.where((near < 1e8) & node[:, None], weights, 0)
    graph = jnp.zeros((size, size)).at[place[:, None], index].set(weights)
    graph = jnp.maximum(graph, graph.T)
    rank = jnp.cumsum(node) - 1
    last = node.sum() - 1
    step = (rank[None, :] - rank[:, None] == 1) | ((rank[:, None] == last) & (rank[None, :] == 0))
    cycle = jnp.where(step & node[:, None] & node[None, :], CYCLE, 0.0)
    graph = graph + cycle + cycle.T
    degree = graph.sum(axis=1)
    inverse = jnp.where(degree > 0, 1 / jnp.sqrt(jnp.where(degree > 0, degree, 1)), 0)
    normalized = inverse[:, None] * graph * inverse[None, :]
    root = jnp.sqrt(degree / jnp.maximum(degree.sum(), 1e-12))
    values, vectors = leading_of_walk(normalized, root, num_coordinates)
    scaled = _scaled(vectors * inverse[:, None], values, jnp.where(node, nodes.counts, 0))
    return jnp.where(mask[:, None], scaled[nodes.of], 0)
