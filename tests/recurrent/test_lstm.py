"""One LSTM layer, against Flax and a NumPy loop."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import expit

from l2c_jax.recurrent.lstm import LayerParams, init_layer, layer_step, zero_state

INPUTS, HIDDEN, LENGTH = 3, 5, 12
SEQUENCE = np.random.default_rng(0).normal(size=(LENGTH, INPUTS)).astype(np.float32)


def layer() -> LayerParams:
    params = init_layer(jax.random.key(0), INPUTS, HIDDEN)
    bias = np.random.default_rng(1).normal(size=4 * HIDDEN).astype(np.float32)
    return params._replace(bias=params.bias + bias)


def read(params: LayerParams, sequence: np.ndarray = SEQUENCE):
    def step(state, inputs):
        state = layer_step(params, state, inputs)
        return state, state

    return jax.jit(lambda: jax.lax.scan(step, zero_state(params), sequence)[1])()


def test_layer_is_flax_optimized_lstm_cell():
    params = layer()
    gates = {}
    for index, gate in enumerate("ifgo"):
        part = slice(index * HIDDEN, (index + 1) * HIDDEN)
        gates["i" + gate] = {"kernel": params.input_kernel[:, part]}
        gates["h" + gate] = {
            "kernel": params.recurrent_kernel[:, part],
            "bias": params.bias[part],
        }
    cell = nn.OptimizedLSTMCell(HIDDEN)
    with jax.numpy_rank_promotion("allow"):  # Flax adds its bias to a batch
        state = (jnp.zeros(HIDDEN), jnp.zeros(HIDDEN))
        expected = []
        for inputs in SEQUENCE:
            state, output = cell.apply({"params": gates}, state, inputs)
            expected.append(output)
    np.testing.assert_allclose(read(params).hidden, expected, rtol=1e-5, atol=1e-6)


def test_layer_is_the_equations_in_float64():
    params = layer()
    kernel, recurrent, bias = (np.array(leaf, np.float64) for leaf in params)
    hidden, cell = np.zeros(HIDDEN), np.zeros(HIDDEN)
    states = read(params)
    for index, inputs in enumerate(SEQUENCE.astype(np.float64)):
        i, f, g, o = np.split(inputs @ kernel + hidden @ recurrent + bias, 4)
        cell = expit(f) * cell + expit(i) * np.tanh(g)
        hidden = expit(o) * np.tanh(cell)
        np.testing.assert_allclose(states.cell[index], cell, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(states.hidden[index], hidden, rtol=1e-4, atol=1e-5)


def test_output_stays_within_one():
    assert jnp.abs(read(layer(), 1e6 * SEQUENCE).hidden).max() <= 1


def test_state_starts_at_zero():
    state = zero_state(layer())
    np.testing.assert_array_equal(state, np.zeros((2, HIDDEN)))


def test_recurrent_kernels_start_orthogonal():
    params = init_layer(jax.random.key(0), INPUTS, HIDDEN)
    for block in jnp.split(params.recurrent_kernel, 4, axis=1):
        np.testing.assert_allclose(block @ block.T, np.eye(HIDDEN), atol=1e-5)


def test_forget_bias_starts_at_one_and_the_others_at_zero():
    bias = init_layer(jax.random.key(0), INPUTS, HIDDEN).bias.reshape(4, HIDDEN)
    np.testing.assert_array_equal(bias, np.array([0, 1, 0, 0])[:, None] * np.ones(HIDDEN))


def test_input_kernel_starts_within_the_glorot_bound():
    kernel = init_layer(jax.random.key(0), INPUTS, HIDDEN).input_kernel
    bound = np.sqrt(6 / (INPUTS + 4 * HIDDEN))
    assert kernel.shape == (INPUTS, 4 * HIDDEN)
    assert 0.8 * bound < jnp.abs(kernel).max() <= bound
