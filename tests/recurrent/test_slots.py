"""A learner whose clusters are alike, against a NumPy loop, and its laws."""

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import expit, log_softmax, softmax

from l2c_jax.recurrent.cluster import cluster
from l2c_jax.recurrent.learner import Learner, load_learner, save_learner
from l2c_jax.recurrent.model import (
    ModelConfig,
    clear,
    frozen_scores,
    init,
    known_count,
    rollout,
    step,
)
from l2c_jax.recurrent.scan import plain, windowed
from l2c_jax.tabular.clusterer import label_table, study_table

CLUSTERS, SIZE = 4, 9
MODEL = ModelConfig(
    3, CLUSTERS, hidden=(5,), memory="cluster", logit_scale=1.0, given_clusters=True
)
POINTS = np.random.default_rng(0).normal(size=(SIZE, 3)).astype(np.float32)
ORDER = np.random.default_rng(1).permutation(SIZE)
fast_rollout = jax.jit(rollout)


def learner():
    """Parameters that are all at work."""
    params = init(jax.random.key(0), MODEL)
    rng = np.random.default_rng(2)
    return jax.tree.map(
        lambda leaf: leaf + 0.3 * rng.normal(size=leaf.shape).astype(leaf.dtype), params
    )


def shown(count: int):
    return known_count(jnp.asarray(POINTS), count, CLUSTERS)


def gelu(x):
    """The tanh approximation, as JAX has it by default."""
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def numpy_pass(params, points, order, count: int):
    """One pass in float64, cluster by cluster."""
    p = jax.tree.map(lambda leaf: np.array(leaf, np.float64), params.alike)
    allowed = np.arange(CLUSTERS) < (count or CLUSTERS)
    cell, hidden = p.start.copy(), 0.5 * np.tanh(p.start)
    views = p.density.size
    mass, mean = np.zeros(CLUSTERS), np.zeros((CLUSTERS, views))
    scatter = np.zeros((CLUSTERS, views))
    scores = np.full((len(points), CLUSTERS), -1e9)
    first = np.exp(p.first_mass)
    for n in order:
        point = points[n].astype(np.float64)
        view = np.concatenate([point, point @ p.linear, np.tanh(point @ p.bent + p.bent_bias)])
        seen = []
        for k in range(CLUSTERS):
            variance = (scatter[k] + first * np.exp(p.first_variance)) / (mass[k] + first)
            off = view - mean[k] * mass[k] / (mass[k] + 0.02)
            log_variance = np.log(variance) + 3
            signed = np.clip(off / np.sqrt(variance), -4, 4)
            looked = [np.log1p(off**2 / variance), signed, log_variance, hidden[k]]
            channels = gelu(
                np.concatenate(looked) @ p.compare
                + np.log1p(mass[k]) * p.compare_mass
                + view @ p.compare_point
                + p.compare_bias
            )
            seen.append(channels)
            density = -0.5 * (np.clip(off**2 / variance, 0, 40) + log_variance) @ p.density
            if allowed[k]:
                scores[n, k] = channels @ p.score + density + p.prior * np.log(mass[k] + 0.1)
        share, log_share = softmax(scores[n]), np.maximum(log_softmax(scores[n]) / 5, -3)
        task = [allowed.sum() / CLUSTERS, float(count > 0)]
        task = np.concatenate([view, task, share @ hidden, hidden[allowed].mean(axis=0)])
        for k in range(CLUSTERS):
            own = [*seen[k], share[k], log_share[k], np.log1p(mass[k]) / 3]
            inputs = np.concatenate([own, task])
            gates = inputs @ p.layer.input_kernel + hidden[k] @ p.layer.recurrent_kernel
            i, f, g, o = np.split(gates + p.layer.bias, 4)
            cell[k] = expit(f) * cell[k] + expit(i) * np.tanh(g)
            hidden[k] = expit(o) * np.tanh(cell[k])
            add, keep = expit(hidden[k] @ p.write + p.write_bias)
            before = view - mean[k]
            mass[k] = keep * mass[k] + 2 * add * share[k]
            mean[k] = mean[k] + 2 * add * share[k] / max(mass[k], 1e-4) * before
            after = view - mean[k]
            scatter[k] = keep * scatter[k] + 2 * add * share[k] * before * after
    return scores, (hidden, cell, mass, mean, scatter)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_pass_is_a_numpy_loop(count):
    params = learner()
    carry, scores = fast_rollout(params, clear(params), shown(count), ORDER)
    expected, memory = numpy_pass(params, POINTS, ORDER, count)
    allowed = count or CLUSTERS
    np.testing.assert_allclose(scores[:, :allowed], expected[:, :allowed], rtol=1e-3, atol=1e-3)
    assert (scores[:, allowed:] == -1e9).all()
    for found, wanted in zip(jax.tree.leaves(carry), memory, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-3)


def test_renaming_the_clusters_renames_the_answer():
    params, names = learner(), np.array([2, 0, 3, 1])
    start = params.alike.start[names]
    renamed = params._replace(alike=params.alike._replace(start=start))
    _, scores = fast_rollout(params, clear(params), shown(0), ORDER)
    _, others = fast_rollout(renamed, clear(renamed), shown(0), ORDER)
    np.testing.assert_allclose(others, scores[:, names], rtol=1e-4, atol=1e-4)


def test_what_is_far_from_a_cluster_is_less_likely_its_own():
    params = init(jax.random.key(0), MODEL)  # untrained: a rough Gaussian density
    cloud = np.random.default_rng(3).normal(size=(20, 3)).astype(np.float32)
    read = known_count(jnp.asarray(cloud), 1, CLUSTERS)
    carry, _ = fast_rollout(params, clear(params), read, np.arange(20))
    asked = known_count(jnp.asarray([[0.0] * 3, [2.0] * 3, [4.0] * 3]), 1, CLUSTERS)
    scores = frozen_scores(params, carry, asked)[:, 0]
    assert scores[0] > scores[1] > scores[2]


def test_moments_of_one_cluster_are_those_of_its_points():
    params = init(jax.random.key(0), MODEL)
    surely = params.alike._replace(
        write=jnp.zeros_like(params.alike.write), write_bias=jnp.array([0.0, 100.0])
    )
    params = params._replace(alike=surely)  # adds every point once, forgets nothing
    carry, _ = fast_rollout(params, clear(params), shown(1), ORDER)
    memory = carry.alike
    assert float(memory.mass[0]) == pytest.approx(SIZE, rel=1e-5)
    np.testing.assert_allclose(memory.mean[0, :3], POINTS.mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(memory.scatter[0, :3], SIZE * POINTS.var(axis=0), rtol=1e-4)
    np.testing.assert_array_equal(memory.mass[1:], 0)


def test_masked_points_leave_the_carry_untouched():
    params = learner()
    carry, _ = fast_rollout(params, clear(params), shown(2), ORDER)
    after, _ = fast_rollout(params, carry, shown(2), ORDER, mask=np.zeros(SIZE, bool))
    jax.tree.map(np.testing.assert_array_equal, after, carry)


def test_a_frozen_score_is_the_score_of_the_next_step():
    params = learner()
    carry, _ = fast_rollout(params, clear(params), shown(3), ORDER)
    together = frozen_scores(params, carry, shown(3))
    for n in range(3):
        _, alone = step(params, carry, shown(3)[n])
        np.testing.assert_allclose(together[n], alone, rtol=1e-5, atol=1e-5)


def test_every_scan_has_the_same_gradient():
    def loss(params, scan):
        _, scores = rollout(params, clear(params), shown(0), ORDER, scan=scan)
        return jax.nn.log_softmax(scores)[:, 0].mean()

    found = [
        jax.jit(jax.grad(partial(loss, scan=scan)))(learner()) for scan in (plain, windowed(4))
    ]
    for one, other in zip(*map(jax.tree.leaves, found), strict=True):
        assert np.isfinite(one).all()
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)


def test_points_that_are_all_equal_have_finite_scores_and_gradients():
    def loss(params):
        carry, scores = rollout(params, clear(params), jnp.zeros((6, 7)), jnp.arange(6))
        return frozen_scores(params, carry, jnp.zeros((6, 7))).sum() + scores.sum()

    value, gradient = jax.jit(jax.value_and_grad(loss))(learner())
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves((value, gradient)))


def test_it_travels_in_a_file(tmp_path):
    path = tmp_path / "weights.safetensors"
    save_learner(path, Learner(learner(), MODEL, {}))
    again = load_learner(path)
    assert again.model == MODEL
    jax.tree.map(np.testing.assert_array_equal, again.params, learner())


@pytest.mark.parametrize("given", [True, False])
@pytest.mark.parametrize("clusters", [1, 3])
def test_tables_are_read_with_any_number_of_clusters_told_or_not(clusters, given):
    model = replace(MODEL, num_clusters=clusters, given_clusters=given)
    learner = Learner(init(jax.random.key(0), model), model, {})
    rows = np.random.default_rng(0).normal(size=(30, 5))
    known = study_table(learner, rows, num_clusters=clusters, orders=4)
    found = label_table(learner, known, rows)
    assert found.shape == (30, clusters)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    assert cluster(learner.params, model, rows, num_clusters=clusters).labels.max() < clusters


def test_single_precision_weights_work_where_double_is_the_default():
    params = learner()
    with jax.enable_x64(True):
        carry, scores = rollout(params, clear(params), shown(2).astype(np.float32), ORDER)
    assert {leaf.dtype for leaf in jax.tree.leaves((carry, scores))} == {np.dtype(np.float32)}


@pytest.mark.parametrize(
    "fields",
    [
        {"memory": "nobody"},
        {"memory": "cluster", "hidden": (4,)},
        {"memory": "cluster", "hidden": (4, 4), "logit_scale": 1.0},
        {"memory": "cluster", "hidden": (4,), "logit_scale": 1.0, "feedback": False},
    ],
)
def test_impossible_models_are_refused(fields):
    with pytest.raises(ValueError, match="memory"):
        ModelConfig(**fields)
