r"""Coordinates in which two points are as far apart as the largest gap on the way between them.

With :math:`c_i` the distance within which four rows are, :math:`i` included, the mutual
reachability (Campello, Moulavi & Sander 2013) and the minimax distance over all paths
:math:`i = p_0, p_1, ..., p_n = j` are

.. math:: r_{ij} = \max(d_{ij}, c_i, c_j), \qquad
    m_{ij} = \min_p \max_t r_{p_t p_{t+1}}.

A row far from all others is no cluster: every row takes the place of the densest (least c) among
itself and its three nearest neighbors, and once more of that row's, :math:`a(i)`. Coordinates are
those of classical scaling of :math:`m_{a(i) a(j)}`: with :math:`J` the projection that
centers, :math:`-\frac12 J m^2 J = V \Lambda V^T` and coordinate :math:`l` of a row is
:math:`\lambda_l^{1/2} V_{il}`. :math:`m^2` is an ultrametric, so no eigenvalue is negative. A
cluster that a gap surrounds is one place, whatever its shape and however few its rows. For k
clusters, the first k - 1 coordinates are used. Equal rows are one node, which counts as often as
it is there.

:func:`fit_paths` computes them for a table on the host, :func:`path_coordinates` for a drawn task
inside ``jit``; a new row gets the weighted mean of its neighbors' coordinates, as in
:mod:`l2c_jax.preprocessing.diffusion`.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy.cluster.hierarchy import cophenet, linkage
from scipy.linalg import eigh
from scipy.spatial.distance import pdist, squareform

from l2c_jax.preprocessing.diffusion import find_nodes
from l2c_jax.preprocessing.subspace import leading
from l2c_jax.types import Array

CORE = 3
"""How many other rows are within the core distance of a row."""
STEPS = 2
"""How often a row takes the place of its densest neighbor."""


def fit_paths(distances: np.ndarray, counts: np.ndarray, num_coordinates: int) -> np.ndarray:
    """Coordinates of the different rows of a table, on the host in float64.

    Args:
      distances: ``[U, U]`` minimax distances of the different rows.
      counts: ``[U]``, how often each is there.
      num_coordinates: C; zeros where there are fewer different rows.

    Returns:
      ``[U, C]`` float32, in decreasing order of variance.

    Example:
      >>> import numpy as np
      >>> rows = np.array([[0.0], [1.0], [2.0], [9.0], [10.0], [11.0]])
      >>> place = fit_paths(minimax_distances(rows, np.ones(6)), np.ones(6), 1)[:, 0]
      >>> bool(np.ptp(place[:3]) < 0.2 * abs(place[3] - place[2]))
      True
    """
    size = len(distances)
    coordinates = np.zeros((size, num_coordinates))
    if size > 1:
        share = counts / counts.sum()
        largest = distances.max()
        squares = (distances / (largest if largest > 0 else 1)) ** 2
        centered = squares - (share @ squares)[None, :]
        centered = -0.5 * (centered - (centered @ share)[:, None])
        root = np.sqrt(share)
        count = min(num_coordinates, size)
        inner = root[:, None] * centered * root[None, :]
        values, vectors = eigh((inner + inner.T) / 2, subset_by_index=(size - count, size - 1))
        values, vectors = values[::-1], vectors[:, ::-1] / root[:, None]
        coordinates[:, :count] = _placed(vectors, np.maximum(values, 0), share)
    return coordinates.astype(np.float32)


def minimax_distances(rows: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Minimax distances of the places of rows, by single linkage.

    Args:
      rows: ``[U, D]``, different.
      counts: ``[U]``, how often each is there.

    Returns:
      ``[U, U]``, an ultrametric.
    """
    if len(rows) == 1:
        return np.zeros((1, 1))
    apart = squareform(pdist(rows))
    near = np.argsort(apart, axis=1, kind="stable")[:, : CORE + 1]  # with the row itself
    there = np.cumsum(counts[near], axis=1) - counts[near] <= CORE  # more rows are needed
    nearest = np.take_along_axis(apart, near, axis=1)
    core = np.where(there, nearest, 0).max(axis=1)
    reach = np.maximum(apart, np.maximum(core[:, None], core[None, :]))
    least = squareform(cophenet(linkage(squareform(reach, checks=False), "single")))
    least_core = np.where(there, core[near], np.inf).argmin(axis=1)
    densest = np.take_along_axis(near, least_core[:, None], axis=1)[:, 0]
    place = np.arange(len(rows))
    for _ in range(STEPS):
        place = densest[place]
    return least[np.ix_(place, place)]


def path_coordinates(points: Array, mask: Array, num_coordinates: int) -> Array:
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
    both = nodes.node[:, None] & nodes.node[None, :] & ~jnp.eye(size, dtype=bool)
    itself = jnp.arange(size)
    negative, near = jax.lax.top_k(-nodes.square, min(CORE, size - 1))
    near = jnp.concatenate([itself[:, None], near], axis=1)
    nearest = jnp.concatenate([jnp.zeros((size, 1)), -negative], axis=1)
    counts = nodes.counts[near]
    there = (jnp.cumsum(counts, axis=1) - counts <= CORE) & (nearest < 1e8)  # or few nodes
    core = jnp.where(there, nearest, 0).max(axis=1)
    reach = jnp.maximum(nodes.square, jnp.maximum(core[:, None], core[None, :]))
    reach = jnp.where(both, reach, jnp.where(jnp.eye(size, dtype=bool), 0, 1e9))

    def through(node: int, least: Array) -> Array:
        there = jnp.take(least, node, axis=0)
        return jnp.minimum(least, jnp.maximum(there[:, None], there[None, :]))

    squares = jax.lax.fori_loop(0, size, through, reach)
    least_core = jnp.where(there, core[near], jnp.inf).argmin(axis=1)
    densest = jnp.take_along_axis(near, least_core[:, None], axis=1)[:, 0]
    place = itself
    for _ in range(STEPS):
        place = densest[place]
    squares = jnp.where(both, squares[place[:, None], place[None, :]], 0)
    squares = squares / jnp.maximum(squares.max(), 1e-30)
    share = jnp.where(nodes.node, nodes.counts, 0)
    share = share / jnp.maximum(share.sum(), 1)
    centered = squares - (share @ squares)[None, :]
    centered = -0.5 * (centered - (centered @ share)[:, None])
    root = jnp.sqrt(share)
    values, vectors = leading(root[:, None] * centered * root[None, :], root, num_coordinates)
    vectors = jnp.where(nodes.node[:, None], vectors / jnp.maximum(root, 1e-9)[:, None], 0)
    placed = _placed(vectors, jnp.maximum(values, 0), share)
    return jnp.where(mask[:, None], placed[nodes.of], 0)


def _placed(vectors: Any, values: Any, share: Any) -> Any:
    """Coordinates, of positive skewness."""
    xp = np if isinstance(vectors, np.ndarray) else jnp
    sign = xp.where((share[:, None] * vectors**3).sum(axis=0) < 0, -1.0, 1.0)
    return vectors * (sign * xp.sqrt(values))[None, :]
