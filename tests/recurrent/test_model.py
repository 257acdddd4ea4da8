"""The recurrent learner, against a NumPy loop of the whole stack, and its laws."""

from functools import partial

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import expit, log_softmax

from l2c_jax.recurrent.config import ModelConfig
from l2c_jax.recurrent.model import (
    append_num_clusters,
    clear,
    init,
    log_probabilities,
    rollout,
    step,
)

MODEL = ModelConfig(dimensions=3, num_clusters=4, hidden=(6, 6, 6))
SIZE = 9
POINTS = np.random.default_rng(0).normal(size=(SIZE, 3)).astype(np.float32)
ORDER = np.random.default_rng(1).permutation(SIZE)
MASK = np.array([1, 1, 0, 1, 1, 1, 0, 0, 1], bool)
fast_rollout = jax.jit(rollout, static_argnames="config")


def learner(model: ModelConfig = MODEL):
    """Parameters with random biases, so that no gate is at rest."""
    params = init(jax.random.key(0), model)
    rng = np.random.default_rng(2)
    return jax.tree.map(lambda leaf: leaf + rng.normal(size=leaf.shape).astype(leaf.dtype), params)


def numpy_epoch(params, states, points, order, feedback: bool = True):
    """One epoch in float64; ``states`` is a list of [hidden, cell] a layer, changed in place."""
    params = jax.tree.map(lambda leaf: np.array(leaf, np.float64), params)
    scores = np.zeros((len(points), states[-1][0].size))
    for n in order:
        signal = points[n].astype(np.float64)
        if feedback:
            signal = np.concatenate([signal, states[-1][0]])
        for index, (layer, state) in enumerate(zip(params.layers, states, strict=True)):
            gates = signal @ layer.input_kernel + state[0] @ layer.recurrent_kernel + layer.bias
            i, f, g, o = np.split(gates, 4)
            state[1] = expit(f) * state[1] + expit(i) * np.tanh(g)
            state[0] = expit(o) * np.tanh(state[1])
            signal = state[0] + signal if index in (1, 2) else state[0]
        scores[n] = state[0]
    return scores


def numpy_zeros(params):
    return [[np.zeros(layer.bias.size // 4) for _ in range(2)] for layer in params.layers]


@pytest.mark.optimized
@pytest.mark.parametrize("feedback", [True, False])
def test_two_epochs_are_a_numpy_loop(feedback):
    model = ModelConfig(3, 4, (6, 6, 6), feedback=feedback)
    params = learner(model)
    carry, states = clear(params, model), numpy_zeros(params)
    for order in (ORDER, ORDER[::-1]):
        carry, scores = fast_rollout(params, carry, POINTS, order, model)
        expected = numpy_epoch(params, states, POINTS, order, feedback)
        np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-5)
    for layer, state in zip(carry.layers, states, strict=True):
        np.testing.assert_allclose(layer, state, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("hidden", [(5,), (5, 5), (5, 5, 5)])
def test_layers_have_the_widths_asked_for(hidden):
    params = init(jax.random.key(0), ModelConfig(dimensions=2, num_clusters=3, hidden=hidden))
    assert [layer.bias.size // 4 for layer in params.layers] == [*hidden, 3]
    assert params.layers[0].input_kernel.shape[0] == 2 + 3


def test_a_rollout_is_its_steps():
    params, carry = learner(), clear(learner(), MODEL)
    walked = np.zeros((SIZE, 4), np.float32)
    one_step = jax.jit(step, static_argnames="config")
    for n in ORDER:
        carry, walked[n] = one_step(params, carry, POINTS[n], MODEL)
    end, scores = fast_rollout(params, clear(params, MODEL), POINTS, ORDER, MODEL)
    np.testing.assert_allclose(scores, walked, rtol=1e-5, atol=1e-6)
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-6), end, carry)


def test_scores_come_in_point_order():
    params = learner()
    _, scores = fast_rollout(params, clear(params, MODEL), POINTS, ORDER, MODEL)
    _, sorted_scores = fast_rollout(
        params, clear(params, MODEL), POINTS[ORDER], np.arange(SIZE), MODEL
    )
    np.testing.assert_array_equal(scores[ORDER], sorted_scores)


def test_two_halves_with_the_carry_threaded_are_the_whole():
    params = learner()
    end, whole = fast_rollout(params, clear(params, MODEL), POINTS, np.arange(SIZE), MODEL)
    carry, first = fast_rollout(params, clear(params, MODEL), POINTS[:4], np.arange(4), MODEL)
    carry, second = fast_rollout(params, carry, POINTS[4:], np.arange(SIZE - 4), MODEL)
    np.testing.assert_allclose(np.concatenate([first, second]), whole, rtol=1e-6)
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-6), carry, end)


def test_masked_points_leave_the_carry_untouched_bit_for_bit():
    params = learner()
    carry, _ = fast_rollout(params, clear(params, MODEL), POINTS, ORDER, MODEL)
    after, _ = fast_rollout(params, carry, POINTS, ORDER, MODEL, mask=np.zeros(SIZE, bool))
    jax.tree.map(np.testing.assert_array_equal, after, carry)


def test_masked_points_anywhere_change_no_other_score():
    params = learner()
    real = np.flatnonzero(MASK)
    order = np.array([n for n in ORDER if MASK[n]])
    end, expected = fast_rollout(
        params, clear(params, MODEL), POINTS[real], np.searchsorted(real, order), MODEL
    )
    carry, scores = fast_rollout(params, clear(params, MODEL), POINTS, ORDER, MODEL, mask=MASK)
    np.testing.assert_allclose(scores[real], expected, rtol=1e-6)
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-6), carry, end)


def test_vmap_over_tasks_is_a_loop():
    params = learner()
    points = np.random.default_rng(3).normal(size=(3, SIZE, 3)).astype(np.float32)
    orders = np.stack([np.random.default_rng(seed).permutation(SIZE) for seed in range(3)])
    over_tasks = jax.jit(jax.vmap(partial(rollout, config=MODEL), (None, None, 0, 0)))
    _, together = over_tasks(params, clear(params, MODEL), points, orders)
    for index in range(3):
        _, alone = fast_rollout(params, clear(params, MODEL), points[index], orders[index], MODEL)
        np.testing.assert_allclose(together[index], alone, rtol=1e-5, atol=1e-6)


def test_gradient_stops_at_masked_points():
    @jax.jit
    @jax.grad
    def gradient(points):
        params = learner()
        _, scores = rollout(
            params, clear(params, MODEL), points, ORDER, MODEL, mask=jnp.array(MASK)
        )
        return (scores**2 * MASK[:, None]).sum()

    moved = np.abs(gradient(POINTS)).sum(axis=1)
    np.testing.assert_array_equal(moved > 0, MASK)


def test_one_shape_compiles_once():
    @jax.jit
    @chex.assert_max_traces(n=1)
    def read(params, carry, points, order, mask):
        return rollout(params, carry, points, order, MODEL, mask=mask)

    carry = clear(learner(), MODEL)
    for seed in range(3):
        carry, _ = read(learner(), carry, POINTS + np.float32(seed), np.roll(ORDER, seed), MASK)


def test_known_count_adds_one_hot_columns():
    found = append_num_clusters(jnp.array(POINTS), 2, 4)
    np.testing.assert_array_equal(found[:, :3], POINTS)
    np.testing.assert_array_equal(found[:, 3:], [[0, 1, 0, 0]] * SIZE)


def test_learner_that_is_told_the_count_reads_it():
    params = learner(ModelConfig(3, 4, (6, 6, 6), condition_on_num_clusters=True))
    assert params.layers[0].input_kernel.shape[0] == 3 + 4 + 4
    scores = [
        fast_rollout(
            params,
            clear(params, MODEL),
            append_num_clusters(jnp.array(POINTS), count, 4),
            ORDER,
            MODEL,
        )[1]
        for count in (2, 3)
    ]
    assert (scores[0] != scores[1]).any()


def test_log_probabilities_are_a_scaled_log_softmax():
    scores = np.random.default_rng(0).uniform(-1, 1, size=(SIZE, 4)).astype(np.float32)
    expected = log_softmax(5.0 * scores.astype(np.float64), axis=1)
    np.testing.assert_allclose(log_probabilities(jnp.array(scores), 5.0), expected, atol=1e-5)


@pytest.mark.parametrize("count", [1, 3, 4])
def test_clusters_beyond_the_count_get_no_probability(count):
    scores = np.random.default_rng(0).uniform(-1, 1, size=(SIZE, 4)).astype(np.float32)
    found = np.exp(log_probabilities(jnp.array(scores), 5.0, count))
    np.testing.assert_array_equal(found[:, count:], 0)
    expected = np.exp(log_softmax(5.0 * scores[:, :count], axis=1))
    np.testing.assert_allclose(found[:, :count], expected, atol=1e-5)


@pytest.mark.parametrize(("num_clusters", "cap"), [(2, 0.881), (3, 0.787), (6, 0.596)])
def test_scale_one_caps_probabilities_as_the_paper_has_it(num_clusters, cap):
    surest = jnp.where(jnp.arange(num_clusters) == 0, 1.0, -1.0)[None, :]
    assert float(jnp.exp(log_probabilities(surest, 1.0)).max()) == pytest.approx(cap, abs=5e-4)
