"""Algorithm 2: reading, aligning, labelling; one path for every answer."""

from dataclasses import replace
from functools import cache, partial

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from l2c_jax.preprocessing.principal import preprocess
from l2c_jax.recurrent.config import InferenceConfig, ModelConfig
from l2c_jax.recurrent.inference import (
    adapt,
    align_members,
    last_epoch,
    member_probabilities,
    predict,
    predict_log_probs,
)
from l2c_jax.recurrent.learner import Learner
from l2c_jax.recurrent.model import clear, init, log_probabilities, rollout
from l2c_jax.tasks.base import reading_order

FREE = ModelConfig(dimensions=2, num_clusters=3, hidden=(5, 5))
GIVEN = replace(FREE, condition_on_num_clusters=True)
POINTS = jax.random.normal(jax.random.key(1), (12, 2))
MASK = jnp.arange(12) < 9
THREE = InferenceConfig(orders=3)
_adapt = jax.jit(adapt, static_argnames=("config", "preprocessed"))
_predict = jax.jit(predict)
_last_epoch = jax.jit(last_epoch, static_argnames=("config", "preprocessed"))


@cache
def learner(config: ModelConfig = GIVEN) -> Learner:
    """Large random weights, so that several clusters come out."""
    params, rng = init(jax.random.key(0), config), np.random.default_rng(1)
    loud = [2 * leaf + rng.normal(size=leaf.shape) for leaf in jax.tree.leaves(params)]
    return Learner(
        jax.tree.unflatten(jax.tree.structure(params), [np.float32(leaf) for leaf in loud]), config
    )


def answer(points, key=2, mask=None, k=None, config=THREE, model=GIVEN):
    state = _adapt(learner(model), jax.random.key(key), points, mask, k, config=config)
    return _predict(learner(model), state, points)


def test_a_point_is_labelled_by_itself():
    state = _adapt(learner(), jax.random.key(2), POINTS, MASK, 2, config=THREE)
    together = np.asarray(_predict(learner(), state, POINTS).probabilities)
    alone = [_predict(learner(), state, POINTS[i : i + 1]).probabilities for i in range(12)]
    np.testing.assert_allclose(together, np.concatenate(alone), atol=1e-6)
    np.testing.assert_allclose(together.sum(axis=1), 1, atol=1e-5)


def test_labels_are_the_clusters_of_largest_probability():
    found = answer(POINTS, model=FREE)
    np.testing.assert_array_equal(found.labels, found.probabilities.argmax(axis=1))
    gaps = np.ptp(found.probabilities, axis=0)
    assert gaps.max() > 0.01  # points differ, or the tests here would be empty


def test_a_given_number_is_obeyed_and_zero_leaves_all_clusters_open():
    assert (np.asarray(answer(POINTS, k=2).probabilities)[:, 2] == 0).all()
    for unknown in (0, None):
        assert (np.asarray(answer(POINTS, k=unknown).probabilities) > 0).all()


def test_padding_is_not_read():
    filled = POINTS.at[9:].set(100.0)
    one, other = (answer(points, mask=MASK, k=3).probabilities[:9] for points in (POINTS, filled))
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("kind", ["principal", "clipped", "raw"])
def test_preprocessing_is_a_part_of_the_state_or_the_callers(kind):
    model = replace(FREE, preprocessing=kind)
    state = _adapt(learner(model), jax.random.key(2), POINTS, MASK, config=THREE)
    points = preprocess(POINTS, MASK, kind, 2)
    bare = _adapt(learner(model), jax.random.key(2), points, MASK, config=THREE, preprocessed=True)
    assert bare.preprocessing is None
    np.testing.assert_allclose(
        _predict(learner(model), state, POINTS[:9]).probabilities,
        _predict(learner(model), bare, points[:9]).probabilities,
        atol=1e-5,
    )


@pytest.mark.parametrize("move", [lambda x: x + 3.0, lambda x: 5.0 * x])
def test_moving_and_scaling_changes_no_label(move):
    np.testing.assert_array_equal(
        answer(move(POINTS), model=FREE).labels, answer(POINTS, model=FREE).labels
    )


def test_the_most_confident_members_are_kept():
    config = InferenceConfig(orders=8, top_fraction=0.25)
    points = preprocess(POINTS, MASK, "principal", 2)

    def given() -> tuple:
        return learner(), jax.random.key(3), points, MASK, 3

    every = adapt(*given(), config=replace(config, top_fraction=1.0), preprocessed=True)
    logs = np.log(member_probabilities(*given(), config))[:, :9]
    best = np.argsort(-logs.max(axis=2).mean(axis=1))[:2]
    kept = adapt(*given(), config=config, preprocessed=True)
    for found, all_of_them in zip(
        jax.tree.leaves(kept.carries), jax.tree.leaves(every.carries), strict=True
    ):
        np.testing.assert_array_equal(found, np.asarray(all_of_them)[best])
    assert kept.permutations.shape == (2, 3)


@pytest.mark.optimized
def test_predict_is_the_aligned_mean_of_the_members():
    points = preprocess(POINTS, MASK, "principal", 2)
    key = jax.random.key(3)
    members = np.asarray(
        member_probabilities(learner(), jax.random.clone(key), points, MASK, 3, THREE)
    )
    state = adapt(learner(), key, points, MASK, 3, config=THREE, preprocessed=True)
    aligned = [m[:, p] for m, p in zip(members, np.asarray(state.permutations), strict=True)]
    found = predict_log_probs(learner(), state, points)
    np.testing.assert_allclose(np.exp(found), np.mean(aligned, axis=0), atol=1e-5)


@pytest.mark.optimized
def test_the_last_epoch_is_rollouts_with_the_carry_threaded():
    config, one = InferenceConfig(epochs=3, orders=1), learner(FREE)
    found = _last_epoch(one, jax.random.key(0), POINTS, MASK, config=config, preprocessed=True)
    carry = clear(one.params, FREE)
    (key,) = jax.random.split(jax.random.key(0), 1)
    for key_order in jax.random.split(key, 3):
        order = reading_order(key_order, MASK)
        carry, scores = rollout(one.params, carry, POINTS, order, FREE, mask=MASK)
    expected = np.exp(log_probabilities(scores, FREE.logit_scale))
    np.testing.assert_allclose(found[:9], expected[:9], rtol=1e-4, atol=1e-5)


def test_a_sample_is_read_where_points_per_epoch_says_so():
    config = InferenceConfig(epochs=1, orders=1, points_per_epoch=4)
    one = learner(FREE)
    state = adapt(one, jax.random.key(0), POINTS, config=config, preprocessed=True)
    (key,) = jax.random.split(jax.random.key(0), 1)
    order = reading_order(jax.random.split(key, 1)[0], jnp.ones(12, bool))[:4]
    carry, scores = rollout(one.params, clear(one.params, FREE), POINTS, order, FREE)
    assert (np.asarray(scores).any(axis=1)).sum() == 4
    for found, wanted in zip(jax.tree.leaves(state.carries), jax.tree.leaves(carry), strict=True):
        np.testing.assert_allclose(found[0], wanted, rtol=1e-5, atol=1e-6)


def test_adapt_and_predict_compile_once_and_take_the_learner_as_an_argument():
    adapt_once = jax.jit(chex.assert_max_traces(adapt, 1))
    predict_once = jax.jit(chex.assert_max_traces(predict, 1))
    for seed in (0, 1):
        state = adapt_once(learner(), jax.random.key(seed), POINTS, MASK, 2)
        assert predict_once(learner(), state, POINTS).labels.shape == (12,)


@pytest.mark.optimized
def test_vmap_over_tasks_is_a_loop_over_them():
    tasks = jax.random.normal(jax.random.key(5), (3, 12, 2))
    keys = jax.random.split(jax.random.key(6), 3)
    again = jax.random.clone(keys)
    one = partial(adapt, learner(), config=THREE)
    states = jax.vmap(one)(keys, tasks)
    found = jax.vmap(partial(predict, learner()))(states, tasks).probabilities
    for index in range(3):
        alone = predict(learner(), one(again[index], tasks[index]), tasks[index])
        np.testing.assert_allclose(found[index], alone.probabilities, atol=1e-5)


def one_answer(width: int) -> np.ndarray:
    return np.random.default_rng(3).dirichlet([0.2] * width, size=30).astype(np.float32)


@pytest.mark.parametrize("width", [2, 4, 6])
def test_alignment_undoes_permutations(width):
    first, rng = one_answer(width), np.random.default_rng(4)
    members = np.stack([first, *(first[:, rng.permutation(width)] for _ in range(5))])
    found = np.asarray(jax.jit(align_members)(members, np.ones(30, bool)))
    for member, permutation in zip(members, found, strict=True):
        np.testing.assert_array_equal(member[:, permutation], first)


def test_alignment_of_noisy_members_is_that_without_noise():
    first, rng = one_answer(4), np.random.default_rng(5)
    orders = [np.arange(4), *(rng.permutation(4) for _ in range(5))]
    noisy = [0.9 * first + 0.1 * rng.dirichlet([1] * 4, size=30) for _ in orders]
    members = np.float32([one[:, order] for one, order in zip(noisy, orders, strict=True)])
    found = jax.jit(align_members)(members, np.ones(30, bool))
    np.testing.assert_array_equal(found, [np.argsort(order) for order in orders])


def test_masked_points_have_no_say_in_the_alignment():
    first = one_answer(4)
    other = first[:, [1, 0, 3, 2]].copy()
    other[20:] = first[20:]  # these speak against the permutation
    found = jax.jit(align_members)(np.stack([first, other]), np.arange(30) < 20)
    np.testing.assert_array_equal(found, [[0, 1, 2, 3], [1, 0, 3, 2]])
