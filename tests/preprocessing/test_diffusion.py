"""Coordinates of a random walk: against a dense float64 oracle, and as laws."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from l2c_jax.preprocessing.diffusion import (
    CYCLE,
    LIMIT,
    POWER,
    apply_diffusion,
    diffusion_coordinates,
    first_coordinates,
    fit_diffusion,
    nearest,
    neighbor_graph,
)

RNG = np.random.default_rng(0)


def rings(size=60, seed=0):
    angle = 2 * np.pi * np.random.default_rng(seed).uniform(size=2 * size)
    radius = np.repeat([1.0, 4.0], size)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def oracle(rows, count):
    """The equations of the module, by dense matrices; sorted rows, all different."""
    size = len(rows)
    square = ((rows[:, None] - rows[None]) ** 2).sum(axis=2)
    np.fill_diagonal(square, np.inf)
    near = np.argsort(square, axis=1)[:, :10]
    scale = np.sqrt(np.sort(square, axis=1)[:, 5])
    weights = np.zeros((size, size))
    for i in range(size):
        for j in near[i]:
            weights[i, j] = np.exp(-square[i, j] / (scale[i] * scale[j]))
    weights = np.maximum(weights, weights.T)
    for i in range(size):
        weights[i, (i + 1) % size] += CYCLE
        weights[(i + 1) % size, i] += CYCLE
    values, vectors = np.linalg.eig(weights / weights.sum(axis=1, keepdims=True))
    order = np.argsort(-values.real)[1 : count + 1]
    found = vectors.real[:, order]
    found = (found - found.mean(axis=0)) / found.std(axis=0)
    found *= np.where((found**3).sum(axis=0) < 0, -1, 1)
    return np.clip(found, -LIMIT, LIMIT) * values.real[order] ** POWER


def lexicographic(rows):
    return rows[np.lexsort(rows.T[::-1])]


@pytest.mark.parametrize("size", [30, 45])
def test_the_host_agrees_with_the_equations(size):
    rows = lexicographic(RNG.normal(size=(2 * size, 3)) + np.repeat([0, 4], size)[:, None])
    graph = neighbor_graph(rows)
    found = apply_diffusion(fit_diffusion(graph, 4), rows)
    np.testing.assert_allclose(found, oracle(rows, 4), atol=2e-3)  # stored in float32


def test_a_task_gets_the_coordinates_that_a_table_gets():
    rows = lexicographic(RNG.normal(size=(90, 3)))
    mask = np.arange(100) < 90
    padded = np.zeros((100, 3), np.float32)
    padded[:90] = rows
    inside = jax.jit(diffusion_coordinates, static_argnums=2)(padded, mask, 3)
    host = apply_diffusion(fit_diffusion(neighbor_graph(rows), 3), rows)
    np.testing.assert_allclose(inside[:90], host, atol=0.02)  # an iteration in float32
    assert not np.asarray(inside[90:]).any()


def test_the_first_coordinate_tells_rings_apart():
    rows = rings()
    walk = fit_diffusion(neighbor_graph(rows), 1)
    inner, outer = np.split(apply_diffusion(walk, rows)[:, 0], 2)
    assert inner.max() < outer.min() or outer.max() < inner.min()
    fresh = apply_diffusion(walk, rings(seed=1))[:, 0]
    assert (np.sign(fresh[:60]) == np.sign(inner[0])).all()
    assert (np.sign(fresh[60:]) == np.sign(outer[0])).all()


def test_equal_rows_are_one_node():
    rows = np.repeat(np.array([[0.0, 0], [1, 0], [0, 1], [5, 5], [6, 5], [5, 6]]), 7, axis=0)
    graph = neighbor_graph(rows)
    assert graph.counts.tolist() == [7] * 6
    found = apply_diffusion(fit_diffusion(graph, 2), rows)
    assert len(np.unique(found, axis=0)) == 6


@pytest.mark.parametrize(
    "rows",
    [np.zeros((5, 2)), np.array([[0.0], [1.0]]), np.array([[0.0], [1.0], [1.0]]), np.eye(3)],
    ids=["equal", "two", "two different", "three"],
)
def test_degenerate_tables_get_finite_coordinates(rows):
    found = apply_diffusion(fit_diffusion(neighbor_graph(rows), 4), rows)
    assert found.shape == (len(rows), 4)
    assert np.isfinite(found).all()


def test_parts_without_a_path_between_them_are_told_apart():
    rows = np.concatenate([RNG.normal(size=(40, 2)), RNG.normal(size=(40, 2)) + 1e6])
    found = apply_diffusion(fit_diffusion(neighbor_graph(rows), 1), rows)[:, 0]
    assert len(np.unique(np.sign(found[:40]))) == len(np.unique(np.sign(found[40:]))) == 1
    assert np.sign(found[0]) != np.sign(found[-1])


def test_nearest_against_all_distances():
    rows, others = RNG.normal(size=(7, 3)), RNG.normal(size=(30, 3))
    index, square = nearest(rows, others, 4)
    every = ((rows[:, None] - others[None]) ** 2).sum(axis=2)
    np.testing.assert_array_equal(index, np.argsort(every, axis=1)[:, :4])
    np.testing.assert_allclose(square, np.sort(every, axis=1)[:, :4])


def test_the_first_coordinates_have_a_total_variance_of_one():
    points = RNG.normal(size=(50, 5)).astype(np.float32)
    mask = np.arange(50) < 40
    for kept in (1, 3):
        found = first_coordinates(points, mask, kept)
        np.testing.assert_allclose((found[:40] ** 2).sum(axis=1).mean(), 1, rtol=1e-5)
        assert not found[:, kept:].any()
        inside = first_coordinates(jnp.asarray(points), jnp.asarray(mask), kept)
        np.testing.assert_allclose(inside, found, rtol=1e-5)
    assert not first_coordinates(points, mask, 0).any()
