"""The stacked LSTM of the paper (section 3.2, figure 1): one layer, and the stack of them."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from l2c_jax.recurrent.config import Cell, ModelConfig
from l2c_jax.types import Array, Key


class LayerParams(NamedTuple):
    """Weights of one layer; gates lie side by side in the order input, forget, cell, output."""

    input_kernel: Array  # [I, 4H], I the width of the layer's input
    recurrent_kernel: Array  # [H, 4H]
    bias: Array  # [4H]


class LayerState(NamedTuple):
    """State of one layer."""

    hidden: Array  # [H]
    cell: Array  # [H]


class StackedParams(NamedTuple):
    """Weights of the stack."""

    layers: tuple[LayerParams, ...]  # the last one has K units


class StackedCarry(NamedTuple):
    """State of the stack; the previous score is the last layer's hidden state."""

    layers: tuple[LayerState, ...]


def init_layer(key: Key, inputs: int, hidden: int) -> LayerParams:
    """Random weights: Glorot-uniform input, orthogonal recurrence, forget bias 1.

    Args:
      key: consumed.
      inputs: I, width of the layer's input.
      hidden: H, hidden units.

    Returns:
      The layer's parameters, float32.
    """
    key_input, key_recurrent = jax.random.split(key)
    orthogonal = jax.nn.initializers.orthogonal()
    return LayerParams(
        input_kernel=jax.nn.initializers.glorot_uniform()(key_input, (inputs, 4 * hidden)),
        recurrent_kernel=jnp.concatenate(
            [orthogonal(k, (hidden, hidden)) for k in jax.random.split(key_recurrent, 4)], axis=1
        ),
        bias=jnp.zeros(4 * hidden).at[hidden : 2 * hidden].set(1.0),
    )


def zero_state(params: LayerParams) -> LayerState:
    """The state before the first point: ``[H]`` zeros, twice."""
    hidden = params.recurrent_kernel.shape[0]
    return LayerState(
        jnp.zeros(hidden, params.bias.dtype),
        jnp.zeros(hidden, params.bias.dtype),
    )


def layer_step(params: LayerParams, state: LayerState, inputs: Array) -> LayerState:
    """One step of one layer (Hochreiter & Schmidhuber 1997, with forget gates).

    .. math::
        i, f, g, o &= x W_x + h W_h + b \\\\
        c' &= \\sigma(f)\\, c + \\sigma(i) \\tanh(g) \\\\
        h' &= \\sigma(o) \\tanh(c')

    Args:
      params: the layer.
      state: its state, ``[H]`` each.
      inputs: ``[I]``.

    Returns:
      The new state; its ``hidden`` is the layer's output, in (-1, 1).
    """
    kernel = jnp.concatenate([params.input_kernel, params.recurrent_kernel])
    gates = (
        jnp.concatenate([inputs, state.hidden]) @ kernel + params.bias
    )  # one product: 5 % faster
    return apply_gates(gates, state)


def apply_gates(gates: Array, state: LayerState) -> LayerState:
    """The second half of :func:`layer_step`: from gates to the new state.

    Args:
      gates: ``[..., 4H]`` before their nonlinearities.
      state: ``[..., H]`` each.

    Returns:
      The new state.
    """
    i, f, g, o = jnp.split(gates, 4, axis=-1)
    cell = jax.nn.sigmoid(f) * state.cell + jax.nn.sigmoid(i) * jnp.tanh(g)
    return LayerState(jax.nn.sigmoid(o) * jnp.tanh(cell), cell)


def init_stacked(key: Key, config: ModelConfig) -> StackedParams:
    """Random parameters of the stack: layers of ``config.hidden`` units, and one of K.

    Args:
      key: consumed.
      config: the learner's shape.

    Returns:
      The parameters, float32.
    """
    widths = (*config.hidden, config.num_clusters)
    inputs = config.dimensions
    if config.condition_on_num_clusters:
        inputs += config.num_clusters
    if config.feedback:
        inputs += config.num_clusters
    keys = jax.random.split(key, len(widths))
    layers = []
    for layer_key, width in zip(keys, widths, strict=True):
        layers.append(init_layer(layer_key, inputs, width))
        inputs = width
    return StackedParams(tuple(layers))


def clear_stacked(params: StackedParams, config: ModelConfig) -> StackedCarry:
    """Zeros for every layer: "Clear LSTM cell states" (Algorithms 1 and 2)."""
    return StackedCarry(tuple(zero_state(layer) for layer in params.layers))


def step_stacked(
    params: StackedParams, carry: StackedCarry, point: Array, config: ModelConfig
) -> tuple[StackedCarry, Array]:
    """One point through the stack.

    With :math:`h^{(l)}` the output of layer :math:`l` of :math:`L` and :math:`a_{t-1}` the
    previous score,

    .. math::
        u^{(1)} = [x_t, a_{t-1}], \\quad u^{(2)} = h^{(1)}, \\quad
        u^{(l+1)} = u^{(l)} + h^{(l)} \\; (1 < l < L), \\quad a_t = h^{(L)}

    Args:
      params: the stack.
      carry: its state.
      point: ``[D]``, or ``[D + K]``.
      config: the learner's shape.

    Returns:
      The new state and the score ``[K]``, in (-1, 1).
    """
    last = len(params.layers) - 1
    signal = jnp.concatenate([point, carry.layers[-1].hidden]) if config.feedback else point
    states = []
    for index, (layer, state) in enumerate(zip(params.layers, carry.layers, strict=True)):
        state = layer_step(layer, state, signal)
        signal = signal + state.hidden if 0 < index < last else state.hidden
        states.append(state)
    return StackedCarry(tuple(states)), states[-1].hidden


STACKED = Cell(init_stacked, clear_stacked, step_stacked)
"""The architecture of the paper."""
