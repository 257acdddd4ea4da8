"""A learner whose clusters are alike: every one has a memory of its own, all share the weights.

The stack of section 3.2 has one state for the whole task and must learn ten times over what to do
with the first, the second, ... the tenth cluster. Here one LSTM cell is run for each cluster, so
that what is learned about one holds for all, and renaming clusters changes nothing but names.
Beside its cell, each cluster keeps the moments of what was given to it, in several views of the
points. A point is scored first, by what the clusters remember; then all of them read it,
together with the shares of it that the scores give them: the feedback of the printed learner.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from l2c_jax.recurrent.lstm import LayerParams, LayerState, init_layer, update
from l2c_jax.types import Array, Key

LINEAR, BENT = 16, 8
"""Views of a point besides its coordinates: random directions at first, then learned ones, and
the same through a tanh. V = D + LINEAR + BENT of them in all."""
CHANNELS = 32
"""C, hidden units of the score."""
_MASKED = -1e9


class AlikeParams(NamedTuple):
    """Weights that all clusters share, and where each of them starts."""

    linear: Array  # [D, LINEAR]
    bent: Array  # [D, BENT]
    bent_bias: Array  # [BENT]
    layer: LayerParams  # the cell; reads C + 3 inputs of one cluster, then V + 2 + 2H of the task
    start: Array  # [K, H], cell states before anything was read: the clusters differ here alone
    compare: Array  # [3V + H, C], from what a cluster makes of the point ...
    compare_point: Array  # [V, C], ... and from the point itself
    compare_mass: Array  # [C]
    compare_bias: Array  # [C]
    score: Array  # [C]
    density: Array  # [V], weights of the views' log-densities in the score
    prior: Array  # [], weight of the logarithm of the mass
    first_mass: Array  # [], logarithm of the weight that the first variance has
    first_variance: Array  # [V], logarithms
    write: Array  # [H, 2], how much of a point is added to the moments, how much of them is kept
    write_bias: Array  # [2]


class AlikeCarry(NamedTuple):
    """What the clusters of one task remember."""

    state: LayerState  # [K, H] each
    mass: Array  # [K], points that were added
    mean: Array  # [K, V], of their views
    scatter: Array  # [K, V], sums of squared deviations from it


def init_alike(key: Key, dimensions: int, hidden: int, num_clusters: int) -> AlikeParams:
    """Random parameters, under which clusters are scored by a rough Gaussian density.

    Args:
      key: consumed.
      dimensions: D.
      hidden: H, units of the cell.
      num_clusters: K.

    Returns:
      The parameters, float32.
    """
    keys = jax.random.split(key, 9)
    views = dimensions + LINEAR + BENT
    glorot = jax.nn.initializers.glorot_uniform()
    linear = jax.random.normal(keys[0], (dimensions, LINEAR))
    return AlikeParams(
        linear=linear / jnp.sqrt((linear**2).sum(axis=0, keepdims=True)),
        bent=3 / dimensions**0.5 * jax.random.normal(keys[1], (dimensions, BENT)),
        bent_bias=0.5 * jax.random.normal(keys[2], (BENT,)),
        layer=init_layer(keys[3], CHANNELS + 3 + views + 2 + 2 * hidden, hidden),
        start=0.5 * jax.random.normal(keys[4], (num_clusters, hidden)),
        compare=glorot(keys[5], (3 * views + hidden, CHANNELS)),
        compare_point=glorot(keys[6], (views, CHANNELS)),
        compare_mass=jnp.zeros(CHANNELS),
        compare_bias=jnp.zeros(CHANNELS),
        score=0.3 * glorot(keys[7], (CHANNELS, 1))[:, 0],
        density=jnp.full(views, 0.5 * dimensions / views),
        prior=jnp.asarray(0.5),
        first_mass=jnp.asarray(0.0),
        first_variance=jnp.full(views, jnp.log(0.1 / dimensions)),
        write=0.1 * glorot(keys[8], (hidden, 2)),
        write_bias=jnp.array([0.0, 5.0]),
    )


def clear_alike(params: AlikeParams) -> AlikeCarry:
    """Nothing was read yet: cells at their learned start, no mass."""
    clusters, views = params.start.shape[0], params.density.shape[0]
    nothing = jnp.zeros((clusters, views), params.start.dtype)
    start = LayerState(0.5 * jnp.tanh(params.start), params.start)
    return AlikeCarry(start, nothing[:, 0], nothing, nothing)


def step_alike(params: AlikeParams, carry: AlikeCarry, point: Array) -> tuple[AlikeCarry, Array]:
    """Score one point, then read it.

    Args:
      params: the learner.
      carry: what the clusters remember.
      point: ``[D]``, or ``[D + K]`` with a one-hot number of clusters, zeros if it is not told.

    Returns:
      The new carry, and the logits ``[K]``; clusters beyond the number told have -1e9.
    """
    dimensions = params.linear.shape[0]
    clusters = params.start.shape[0]
    point, told = point[:dimensions], point[dimensions:]
    known = told.sum()
    allowed = jnp.ones(clusters, point.dtype)
    if told.size:  # cluster j is there if the number is j + 1 or more, or not known
        allowed = jnp.cumsum(told[::-1])[::-1] + (1 - known)
    views = _views(params, point)
    seen, score = _compare(params, carry, views)
    score = jnp.where(allowed > 0.5, score, _MASKED)
    share = jax.nn.softmax(score)

    state, count = carry.state, allowed.sum()
    winner, everyone = share @ state.hidden, allowed @ state.hidden / count
    of_task = jnp.concatenate([views, jnp.stack([count / clusters, known]), winner, everyone])
    log_share = jnp.maximum(jax.nn.log_softmax(score) / 5, -3)
    own = jnp.stack([share, log_share, jnp.log1p(carry.mass) / 3], axis=1)
    own = jnp.concatenate([seen, own], axis=1)  # [K, C + 3]
    kernel = params.layer.input_kernel  # [C + 3 + ..., 4H]; of the task: one product, not K
    gates = own @ kernel[: own.shape[1]] + state.hidden @ params.layer.recurrent_kernel
    of_all = of_task @ kernel[own.shape[1] :] + params.layer.bias
    state = update(gates + of_all[None, :], state)

    add, keep = jnp.split(
        jax.nn.sigmoid(state.hidden @ params.write + params.write_bias[None, :]), 2, axis=1
    )
    weight = 2 * add * share[:, None]  # [K, 1]
    mass = keep * carry.mass[:, None] + weight
    before = views[None, :] - carry.mean
    mean = carry.mean + weight / jnp.maximum(mass, 1e-4) * before
    scatter = keep * carry.scatter + weight * before * (views[None, :] - mean)
    return AlikeCarry(state, mass[:, 0], mean, scatter), score


def _views(params: AlikeParams, point: Array) -> Array:
    """``[V]``: coordinates, directions, bent directions."""
    bent = jnp.tanh(point @ params.bent + params.bent_bias)
    return jnp.concatenate([point, point @ params.linear, bent])


def _compare(params: AlikeParams, carry: AlikeCarry, views: Array) -> tuple[Array, Array]:
    """What each cluster makes of a point, ``[K, C]``, and its logits ``[K]``."""
    first = jnp.exp(params.first_mass)
    mass = carry.mass[:, None]
    first_scatter = first * jnp.exp(params.first_variance)[None, :]
    variance = (carry.scatter + first_scatter) / (mass + first)
    off = views[None, :] - carry.mean * (mass / (mass + 0.02))
    squared, log_variance = off**2 / variance, jnp.log(variance) + 3
    signed = jnp.clip(off * jax.lax.rsqrt(variance), -4, 4)
    seen = jnp.concatenate([jnp.log1p(squared), signed, log_variance, carry.state.hidden], axis=1)
    of_all = views @ params.compare_point + params.compare_bias
    of_mass = jnp.log1p(mass) * params.compare_mass[None, :]
    channels = jax.nn.gelu(seen @ params.compare + of_mass + of_all[None, :])
    log_density = -0.5 * (jnp.clip(squared, 0, 40) + log_variance) @ params.density
    log_prior = params.prior * jnp.log(carry.mass + 0.1)
    return channels, channels @ params.score + log_density + log_prior
