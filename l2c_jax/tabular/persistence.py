r"""Prominence of the modes of a cloud of points: persistence of single linkage.

Points are merged in the order of their mutual reachability (Campello, Moulavi & Sander 2013)

.. math:: r(x, y) = \max(|x - y|,\; c(x),\; c(y)),

with :math:`c(x)` the distance to the k-th neighbor of :math:`x`. Where two groups merge at
height :math:`h`, the group with the larger least :math:`c` ends there, with the prominence
:math:`\log h - \log \min c`: how far the density decreases from its mode to the merge.
"""

import jax
import jax.numpy as jnp

from l2c_jax.types import Array

NEAREST = 0.02
"""Least distance, of points whose total variance is 1: equal points are not infinitely dense."""
_NEVER = 1e9


def mode_prominences(points: Array, mask: Array, *, neighbors: int, most: int) -> Array:
    """The most prominent modes except for the densest, and the shares of their points.

    Args:
      points: ``[N, D]``, of a total variance of about 1.
      mask: ``[N]`` bool.
      neighbors: k; the density at a point is measured by the distance to its k-th neighbor.
      most: T, how many modes to return.

    Returns:
      ``[2, T]``: prominences in decreasing order; and for each the share of the points on the
      smaller side of its merge. Zeros where there are fewer modes, and for at most k points.

    Example:
      >>> import jax.numpy as jnp
      >>> line = jnp.array([0, 0.1, 0.2, 0.3, 1, 1.1, 1.2, 1.3])[:, None]
      >>> found = mode_prominences(line, jnp.ones(8, bool), neighbors=1, most=2)
      >>> [f"{number:.2f}" for number in found.ravel()]
      ['1.95', '0.00', '0.50', '0.00']
    """
    size = len(points)
    most_here, nearest = min(most, size), min(neighbors, size - 1)
    square = ((points[:, None] - points[None]) ** 2).sum(axis=-1)
    away = jnp.maximum(jnp.sqrt(square), NEAREST)
    away = jnp.where(mask[:, None] & mask[None], away, _NEVER)
    core = -jax.lax.top_k(-away, nearest + 1)[0][:, nearest]
    reach = jnp.maximum(away, jnp.maximum(core[:, None], core[None]))
    order, height = _joined(reach, jnp.argmin(core))
    core, real = core[order], mask[order]

    # Merge t lies between places t - 1 and t; its sides reach to the next higher merges.
    place = jnp.arange(size)
    before, after = place[None] < place[:, None], place[None] > place[:, None]
    ends = jnp.where(before & (height[None] >= height[:, None]), place[None], 0).max(axis=1)
    stops = jnp.where(after & (height[None] > height[:, None]), place[None], size).min(axis=1)
    left = before & (place[None] >= ends[:, None])
    right = ~before & (place[None] < stops[:, None])
    densest = [jnp.where(side, core[None], jnp.inf).min(axis=1) for side in (left, right)]
    held = [(side & real[None]).sum(axis=1) for side in (left, right)]
    prominence = jnp.log(height) - jnp.log(jnp.maximum(*densest))
    counts = real & (place > 0) & (height < _NEVER)
    prominence = jnp.where(counts, jnp.maximum(prominence, 0), 0)
    largest, at = jax.lax.top_k(prominence, most_here)
    points_held, size_real = jnp.minimum(*held)[at], jnp.maximum(mask.sum(), 1)
    share = points_held.astype(largest.dtype) / size_real.astype(largest.dtype)
    share = jnp.where(largest > 0, share, 0)
    return jnp.pad(jnp.stack([largest, share]), ((0, 0), (0, most - most_here)))


def _joined(reach: Array, first: Array) -> tuple[Array, Array]:
    """Prim's algorithm: points ``[N]`` in the order in which they join, and at which distance."""
    size = len(reach)

    def step(state: tuple[Array, Array, Array], _: None) -> tuple[tuple, tuple[Array, Array]]:
        near, joined, current = state
        joined = joined.at[current].set(True)
        near = jnp.minimum(near, reach[current])
        open_ = jnp.where(joined, jnp.inf, near)
        following = jnp.argmin(open_)
        return (near, joined, following), (following, open_[following])

    begin = (jnp.full(size, jnp.inf, reach.dtype), jnp.zeros(size, bool), first)
    _, (order, height) = jax.lax.scan(step, begin, None, length=size - 1)
    order = jnp.concatenate([first[None], order])
    return order, jnp.concatenate([jnp.full(1, jnp.inf, reach.dtype), height])
