"""Algorithm 2: what a clustering promises, whatever the weights."""

from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from l2c_jax.recurrent.assign import aligned_mean, assign_tasks, read
from l2c_jax.recurrent.cluster import cluster, padded_size
from l2c_jax.recurrent.model import ModelConfig, Params, clear, init, log_probabilities, rollout
from l2c_jax.tasks.base import Task, visiting_order

SEED = 0
MODEL = ModelConfig(dimensions=2, num_clusters=4, hidden=(8, 8))
TOLD = ModelConfig(dimensions=2, num_clusters=4, hidden=(8, 8), given_clusters=True)
RNG = np.random.default_rng(0)
POINTS = RNG.gamma(1.0, size=(20, 3)) * [3.0, 2.0, 1.0]


@cache
def weights(model: ModelConfig = MODEL):
    """Random weights that read loudly, so that several clusters come out."""
    first, *others = init(jax.random.key(SEED), model).layers
    return Params((first._replace(input_kernel=4 * first.input_kernel), *others))


find = partial(cluster, orders=3)


def found(points=POINTS, model: ModelConfig = MODEL, **options):
    return find(weights(model), model, points, **options)


@pytest.mark.parametrize(("model", "k"), [(MODEL, None), (MODEL, 2), (TOLD, 3), (TOLD, 1)])
def test_answer_is_a_partition_with_probabilities(model, k):
    answer = found(model=model, num_clusters=k)
    assert answer.labels.shape == (20,)
    assert answer.labels.dtype == np.int32
    assert answer.probabilities.shape == (20, k or 4)
    assert answer.probabilities.min() >= 0
    np.testing.assert_allclose(answer.probabilities.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_array_equal(answer.labels, answer.probabilities.argmax(axis=1))
    assert answer.num_clusters == len(np.unique(answer.labels))


def test_random_weights_find_several_clusters():
    assert found().num_clusters > 2  # or the tests of num_clusters would be empty


@pytest.mark.parametrize("model", [MODEL, TOLD], ids=["untold", "told"])
@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_at_most_k_clusters_are_used(model, k):
    answer = found(model=model, num_clusters=k)
    assert answer.num_clusters <= k
    assert answer.labels.max() < k


def test_the_largest_clusters_are_kept():
    every, kept = found().probabilities, found(num_clusters=2).probabilities
    largest = np.sort(np.argsort(-every.sum(axis=0))[:2])
    expected = every[:, largest] / every[:, largest].sum(axis=1, keepdims=True)
    np.testing.assert_allclose(kept, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("size", [1, 2, 16, 17, 24])
def test_answer_has_the_length_of_the_table(size):
    points = np.resize(POINTS, (size, 3))
    answer = found(points)
    assert answer.labels.shape == (size,)
    assert np.isfinite(answer.probabilities).all()


def test_padded_sizes_are_the_least_of_their_series():
    series = sorted({16, 24, 32, 48, 64, 96, 128, 192, 256, 384})
    for size in range(1, 385):
        assert padded_size(size) == next(padded for padded in series if padded >= size)


def test_same_seed_same_answer():
    first, again = found(seed=5), found(seed=5)
    np.testing.assert_array_equal(first.probabilities, again.probabilities)


def test_other_seed_other_visiting_orders():
    assert (found(seed=5).probabilities != found(seed=6).probabilities).any()


@pytest.mark.parametrize("points", [POINTS + 1000.0, POINTS * 3, POINTS * 1e200, POINTS * 1e-200])
def test_moving_and_scaling_the_table_changes_no_label(points):
    np.testing.assert_array_equal(found(points).labels, found().labels)


@pytest.mark.parametrize("dimensions", [1, 9])
def test_tables_of_any_width_are_read(dimensions):
    points = np.random.default_rng(1).normal(size=(20, dimensions))
    assert np.isfinite(found(points).probabilities).all()


@pytest.mark.parametrize(
    "points",
    [np.zeros((20, 3)), np.full((20, 3), 0.1), np.resize([1e308, -1e308], (20, 3))],
    ids=["zeros", "equal", "huge"],
)
def test_degenerate_tables_get_an_answer(points):
    assert np.isfinite(found(points).probabilities).all()


def test_lists_and_jax_arrays_are_tables_too():
    for table in (POINTS.tolist(), jnp.array(POINTS)):
        np.testing.assert_array_equal(found(table).labels, found(np.float32(POINTS)).labels)


@pytest.mark.parametrize(
    ("points", "options", "message"),
    [
        (np.zeros(3), {}, r"table of rows and columns, got shape \(3,\)"),
        (np.zeros((2, 2, 2)), {}, "table of rows and columns"),
        (np.zeros((0, 2)), {}, "table of rows and columns"),
        (np.zeros((2, 0)), {}, "table of rows and columns"),
        ([[1.0, np.nan]], {}, "must be finite"),
        ([[1.0], [np.inf]], {}, "must be finite"),
        (POINTS, {"num_clusters": 0}, "num_clusters is 0; it must be at least 1"),
        (POINTS, {"num_clusters": 5}, "at most 4"),
        (POINTS[:2], {"num_clusters": 3}, r"at most 2 \(the points\)"),
        (POINTS, {"model": TOLD}, "told the number of clusters, 1 to 4"),
        (POINTS, {"passes": 0}, "passes and orders must be at least 1"),
        (POINTS, {"orders": 0}, "passes and orders must be at least 1"),
    ],
)
def test_what_cannot_be_clustered_is_refused(points, options, message):
    with pytest.raises(ValueError, match=message):
        found(points, **options)


def test_read_is_rollouts_with_the_carry_threaded():
    points, mask = jnp.array(POINTS[:, :2], jnp.float32), jnp.arange(20) < 17
    log_probs = jax.jit(partial(read, model=MODEL, passes=3))(
        weights(), jax.random.key(0), points, mask
    )
    carry = clear(weights())
    for index, key in enumerate(jax.random.split(jax.random.key(0), 3)):
        order = visiting_order(key, mask)
        carry, scores = jax.jit(rollout)(weights(), carry, points, order, mask=mask)
        expected = log_probabilities(scores, MODEL.logit_scale)
        np.testing.assert_allclose(log_probs[index][mask], expected[mask], rtol=1e-4, atol=1e-4)


def test_read_refuses_to_guess_the_count():
    points, mask = jnp.zeros((20, 2)), jnp.ones(20, bool)
    with pytest.raises(ValueError, match="told the number of clusters"):
        read(weights(TOLD), jax.random.key(0), points, mask, model=TOLD, passes=1)


def test_batch_of_tasks_is_a_loop_with_the_true_counts():
    points = np.random.default_rng(2).normal(size=(3, 20, 2)).astype(np.float32)
    labels = np.random.default_rng(2).integers(0, [[2], [3], [1]], size=(3, 20))
    tasks = Task(jnp.array(points), jnp.array(labels), jnp.ones((3, 20), bool))
    answers = assign_tasks(weights(TOLD), jax.random.key(0), tasks, model=TOLD, orders=2)
    assert answers.shape == (3, 20, 4)
    np.testing.assert_allclose(answers.sum(axis=2), 1, rtol=1e-5)
    for answer, count in zip(np.array(answers), (2, 3, 1), strict=True):
        assert answer[:, count:].max() == 0
    untold = assign_tasks(
        weights(TOLD), jax.random.key(0), tasks, model=TOLD, orders=2, told=False
    )
    np.testing.assert_allclose(untold.sum(axis=2), 1, rtol=1e-5)
    assert untold.min() > 0
    assert abs(untold - untold[:, :1]).max() > 0  # it read the points


def one_answer(width: int) -> np.ndarray:
    return np.random.default_rng(3).dirichlet([0.2] * width, size=30).astype(np.float32)


@pytest.mark.parametrize("width", [2, 4, 6])
def test_aligned_mean_recovers_permuted_answers(width):
    answer, rng = one_answer(width), np.random.default_rng(4)
    answers = np.stack([answer, *(answer[:, rng.permutation(width)] for _ in range(5))])
    mean = jax.jit(aligned_mean)(answers, np.ones(30, bool))
    np.testing.assert_allclose(mean, answer, atol=1e-6)


def test_aligned_mean_of_noisy_permuted_answers_is_their_mean_before():
    answer, rng = one_answer(4), np.random.default_rng(5)
    noisy = [0.9 * answer + 0.1 * rng.dirichlet([1] * 4, size=30) for _ in range(5)]
    permuted = [noisy[0], *(one[:, rng.permutation(4)] for one in noisy[1:])]
    mean = jax.jit(aligned_mean)(np.float32(permuted), np.ones(30, bool))
    np.testing.assert_allclose(mean, np.mean(noisy, axis=0), atol=1e-5)


def test_alignment_does_not_look_at_masked_points():
    answer = one_answer(4)
    other = answer[:, [1, 0, 3, 2]].copy()
    other[20:] = answer[20:]  # these would speak against the renaming
    mask = np.arange(30) < 20
    mean = jax.jit(aligned_mean)(np.stack([answer, other]), mask)
    np.testing.assert_allclose(mean[:20], answer[:20], atol=1e-6)
