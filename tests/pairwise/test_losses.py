"""The pair losses, against float64 double loops, and their laws."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from l2c_jax.pairwise.losses import LOSSES, kcl, mcl, noisy_mcl, pair_cross_entropy

SIZE, WIDTH, EPSILON = 9, 4, 1e-7
RNG = np.random.default_rng(0)
LOGITS = 3 * RNG.normal(size=(SIZE, WIDTH))
PROBABILITIES = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=1, keepdims=True)
SIMILAR = RNG.random((SIZE, SIZE)) < 0.4  # not symmetric: the order of a pair matters
DIRECTION = RNG.normal(size=(SIZE, WIDTH))


def kcl_loop(predicted, target, similar, margin=2.0):
    total = 0.0
    for i in range(len(predicted)):
        for j in range(len(target)):
            divergence = sum(
                t * (np.log(t + EPSILON) - np.log(p + EPSILON))
                for p, t in zip(predicted[i], target[j], strict=True)
            )
            total += divergence if similar[i, j] else max(0.0, margin - divergence)
    return total / similar.size


def mcl_loop(probabilities, similar):
    total = 0.0
    for i, p in enumerate(probabilities):
        for j, q in enumerate(probabilities):
            s, sign = sum(a * b for a, b in zip(p, q, strict=True)), 1 if similar[i, j] else -1
            total -= np.log(s * sign + (sign == -1) + EPSILON)
    return total / similar.size


def single(array):
    return jnp.asarray(array, jnp.float32)


def slope(function, at):
    """Directional derivative in float64, by central differences."""
    step = 1e-6 * DIRECTION
    return (function(at + step) - function(at - step)) / 2e-6


@pytest.mark.parametrize("margin", [0.5, 2.0])
def test_kcl_is_a_float64_double_loop(margin):
    found = kcl(single(PROBABILITIES), SIMILAR, margin)
    expected = kcl_loop(PROBABILITIES, PROBABILITIES, SIMILAR, margin)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_kcl_has_no_gradient_through_its_target():
    gradient = jax.grad(kcl)(single(PROBABILITIES), SIMILAR)
    expected = slope(lambda p: kcl_loop(p, PROBABILITIES, SIMILAR), PROBABILITIES)
    np.testing.assert_allclose((gradient * DIRECTION).sum(), expected, rtol=1e-4)


def test_mcl_is_a_float64_double_loop_in_value_and_gradient():
    value, gradient = jax.value_and_grad(mcl)(single(PROBABILITIES), SIMILAR)
    np.testing.assert_allclose(value, mcl_loop(PROBABILITIES, SIMILAR), rtol=1e-5)
    expected = slope(lambda p: mcl_loop(p, SIMILAR), PROBABILITIES)
    np.testing.assert_allclose((gradient * DIRECTION).sum(), expected, rtol=1e-4)


def test_pair_cross_entropy_is_a_softmax_over_two_in_a_float64_double_loop():
    odds, total = RNG.normal(size=(3, 5)), 0.0
    similar = RNG.random((3, 5)) < 0.5
    for i in range(3):
        for j in range(5):
            two = np.exp([0.0, odds[i, j]])  # "different", "same"
            total -= np.log(two[int(similar[i, j])] / two.sum())
    np.testing.assert_allclose(pair_cross_entropy(single(odds), similar), total / 15, rtol=1e-5)


@pytest.mark.parametrize("name", LOSSES)
def test_renaming_clusters_and_reordering_points_change_nothing(name):
    loss, names, order = LOSSES[name], RNG.permutation(WIDTH), RNG.permutation(SIZE)
    expected = loss(single(PROBABILITIES), SIMILAR)
    renamed = loss(single(PROBABILITIES[:, names]), SIMILAR)
    moved = loss(single(PROBABILITIES[order]), SIMILAR[order][:, order])
    np.testing.assert_allclose([renamed, moved], [expected] * 2, rtol=1e-6)


@pytest.mark.parametrize("name", LOSSES)
def test_a_clustering_that_agrees_with_all_pairs_costs_nothing(name):
    labels = np.arange(SIZE) % WIDTH
    similar = labels[:, None] == labels[None, :]
    right, wrong = jnp.eye(WIDTH)[labels], jnp.eye(WIDTH)[np.zeros(SIZE, int)]
    assert abs(LOSSES[name](right, similar)) < 1e-6
    assert LOSSES[name](wrong, similar) > 1


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("truth", [False, True])
def test_certainty_stays_finite_and_wrong_certainty_keeps_its_gradient(name, truth):
    similar = np.full((SIZE, SIZE), truth)
    # rounded sums of three equal squares exceed 1
    certain = jnp.eye(WIDTH)[np.arange(SIZE) % 2] * (1 + 1e-6)
    value, gradient = jax.value_and_grad(LOSSES[name])(certain, similar)
    assert jnp.isfinite(value)
    assert jnp.isfinite(gradient).all()
    assert (gradient != 0).any()


@pytest.mark.parametrize("name", LOSSES)
def test_soft_similarities_are_the_expectation_over_pairs(name):
    loss, p = LOSSES[name], single(PROBABILITIES)
    weights = RNG.random((SIZE, SIZE))
    expected = 0.0
    for i in range(SIZE):  # each pair is similar with its own probability: one at a time
        for j in range(SIZE):
            one = np.zeros((SIZE, SIZE), bool)
            one[i, j] = True
            yes = loss(p, one) - loss(p, np.zeros_like(one))  # what this pair adds if similar
            expected += weights[i, j] * float(yes)
    expected += float(loss(p, np.zeros((SIZE, SIZE), bool)))
    np.testing.assert_allclose(loss(p, single(weights)), expected, rtol=1e-4)


@pytest.mark.parametrize("name", LOSSES)
def test_soft_similarities_of_zero_and_one_are_hard_ones(name):
    found = LOSSES[name](single(PROBABILITIES), single(SIMILAR))
    np.testing.assert_allclose(found, LOSSES[name](single(PROBABILITIES), SIMILAR), rtol=1e-6)
    quarter = LOSSES[name](single(PROBABILITIES), single(0.25 * SIMILAR))
    assert abs(quarter - found) > 1e-2  # a positive number is not "similar"


def noisy_loop(probabilities, similar, confusion):
    total = 0.0
    for i, p in enumerate(probabilities):
        for j, q in enumerate(probabilities):
            same = sum(a * b for a, b in zip(p, q, strict=True))
            said = same if i == j else confusion[0] * same + confusion[1] * (1 - same)
            total -= similar[i, j] * np.log(said + EPSILON)
            total -= (1 - similar[i, j]) * np.log(1 - said + EPSILON)
    return total / similar.size


@pytest.mark.parametrize("confusion", [(0.9, 0.2), (0.6, 0.4), (1.0, 0.3), (0.7, 0.0), (0.2, 0.9)])
@pytest.mark.parametrize("similar", [SIMILAR, RNG.random((SIZE, SIZE))], ids=["hard", "soft"])
def test_noisy_mcl_is_a_float64_double_loop_in_value_and_gradient(confusion, similar):
    given = similar if similar.dtype == bool else single(similar)
    value, gradient = jax.value_and_grad(noisy_mcl)(single(PROBABILITIES), given, confusion)
    expected = noisy_loop(PROBABILITIES, 1.0 * similar, confusion)
    np.testing.assert_allclose(value, expected, rtol=1e-5)
    expected = slope(lambda p: noisy_loop(p, 1.0 * similar, confusion), PROBABILITIES)
    np.testing.assert_allclose((gradient * DIRECTION).sum(), expected, rtol=1e-4, atol=1e-6)


def test_noisy_mcl_without_noise_is_mcl_in_value_and_gradient():
    p = single(PROBABILITIES)
    found = jax.value_and_grad(noisy_mcl)(p, SIMILAR, (1.0, 0.0))
    expected = jax.value_and_grad(mcl)(p, SIMILAR)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_noisy_mcl_is_least_at_the_truth_where_mcl_is_not():
    labels = np.arange(40) % 2
    truth, say = labels[:, None] == labels[None, :], (0.65, 0.3)
    said = np.where(truth, *say)  # the expected share of "similar"
    np.fill_diagonal(said, 1.0)
    sure = [np.where(labels[:, None] == np.arange(2), p, 1 - p) for p in (0.8, 0.9, 1.0)]
    corrected = [float(noisy_mcl(single(p), single(said), say)) for p in sure]
    plain = [float(mcl(single(p), single(said))) for p in sure]
    assert np.argmin(corrected) == 2
    assert np.argmin(plain) == 0
