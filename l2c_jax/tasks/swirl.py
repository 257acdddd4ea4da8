"""Swirls: rotations about the origin whose angle grows with the radius (section 4.1)."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from l2c_jax.types import Array, Key


class Swirls(NamedTuple):
    """The swirls of one task, applied to cluster ``k`` one after another."""

    planes: Array  # [K, S, 2] int32: the coordinates p and q, never equal
    widths: Array  # [K, S]: k_r, the radius at which the turn is half a circle


def draw_swirls(
    key: Key,
    num_clusters: int,
    dimensions: Array | int,
    count: int,
    *,
    alpha_r: float,
    beta_r: float,
) -> Swirls:
    """Draw planes and widths: per cluster, ``count`` swirls in random coordinate planes.

    Args:
      key: consumed.
      num_clusters: K.
      dimensions: how many coordinates to choose from, at least 2 unless ``count`` is 0.
      count: S, swirls per cluster.
      alpha_r: least width :math:`k_r`.
      beta_r: range of the width; :math:`k_r \\sim U(\\alpha_r, \\alpha_r + \\beta_r)`.

    Returns:
      The drawn swirls.
    """
    key_first, key_gap, key_width = jax.random.split(key, 3)
    shape = (num_clusters, count)
    first = jax.random.randint(key_first, shape, 0, dimensions)
    gap = jax.random.randint(key_gap, shape, 1, jnp.maximum(dimensions, 2))
    planes = jnp.stack([first, (first + gap) % dimensions], axis=-1)
    widths = jax.random.uniform(key_width, shape, minval=alpha_r, maxval=alpha_r + beta_r)
    return Swirls(planes, widths)


def _rotate(point: Array, plane: Array, angle_sign: float, width: Array) -> Array:
    pair = point[plane]
    angle = angle_sign * jnp.pi * jnp.linalg.norm(pair) / width
    cos, sin = jnp.cos(angle), jnp.sin(angle)
    rotated = jnp.stack([cos * pair[0] + sin * pair[1], -sin * pair[0] + cos * pair[1]])
    return point.at[plane].set(rotated)


def swirl(point: Array, planes: Array, widths: Array) -> Array:
    """Swirl one point, plane after plane.

    In the plane of coordinates ``p, q``, with :math:`r = \\|(x_p, x_q)\\|` and
    :math:`t = \\pi r / k_r`,
    :math:`\\hat x_p = \\cos t\\,x_p + \\sin t\\,x_q`,
    :math:`\\hat x_q = -\\sin t\\,x_p + \\cos t\\,x_q` (section 4.1).

    Args:
      point: ``[D]``.
      planes: ``[S, 2]`` int, the coordinates p and q of each swirl.
      widths: ``[S]``, :math:`k_r` of each swirl, in units of the data.

    Returns:
      ``[D]``.

    Example:
      >>> import jax.numpy as jnp
      >>> planes, widths = jnp.array([[0, 1]]), jnp.array([2.0])
      >>> quarter_turn = swirl(jnp.array([1.0, 0.0]), planes, widths)
      >>> bool(jnp.allclose(quarter_turn, jnp.array([0.0, -1.0]), atol=1e-6))
      True
    """
    for s in range(planes.shape[0]):
        point = _rotate(point, planes[s], 1.0, widths[s])
    return point


def unswirl(point: Array, planes: Array, widths: Array) -> Array:
    """The inverse of :func:`swirl`: the turns keep radii, so each is undone exactly.

    Args:
      point: ``[D]``.
      planes: ``[S, 2]`` int.
      widths: ``[S]``.

    Returns:
      ``[D]``.
    """
    for s in reversed(range(planes.shape[0])):
        point = _rotate(point, planes[s], -1.0, widths[s])
    return point
