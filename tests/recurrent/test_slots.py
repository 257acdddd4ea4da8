"""One cell per cluster, against a NumPy loop, and its laws."""

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import expit, log_softmax, softmax

from l2c_jax.recurrent.config import InferenceConfig, ModelConfig
from l2c_jax.recurrent.learner import Learner, load_learner, save_learner
from l2c_jax.recurrent.model import (
    append_num_clusters,
    clear,
    frozen_scores,
    init,
    rollout,
    step,
)
from l2c_jax.recurrent.scan import plain, windowed
from l2c_jax.tabular.clusterer import TabularConfig, adapt_table, predict_table
from l2c_jax.tabular.model import TabularModel

CLUSTERS, SIZE = 4, 9
MODEL = ModelConfig(
    3, CLUSTERS, hidden=(5,), architecture="slots", logit_scale=1.0, condition_on_num_clusters=True
)
POINTS = np.random.default_rng(0).normal(size=(SIZE, 3)).astype(np.float32)
ORDER = np.random.default_rng(1).permutation(SIZE)
fast_rollout = jax.jit(rollout, static_argnames="config")


def learner():
    """Parameters that are all at work."""
    params = init(jax.random.key(0), MODEL)
    rng = np.random.default_rng(2)
    return jax.tree.map(
        lambda leaf: leaf + 0.3 * rng.normal(size=leaf.shape).astype(leaf.dtype), params
    )


def given(count: int):
    return append_num_clusters(jnp.asarray(POINTS), count, CLUSTERS)


def gelu(x):
    """The tanh approximation, as JAX has it by default."""
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def numpy_epoch(params, points, order, count: int):
    """One epoch in float64, slot by slot: the equations of the module, one by one."""
    p = jax.tree.map(lambda leaf: np.array(leaf, np.float64), params)
    allowed = np.arange(CLUSTERS) < (count or CLUSTERS)
    cell, hidden = p.initial_cell.copy(), 0.5 * np.tanh(p.initial_cell)
    width = p.density_weights.size
    counts, means = np.zeros(CLUSTERS), np.zeros((CLUSTERS, width))
    sum_sq_dev = np.zeros((CLUSTERS, width))
    scores = np.full((len(points), CLUSTERS), -1e9)
    prior = np.exp(p.log_prior_count)
    for n in order:
        point = points[n].astype(np.float64)
        through_tanh = np.tanh(point @ p.tanh_kernel + p.tanh_bias)
        phi = np.concatenate([point, point @ p.linear_kernel, through_tanh])
        all_channels = []
        for k in range(CLUSTERS):
            total = sum_sq_dev[k] + prior * np.exp(p.log_prior_variance)
            variance = total / (counts[k] + prior)
            off = phi - means[k] * counts[k] / (counts[k] + 0.02)
            log_variance = np.log(variance) + 3
            signed = np.clip(off / np.sqrt(variance), -4, 4)
            inputs = [np.log1p(off**2 / variance), signed, log_variance, hidden[k]]
            channels = gelu(
                np.concatenate(inputs) @ p.compare_kernel
                + np.log1p(counts[k]) * p.compare_count_kernel
                + phi @ p.compare_point_kernel
                + p.compare_bias
            )
            all_channels.append(channels)
            clipped = np.clip(off**2 / variance, 0, 40) + log_variance
            density = -0.5 * clipped @ p.density_weights
            if allowed[k]:
                log_count = p.log_count_weight * np.log(counts[k] + 0.1)
                scores[n, k] = channels @ p.score_kernel + density + log_count
        share, log_share = softmax(scores[n]), np.maximum(log_softmax(scores[n]) / 5, -3)
        task = [allowed.sum() / CLUSTERS, float(count > 0)]
        task = np.concatenate([phi, task, share @ hidden, hidden[allowed].mean(axis=0)])
        for k in range(CLUSTERS):
            own = [*all_channels[k], share[k], log_share[k], np.log1p(counts[k]) / 3]
            inputs = np.concatenate([own, task])
            gates = inputs @ p.layer.input_kernel + hidden[k] @ p.layer.recurrent_kernel
            i, f, g, o = np.split(gates + p.layer.bias, 4)
            cell[k] = expit(f) * cell[k] + expit(i) * np.tanh(g)
            hidden[k] = expit(o) * np.tanh(cell[k])
            add, keep = expit(hidden[k] @ p.write_kernel + p.write_bias)
            before = phi - means[k]
            counts[k] = keep * counts[k] + 2 * add * share[k]
            means[k] = means[k] + 2 * add * share[k] / max(counts[k], 1e-4) * before
            after = phi - means[k]
            sum_sq_dev[k] = keep * sum_sq_dev[k] + 2 * add * share[k] * before * after
    return scores, (hidden, cell, counts, means, sum_sq_dev)


@pytest.mark.optimized
@pytest.mark.parametrize("count", [0, 1, 3])
def test_an_epoch_is_a_numpy_loop(count):
    with jax.enable_x64(True):  # so that nothing but a wrong equation can differ
        params = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), learner())
        points = append_num_clusters(jnp.asarray(POINTS, jnp.float64), count, CLUSTERS)
        carry, scores = fast_rollout(params, clear(params, MODEL), points, ORDER, MODEL)
        expected, state = numpy_epoch(params, POINTS, ORDER, count)
        allowed = count or CLUSTERS
        np.testing.assert_allclose(scores[:, :allowed], expected[:, :allowed], rtol=1e-9)
        assert (scores[:, allowed:] == -1e9).all()
        for found, wanted in zip(jax.tree.leaves(carry), state, strict=True):
            np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-12)


def test_renaming_the_clusters_renames_the_answer():
    params, names = learner(), np.array([2, 0, 3, 1])
    renamed = params._replace(initial_cell=params.initial_cell[names])
    _, scores = fast_rollout(params, clear(params, MODEL), given(0), ORDER, MODEL)
    _, others = fast_rollout(renamed, clear(renamed, MODEL), given(0), ORDER, MODEL)
    np.testing.assert_allclose(others, scores[:, names], rtol=1e-4, atol=1e-4)


def test_what_is_far_from_a_cluster_is_less_likely_its_own():
    params = init(jax.random.key(0), MODEL)  # untrained: a rough Gaussian density
    cloud = np.random.default_rng(3).normal(size=(20, 3)).astype(np.float32)
    read = append_num_clusters(jnp.asarray(cloud), 1, CLUSTERS)
    carry, _ = fast_rollout(params, clear(params, MODEL), read, np.arange(20), MODEL)
    asked = append_num_clusters(jnp.asarray([[0.0] * 3, [2.0] * 3, [4.0] * 3]), 1, CLUSTERS)
    scores = frozen_scores(params, carry, asked, MODEL)[:, 0]
    assert scores[0] > scores[1] > scores[2]


def test_moments_of_one_cluster_are_those_of_its_points():
    params = init(jax.random.key(0), MODEL)
    params = params._replace(  # adds every point once, keeps everything
        write_kernel=jnp.zeros_like(params.write_kernel), write_bias=jnp.array([0.0, 100.0])
    )
    carry, _ = fast_rollout(params, clear(params, MODEL), given(1), ORDER, MODEL)
    assert float(carry.counts[0]) == pytest.approx(SIZE, rel=1e-5)
    np.testing.assert_allclose(carry.means[0, :3], POINTS.mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(carry.sum_sq_dev[0, :3], SIZE * POINTS.var(axis=0), rtol=1e-4)
    np.testing.assert_array_equal(carry.counts[1:], 0)


def test_masked_points_leave_the_carry_untouched():
    params = learner()
    carry, _ = fast_rollout(params, clear(params, MODEL), given(2), ORDER, MODEL)
    after, _ = fast_rollout(params, carry, given(2), ORDER, MODEL, mask=np.zeros(SIZE, bool))
    jax.tree.map(np.testing.assert_array_equal, after, carry)


def test_a_frozen_score_is_the_score_of_the_next_step():
    params = learner()
    carry, _ = fast_rollout(params, clear(params, MODEL), given(3), ORDER, MODEL)
    together = frozen_scores(params, carry, given(3), MODEL)
    for n in range(3):
        _, alone = step(params, carry, given(3)[n], MODEL)
        np.testing.assert_allclose(together[n], alone, rtol=1e-5, atol=1e-5)


def test_every_scan_has_the_same_gradient():
    def loss(params, scan):
        _, scores = rollout(params, clear(params, MODEL), given(0), ORDER, MODEL, scan=scan)
        return jax.nn.log_softmax(scores)[:, 0].mean()

    found = [
        jax.jit(jax.grad(partial(loss, scan=scan)))(learner()) for scan in (plain, windowed(4))
    ]
    for one, other in zip(*map(jax.tree.leaves, found), strict=True):
        assert np.isfinite(one).all()
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)


def test_points_that_are_all_equal_have_finite_scores_and_gradients():
    def loss(params):
        carry, scores = rollout(
            params, clear(params, MODEL), jnp.zeros((6, 7)), jnp.arange(6), MODEL
        )
        return frozen_scores(params, carry, jnp.zeros((6, 7)), MODEL).sum() + scores.sum()

    value, gradient = jax.jit(jax.value_and_grad(loss))(learner())
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves((value, gradient)))


def test_it_travels_in_a_file(tmp_path):
    path = tmp_path / "weights.safetensors"
    save_learner(path, Learner(learner(), MODEL))
    again = load_learner(path)
    assert again.config == MODEL
    jax.tree.map(np.testing.assert_array_equal, again.params, learner())


@pytest.mark.parametrize("conditioned", [True, False])
@pytest.mark.parametrize("clusters", [1, 3])
def test_tables_are_labelled_with_any_number_of_clusters(clusters, conditioned):
    config = replace(MODEL, num_clusters=clusters, condition_on_num_clusters=conditioned)
    model = TabularModel(Learner(init(jax.random.key(0), config), config))
    rows = np.random.default_rng(0).normal(size=(30, 5))
    fitted = adapt_table(model, rows, clusters, config=TabularConfig(InferenceConfig(orders=4)))
    found = predict_table(model, fitted, rows)
    assert found.shape == (30, clusters)
    np.testing.assert_allclose(found.sum(axis=1), 1)


def test_single_precision_weights_work_where_double_is_the_default():
    params = learner()
    with jax.enable_x64(True):
        carry, scores = rollout(
            params, clear(params, MODEL), given(2).astype(np.float32), ORDER, MODEL
        )
    assert {leaf.dtype for leaf in jax.tree.leaves((carry, scores))} == {np.dtype(np.float32)}
