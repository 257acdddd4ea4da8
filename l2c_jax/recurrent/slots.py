r"""One LSTM cell per cluster, all with the same weights (ours): the architecture "slots".

The stack of section 3.2 has one state for the whole task, and its K outputs have weights of their
own. Here K slots, one for each cluster, share all weights, so that a permutation of the clusters
permutes the output. Slot :math:`k` has an LSTM state :math:`(h_k, c_k)` and running moments of
the points that were assigned to it: a count :math:`n_k`, means :math:`m_k` and sums of squared
deviations :math:`q_k` of the features

.. math:: \phi(x) = [x,\; x W_{lin},\; \tanh(x W_{tanh} + b_{tanh})] \in R^F.

**Score.** With the pooled variance :math:`v_k = (q_k + n_0 v_0) / (n_k + n_0)` and the deviation
:math:`\delta_k = \phi(x) - m_k\, n_k / (n_k + .02)`, slot :math:`k` has the channels and the logit

.. math::
    e_k &= \mathrm{gelu}(W_e [\log(1 + \delta_k^2 / v_k),\, \delta_k / \sqrt{v_k},\,
           \log v_k + 3,\, h_k] + W_x \phi(x) + w_n \log(1 + n_k) + b_e) \\
    a_k &= w^T e_k - \tfrac12 w_d^T (\delta_k^2 / v_k + \log v_k + 3) + w_p \log(n_k + .1)

so that before training the logit is a rough Gaussian log-density. Ratios are clipped:
:math:`\delta_k^2 / v_k` at 40 in the second line, :math:`\delta_k / \sqrt{v_k}` at 4.

**Update.** With responsibilities :math:`r = \mathrm{softmax}(a)` and :math:`K'` slots in use,

.. math::
    (h_k, c_k) &\leftarrow \mathrm{LSTM}([e_k,\, r_k,\, \log(r_k) / 5,\, \log(1 + n_k) / 3,\,
        \phi(x),\, K' / K,\, \kappa,\, \textstyle\sum_j r_j h_j,\,
        \sum_j h_j / K'],\, (h_k, c_k)) \\
    (\alpha_k, \beta_k) &= \sigma(W_w h_k + b_w), \qquad \omega_k = 2 \alpha_k r_k \\
    n_k &\leftarrow \beta_k n_k + \omega_k, \qquad
    m_k \leftarrow m_k + \omega_k / n_k \, (\phi(x) - m_k) \\
    q_k &\leftarrow \beta_k q_k + \omega_k (\phi(x) - m_k)(\phi(x) - m_k^{new})

where :math:`\kappa` is 1 if the number of clusters is given. Responsibilities are the feedback of
the paper's architecture.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from l2c_jax.recurrent.config import Cell, ModelConfig
from l2c_jax.recurrent.lstm import LayerParams, LayerState, apply_gates, init_layer
from l2c_jax.types import Array, Key

LINEAR_FEATURES, TANH_FEATURES = 16, 8
"""Features of a point besides its coordinates: linear ones, and through a tanh.
F = D + LINEAR_FEATURES + TANH_FEATURES in all."""
CHANNELS = 32
"""C, hidden units of the score."""
_MASKED = -1e9


class SlotParams(NamedTuple):
    """Weights that all slots share, and the initial state of each."""

    linear_kernel: Array  # [D, LINEAR_FEATURES], W_lin
    tanh_kernel: Array  # [D, TANH_FEATURES], W_tanh
    tanh_bias: Array  # [TANH_FEATURES]
    layer: LayerParams  # the cell; inputs: C + 3 of the slot, then F + 2 + 2H of the task
    initial_cell: Array  # [K, H], cell states before the first point; the slots differ here alone
    compare_kernel: Array  # [3F + H, C], W_e
    compare_point_kernel: Array  # [F, C], W_x
    compare_count_kernel: Array  # [C], w_n
    compare_bias: Array  # [C]
    score_kernel: Array  # [C], w
    density_weights: Array  # [F], w_d
    log_count_weight: Array  # [], w_p
    log_prior_count: Array  # [], log n_0
    log_prior_variance: Array  # [F], log v_0
    write_kernel: Array  # [H, 2], W_w
    write_bias: Array  # [2]


class SlotCarry(NamedTuple):
    """State of the K slots of one task."""

    state: LayerState  # [K, H] each
    counts: Array  # [K], n
    means: Array  # [K, F], m
    sum_sq_dev: Array  # [K, F], q


def init_slots(key: Key, config: ModelConfig) -> SlotParams:
    """Random parameters, with logits that are rough Gaussian log-densities.

    Args:
      key: consumed.
      config: D, K and H = ``config.hidden[0]``.

    Returns:
      The parameters, float32.
    """
    keys = jax.random.split(key, 9)
    dimensions, hidden = config.dimensions, config.hidden[0]
    features = dimensions + LINEAR_FEATURES + TANH_FEATURES
    glorot = jax.nn.initializers.glorot_uniform()
    linear = jax.random.normal(keys[0], (dimensions, LINEAR_FEATURES))
    return SlotParams(
        linear_kernel=linear / jnp.sqrt((linear**2).sum(axis=0, keepdims=True)),
        tanh_kernel=3 / dimensions**0.5 * jax.random.normal(keys[1], (dimensions, TANH_FEATURES)),
        tanh_bias=0.5 * jax.random.normal(keys[2], (TANH_FEATURES,)),
        layer=init_layer(keys[3], CHANNELS + 3 + features + 2 + 2 * hidden, hidden),
        initial_cell=0.5 * jax.random.normal(keys[4], (config.num_clusters, hidden)),
        compare_kernel=glorot(keys[5], (3 * features + hidden, CHANNELS)),
        compare_point_kernel=glorot(keys[6], (features, CHANNELS)),
        compare_count_kernel=jnp.zeros(CHANNELS),
        compare_bias=jnp.zeros(CHANNELS),
        score_kernel=0.3 * glorot(keys[7], (CHANNELS, 1))[:, 0],
        density_weights=jnp.full(features, 0.5 * dimensions / features),
        log_count_weight=jnp.asarray(0.5),
        log_prior_count=jnp.asarray(0.0),
        log_prior_variance=jnp.full(features, jnp.log(0.1 / dimensions)),
        write_kernel=0.1 * glorot(keys[8], (hidden, 2)),
        write_bias=jnp.array([0.0, 5.0]),
    )


def clear_slots(params: SlotParams, config: ModelConfig) -> SlotCarry:
    """The carry before the first point: learned initial cells, counts of 0."""
    clusters, features = params.initial_cell.shape[0], params.density_weights.shape[0]
    zeros = jnp.zeros((clusters, features), params.initial_cell.dtype)
    state = LayerState(0.5 * jnp.tanh(params.initial_cell), params.initial_cell)
    return SlotCarry(state, zeros[:, 0], zeros, zeros)


def step_slots(
    params: SlotParams, carry: SlotCarry, point: Array, config: ModelConfig
) -> tuple[SlotCarry, Array]:
    """Score one point, then update the slots; see the module's equations.

    Args:
      params: shared weights.
      carry: state of the slots.
      point: ``[D]``, or with ``config.condition_on_num_clusters`` ``[D + K]``: a one-hot number
        of clusters, zeros if it is unknown.
      config: the learner's shape.

    Returns:
      The new carry, and the logits ``[K]``; slots beyond the given number have -1e9.
    """
    clusters = config.num_clusters
    point, one_hot = point[: config.dimensions], point[config.dimensions :]
    given = one_hot.sum()
    allowed = jnp.ones(clusters, point.dtype)
    if config.condition_on_num_clusters:  # slot j is used if k > j, or if k is unknown
        allowed = jnp.cumsum(one_hot[::-1])[::-1] + (1 - given)
    features = _features(params, point)
    channels, score = _compare(params, carry, features)
    score = jnp.where(allowed > 0.5, score, _MASKED)
    share = jax.nn.softmax(score)

    state, count = carry.state, allowed.sum()
    weighted, mean = share @ state.hidden, allowed @ state.hidden / count
    of_task = jnp.concatenate([features, jnp.stack([count / clusters, given]), weighted, mean])
    log_share = jnp.maximum(jax.nn.log_softmax(score) / 5, -3)
    of_slot = jnp.stack([share, log_share, jnp.log1p(carry.counts) / 3], axis=1)
    of_slot = jnp.concatenate([channels, of_slot], axis=1)  # [K, C + 3]
    width = CHANNELS + 3
    kernel = params.layer.input_kernel  # the task's part is one product instead of K
    gates = of_slot @ kernel[:width] + state.hidden @ params.layer.recurrent_kernel
    shared = of_task @ kernel[width:] + params.layer.bias
    state = apply_gates(gates + shared[None, :], state)
    return _write(params, carry, state, features, share), score


def _write(
    params: SlotParams, carry: SlotCarry, state: LayerState, features: Array, share: Array
) -> SlotCarry:
    """Update the moments with one point's responsibilities."""
    add, keep = jnp.split(
        jax.nn.sigmoid(state.hidden @ params.write_kernel + params.write_bias[None, :]), 2, axis=1
    )
    weight = 2 * add * share[:, None]  # [K, 1]
    counts = keep * carry.counts[:, None] + weight
    before = features[None, :] - carry.means
    means = carry.means + weight / jnp.maximum(counts, 1e-4) * before
    sum_sq_dev = keep * carry.sum_sq_dev + weight * before * (features[None, :] - means)
    return SlotCarry(state, counts[:, 0], means, sum_sq_dev)


def _features(params: SlotParams, point: Array) -> Array:
    """``[F]``: coordinates, linear features, tanh features."""
    through_tanh = jnp.tanh(point @ params.tanh_kernel + params.tanh_bias)
    return jnp.concatenate([point, point @ params.linear_kernel, through_tanh])


def _compare(params: SlotParams, carry: SlotCarry, features: Array) -> tuple[Array, Array]:
    """Channels ``[K, C]`` and logits ``[K]`` of a point."""
    prior_count = jnp.exp(params.log_prior_count)
    counts = carry.counts[:, None]
    prior_sum = prior_count * jnp.exp(params.log_prior_variance)[None, :]
    variance = (carry.sum_sq_dev + prior_sum) / (counts + prior_count)
    off = features[None, :] - carry.means * (counts / (counts + 0.02))
    squared, log_variance = off**2 / variance, jnp.log(variance) + 3
    signed = jnp.clip(off * jax.lax.rsqrt(variance), -4, 4)
    of_slot = jnp.concatenate(
        [jnp.log1p(squared), signed, log_variance, carry.state.hidden], axis=1
    )
    of_point = features @ params.compare_point_kernel + params.compare_bias
    of_count = jnp.log1p(counts) * params.compare_count_kernel[None, :]
    channels = jax.nn.gelu(of_slot @ params.compare_kernel + of_count + of_point[None, :])
    log_density = -0.5 * (jnp.clip(squared, 0, 40) + log_variance) @ params.density_weights
    log_prior = params.log_count_weight * jnp.log(carry.counts + 0.1)
    return channels, channels @ params.score_kernel + log_density + log_prior


SLOTS = Cell(init_slots, clear_slots, step_slots)
"""One cell per cluster with shared weights."""
