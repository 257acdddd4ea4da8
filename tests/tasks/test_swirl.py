"""Swirls, against the formula of section 4.1 in NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from l2c_jax.tasks.swirl import draw_swirls, swirl, unswirl

PLANES = np.array([[0, 1], [3, 1], [2, 0]])
WIDTHS = np.array([1.5, 0.7, 3.0])
POINTS = np.random.default_rng(0).normal(size=(20, 4)) * 2
over_points = jax.jit(jax.vmap(swirl, (0, None, None)))


def by_formula(point: np.ndarray) -> np.ndarray:
    point = point.copy()
    for (p, q), width in zip(PLANES, WIDTHS, strict=True):
        angle = np.pi * np.hypot(point[p], point[q]) / width
        point[p], point[q] = (
            np.cos(angle) * point[p] + np.sin(angle) * point[q],
            -np.sin(angle) * point[p] + np.cos(angle) * point[q],
        )
    return point


def swirled(points: np.ndarray = POINTS) -> jax.Array:
    return over_points(points.astype(np.float32), PLANES, WIDTHS.astype(np.float32))


def test_swirl_is_the_printed_formula():
    np.testing.assert_allclose(swirled(), [by_formula(point) for point in POINTS], atol=2e-4)


def test_unswirl_undoes_swirl():
    back = jax.jit(jax.vmap(unswirl, (0, None, None)))(
        swirled(), PLANES, WIDTHS.astype(np.float32)
    )
    np.testing.assert_allclose(back, POINTS, atol=2e-4)


def test_swirl_keeps_the_distance_from_the_origin():
    radius = np.linalg.norm(POINTS, axis=1)
    np.testing.assert_allclose(jnp.linalg.norm(swirled(), axis=1), radius, rtol=1e-5)


def test_swirl_preserves_volume():
    points = POINTS.astype(np.float32)
    jacobian = jax.jit(jax.vmap(jax.jacobian(swirl), (0, None, None)))(
        points, PLANES, WIDTHS.astype(np.float32)
    )
    np.testing.assert_allclose(np.abs(np.linalg.det(jacobian)), 1, rtol=1e-3)


def test_origin_stays_where_it_is():
    np.testing.assert_array_equal(swirled(np.zeros((1, 4))), 0)


def test_coordinates_outside_the_plane_are_untouched():
    point = POINTS[0].astype(np.float32)
    found = jax.jit(swirl)(point, np.array([[3, 1]]), np.array([1.0], np.float32))
    np.testing.assert_array_equal(found[jnp.array([0, 2])], point[[0, 2]])


def test_no_swirl_is_the_identity():
    point = jnp.array([1.0, 2.0])
    empty = swirl(point, jnp.zeros((0, 2), jnp.int32), jnp.zeros(0))
    np.testing.assert_array_equal(empty, point)


@jax.jit
def drawn(dimensions):
    """The coordinates to choose from may be traced: one program for all."""
    return draw_swirls(jax.random.key(0), 100, dimensions, 5, alpha_r=1.0, beta_r=2.0)


@pytest.mark.parametrize("dimensions", [2, 3, 7])
def test_drawn_planes_are_two_different_coordinates_and_every_one_occurs(dimensions):
    swirls = drawn(dimensions)
    p, q = np.array(swirls.planes).reshape(-1, 2).T
    assert (p != q).all()
    assert set(zip(p.tolist(), q.tolist(), strict=True)) == {
        (i, j) for i in range(dimensions) for j in range(dimensions) if i != j
    }


def test_drawn_widths_lie_in_their_range():
    widths = drawn(2).widths
    assert widths.shape == (100, 5)
    assert 1.0 <= widths.min() < 1.1
    assert 2.9 < widths.max() <= 3.0
