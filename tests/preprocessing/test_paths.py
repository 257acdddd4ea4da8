"""Path distances: against a search over paths, and the same for a drawn task."""

import jax
import numpy as np
import pytest
from scipy.spatial.distance import pdist, squareform

from l2c_jax.preprocessing.diffusion import neighbor_graph
from l2c_jax.preprocessing.paths import CORE, STEPS, fit_paths, minimax_distances, path_coordinates

RNG = np.random.default_rng(0)
ROWS = np.concatenate([RNG.normal(size=(30, 2)), RNG.normal(size=(10, 2)) + 12])

ONE_EACH = np.ones(len(ROWS))


def searched(rows):
    apart = squareform(pdist(rows))
    core = np.sort(apart, axis=1)[:, CORE]
    reach = np.maximum(apart, np.maximum(core[:, None], core[None]))
    np.fill_diagonal(reach, 0)
    for node in range(len(rows)):
        reach = np.minimum(reach, np.maximum(reach[:, node, None], reach[None, node]))
    place = list(range(len(rows)))
    for row in range(len(rows)):
        for _ in range(STEPS):
            near = sorted(range(len(rows)), key=lambda j: apart[place[row], j])[: CORE + 1]
            place[row] = min(near, key=lambda j: core[j])
    return reach[np.ix_(place, place)]


def test_minimax_distances_against_a_search():
    np.testing.assert_allclose(minimax_distances(ROWS, ONE_EACH), searched(ROWS))


def test_equal_rows_count_as_often_as_they_are_there():
    rows = np.concatenate([ROWS, ROWS[:2], ROWS[30:31], np.full((4, 2), 40.0)])
    graph = neighbor_graph(rows)
    found = minimax_distances(graph.rows, graph.counts)[np.ix_(graph.of, graph.of)]
    np.testing.assert_allclose(found, searched(rows))
    assert found[-1, :-4].min() > 20  # four equal rows far away are a place of their own


def test_a_row_far_away_takes_the_place_of_its_neighbors():
    distances = minimax_distances(np.concatenate([ROWS, [[0.0, 1e6]]]), np.ones(41))
    assert distances.max() < 20


def test_all_coordinates_give_back_the_distances():
    distances = minimax_distances(ROWS, ONE_EACH)
    places = fit_paths(distances, np.ones(40), 39).astype(float)
    np.testing.assert_allclose(squareform(pdist(places)), distances / distances.max(), atol=1e-3)


def test_a_gap_parts_the_first_coordinate():
    place = fit_paths(minimax_distances(ROWS, ONE_EACH), np.ones(40), 3)[:, 0]
    within = max(np.ptp(place[:30]), np.ptp(place[30:]))
    assert abs(place[:30].mean() - place[30:].mean()) > 4 * within


@pytest.mark.parametrize("rows", [ROWS, np.concatenate([ROWS, ROWS[:7], ROWS[:2]]), ROWS[:3]])
def test_a_task_gets_the_coordinates_that_a_table_gets(rows):
    graph = neighbor_graph(rows)
    on_host = fit_paths(minimax_distances(graph.rows, graph.counts), graph.counts, 2)[graph.of]
    padded, mask = np.zeros((60, 2), np.float32), np.arange(60) < len(rows)
    padded[: len(rows)] = rows
    drawn = np.asarray(jax.jit(path_coordinates, static_argnums=2)(padded, mask, 2))
    assert not drawn[len(rows) :].any()
    drawn = drawn[: len(rows)]
    assert np.any(drawn) == np.any(on_host)
    scale = (on_host**2).sum() / max((drawn**2).sum(), 1e-9)
    np.testing.assert_allclose(scale * drawn @ drawn.T, on_host @ on_host.T, atol=2e-3)


def test_one_row_and_equal_rows_are_one_place():
    assert minimax_distances(np.ones((1, 2)), np.ones(1)).tolist() == [[0.0]]
    assert fit_paths(np.zeros((1, 1)), np.array([5]), 3).tolist() == [[0.0, 0.0, 0.0]]
