"""Views of a table: the preprocessings in which one learner reads it.

``"principal"``: principal axes of clipped columns; clusters are clouds. ``"diffusion"``:
coordinates of a random walk on the graph of nearest neighbors; clusters are what many short steps
connect. Both map each row by itself, so a new row gets the coordinates that it would have had.
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
from l2c_jax.preprocessing.principal import (
    Kind,
    Preprocessing,
    apply_preprocessing,
    column_order,
    fit_table_preprocessing,
    scale_columns,
)

View: TypeAlias = Literal["principal", "diffusion"]
VIEWS: tuple[View, ...] = ("principal", "diffusion")


class TableViews(NamedTuple):
    """Both views of one table, fitted; a pytree of NumPy arrays."""

    principal: Preprocessing
    columns: Preprocessing  # scaled columns, where neighbors are searched
    order: np.ndarray  # [D], columns in an order that does not depend on the table's
    diffusion: Diffusion
    totals: np.ndarray  # [C + 1], total scale of the first 0 ... C coordinates


def fit_views(
    rows: np.ndarray, kind: Kind, dimensions: int, *, standardize: bool = True
) -> tuple[TableViews, NeighborGraph]:
    """Fit both views.

    Args:
      rows: ``[N, D]`` float64, finite; a few hundred.
      kind: of the principal axes.
      dimensions: width of both views.
      standardize: give every column the same variance first.

    Returns:
      The views, and the graph of the rows.

    Example:
      >>> rows = np.random.default_rng(0).normal(size=(40, 3))
      >>> views, graph = fit_views(rows, "robust", 4)
      >>> [apply_view(views, view, rows, num_clusters=2).shape for view in VIEWS]
      [(40, 4), (40, 4)]
    """
    principal = fit_table_preprocessing(rows, kind, dimensions, standardize=standardize)
    columns = fit_table_preprocessing(rows, "columns", dimensions, standardize=standardize)
    scaled = scale_columns(columns, rows)
    order = column_order(scaled)
    graph = neighbor_graph(scaled[:, order])
    diffusion = fit_diffusion(graph, dimensions)
    share = graph.counts / graph.counts.sum()
    variances = share @ diffusion.coordinates.astype(np.float64) ** 2
    totals = np.sqrt(np.concatenate([[0.0], np.cumsum(variances)]))
    return TableViews(principal, columns, order, diffusion, totals), graph


def apply_view(
    views: TableViews, view: View, rows: np.ndarray, num_clusters: int | None
) -> np.ndarray:
    """Rows in one view.

    Args:
      views: fitted.
      view: its name.
      rows: ``[n, D]``.
      num_clusters: k; the diffusion view has k - 1 coordinates, and zeros. ``None``: all.

    Returns:
      ``[n, dimensions]`` float32.
    """
    if view == "principal":
        dimensions = views.diffusion.coordinates.shape[1]
        return apply_preprocessing(views.principal, rows, dimensions)
    found = diffusion_of(views, rows)
    return first_of(views, found, num_clusters)


def diffusion_of(views: TableViews, rows: np.ndarray) -> np.ndarray:
    """``[n, C]`` float32, all coordinates of the walk, before they are scaled."""
    scaled = scale_columns(views.columns, rows)[:, views.order]
    return apply_diffusion(views.diffusion, scaled)


def first_of(views: TableViews, found: np.ndarray, num_clusters: int | None) -> np.ndarray:
    """The first k - 1 coordinates over their total scale, and zeros; ``[n, C]``."""
    width = found.shape[1]
    count = width if num_clusters is None else min(num_clusters - 1, width)
    total = views.totals[count]
    kept = fit_width(found[:, :count], width)
    return (kept / (total if total > 0 else 1)).astype(np.float32)
