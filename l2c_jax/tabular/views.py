"""Views of a table: the preprocessings in which one learner reads it.

``"principal"``: principal axes of clipped columns; clusters are clouds. ``"ranks"``: the same of
the columns' ranks, where tails and units say nothing. ``"diffusion"``: coordinates of a random
walk on the graph of nearest neighbors; clusters are what many short steps connect. ``"paths"``:
coordinates of path distances; clusters are what a gap surrounds. All map each row by itself, so a
new row gets the coordinates that it would have had.
"""

from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from l2c_jax.preprocessing.columns import fit_width
from l2c_jax.preprocessing.diffusion import (
    Diffusion,
    NeighborGraph,
    apply_diffusion,
    fit_diffusion,
    neighbor_graph,
)
from l2c_jax.preprocessing.paths import fit_paths, minimax_distances
from l2c_jax.preprocessing.principal import (
    Kind,
    Preprocessing,
    apply_preprocessing,
    column_order,
    fit_table_preprocessing,
    scale_columns,
)
from l2c_jax.preprocessing.ranks import Ranks, apply_ranks, fit_ranks

View: TypeAlias = Literal["principal", "ranks", "diffusion", "paths"]
VIEWS: tuple[View, ...] = ("principal", "ranks", "diffusion", "paths")
_BY_NUMBER = ("diffusion", "paths")
"""Views of k - 1 coordinates for k clusters."""


class TableViews(NamedTuple):
    """All views of one table, fitted; a pytree of NumPy arrays."""

    principal: Preprocessing
    columns: Preprocessing  # scaled columns, where neighbors are searched
    order: np.ndarray  # [D], columns in an order that does not depend on the table's
    ranks: Ranks  # of the scaled columns
    rank_axes: Preprocessing  # principal axes of the ranks
    diffusion: Diffusion
    paths: np.ndarray  # [U, C] float32, coordinates of the rows of the walk
    totals: np.ndarray  # [2, C + 1], total scale of the first 0 ... C coordinates: walk, paths


def fit_views(
    rows: np.ndarray, kind: Kind, dimensions: int, *, standardize: bool = True
) -> tuple[TableViews, NeighborGraph, np.ndarray]:
    """Fit all views.

    Args:
      rows: ``[N, D]`` float64, finite; a few hundred.
      kind: of the principal axes.
      dimensions: width of every view.
      standardize: give every column the same variance first.

    Returns:
      The views, the graph of the rows, and ``[N, N]`` minimax distances.

    Example:
      >>> rows = np.random.default_rng(0).normal(size=(40, 3))
      >>> views, graph, distances = fit_views(rows, "robust", 4)
      >>> [apply_view(views, view, rows, num_clusters=2).shape for view in VIEWS]
      [(40, 4), (40, 4), (40, 4), (40, 4)]
    """
    principal = fit_table_preprocessing(rows, kind, dimensions, standardize=standardize)
    columns = fit_table_preprocessing(rows, "columns", dimensions, standardize=standardize)
    scaled = scale_columns(columns, rows)
    order = column_order(scaled)
    ranks = fit_ranks(scaled)
    rank_axes = fit_table_preprocessing(apply_ranks(ranks, scaled), "principal", dimensions)
    graph = neighbor_graph(scaled[:, order])
    gaps = minimax_distances(graph.rows, graph.counts)
    diffusion = fit_diffusion(graph, dimensions)
    paths = fit_paths(gaps, graph.counts, dimensions)
    share = graph.counts / graph.counts.sum()
    variances = share @ np.stack([diffusion.coordinates, paths]).astype(np.float64) ** 2
    totals = np.sqrt(np.pad(np.cumsum(variances, axis=1), ((0, 0), (1, 0))))
    views = TableViews(principal, columns, order, ranks, rank_axes, diffusion, paths, totals)
    return views, graph, gaps[np.ix_(graph.of, graph.of)]


def apply_view(
    views: TableViews, view: View, rows: np.ndarray, num_clusters: int | None
) -> np.ndarray:
    """Rows in one view.

    Args:
      views: fitted.
      view: its name.
      rows: ``[n, D]``.
      num_clusters: k; the walk and the paths have k - 1 coordinates, and zeros. ``None``: all.

    Returns:
      ``[n, dimensions]`` float32.
    """
    if view == "principal":
        return apply_preprocessing(views.principal, rows, views.paths.shape[1])
    if view == "ranks":
        return ranks_of(views, rows)
    number = _BY_NUMBER.index(view)
    return _first(by_neighbors(views, rows)[number], views.totals[number], num_clusters)


def ranks_of(views: TableViews, rows: np.ndarray) -> np.ndarray:
    """``[n, dimensions]`` float32, rows on the principal axes of the ranks."""
    ranks = apply_ranks(views.ranks, scale_columns(views.columns, rows))
    return apply_preprocessing(views.rank_axes, ranks, views.paths.shape[1])


def by_neighbors(views: TableViews, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``[n, C]`` float32 twice, all coordinates of the walk and of the paths, before they are
    scaled: those of the nearest rows."""
    scaled = scale_columns(views.columns, rows)[:, views.order]
    both = np.concatenate([views.diffusion.coordinates, views.paths], axis=1)
    found = apply_diffusion(views.diffusion._replace(coordinates=both), scaled)
    walk, paths = np.split(found, 2, axis=1)
    return walk, paths


def _first(found: np.ndarray, totals: np.ndarray, num_clusters: int | None) -> np.ndarray:
    """The first k - 1 coordinates over their total scale, and zeros; ``[n, C]``."""
    width = found.shape[1]
    count = width if num_clusters is None else min(num_clusters - 1, width)
    total = totals[count]
    kept = fit_width(found[:, :count], width)
    return (kept / (total if total > 0 else 1)).astype(np.float32)
