"""The training losses, against float64 double loops, and their laws."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import log_softmax
from sklearn.neighbors import NearestNeighbors

from l2c_jax.recurrent.losses import (
    Neighbors,
    classification_loss,
    hungarian_labels,
    local_loss,
    nearest_neighbors,
)

SIZE, WIDTH = 14, 4
RNG = np.random.default_rng(0)
POINTS = RNG.normal(size=(SIZE, 2)).astype(np.float32)
LABELS = RNG.integers(0, WIDTH, SIZE)
MASK = RNG.random(SIZE) < 0.7
LOG_PROBS = log_softmax(RNG.normal(size=(SIZE, WIDTH)) * 2, axis=1).astype(np.float32)
hungarian_labels = jax.jit(hungarian_labels)
near = jax.jit(nearest_neighbors, static_argnames="count")


def test_classify_loss_is_a_float64_loop():
    total = sum(-float(LOG_PROBS[n, LABELS[n]]) for n in range(SIZE) if MASK[n])
    found = classification_loss(LOG_PROBS, LABELS, MASK)
    np.testing.assert_allclose(found, total / MASK.sum(), rtol=1e-6)


def test_local_loss_is_a_float64_loop():
    neighbours = near(POINTS, MASK)
    log_probs, total = LOG_PROBS.astype(np.float64), 0.0
    for n in np.flatnonzero(MASK):
        others = [m for m in np.flatnonzero(MASK) if m != n]
        others.sort(key=lambda m: ((POINTS[m] - POINTS[n]) ** 2).sum())
        for m in others[:3]:
            total += (np.exp(log_probs[n]) * (log_probs[n] - log_probs[m])).sum()
    found = local_loss(LOG_PROBS, neighbours, MASK)
    np.testing.assert_allclose(found, total / MASK.sum(), rtol=1e-5)


def test_neighbours_are_those_of_scikit_learn():
    cloud = POINTS[MASK]
    expected = NearestNeighbors(n_neighbors=4).fit(cloud).kneighbors(cloud)[1][:, 1:]
    found = near(POINTS, MASK)
    np.testing.assert_array_equal(found.indices[MASK], np.flatnonzero(MASK)[expected])
    np.testing.assert_array_equal(found.weight, MASK[:, None] * np.ones(3))


@pytest.mark.parametrize("real", range(5))
def test_fewer_points_than_neighbours_stay_finite(real):
    mask = np.arange(SIZE) < real
    neighbours = near(POINTS, mask)
    expected = mask * np.minimum(3, max(real - 1, 0))
    np.testing.assert_array_equal(neighbours.weight.sum(axis=1), expected)

    def both(log_probs):
        return local_loss(log_probs, neighbours, mask) + classification_loss(
            log_probs, LABELS, mask
        )

    loss, gradient = jax.value_and_grad(both)(jnp.array(LOG_PROBS))
    assert jnp.isfinite(loss)
    assert jnp.isfinite(gradient).all()


@pytest.mark.parametrize("size", [1, 2, 3])
def test_tables_smaller_than_the_neighbourhood_are_fine(size):
    found = near(POINTS[:size], np.ones(size, bool))
    assert found.indices.shape == (size, size)
    np.testing.assert_array_equal(found.weight.sum(axis=1), size - 1)


def test_equal_points_are_neighbours_but_none_of_itself():
    found = near(np.zeros((5, 2), np.float32), np.ones(5, bool))
    assert not (np.array(found.indices) == np.arange(5)[:, None]).any()


def test_masked_points_do_not_matter():
    points, labels, log_probs = POINTS.copy(), LABELS.copy(), LOG_PROBS.copy()
    points[~MASK], labels[~MASK], log_probs[~MASK] = 9.0, 1, np.log(0.25)
    for one, other in [
        (
            classification_loss(LOG_PROBS, LABELS, MASK),
            classification_loss(log_probs, labels, MASK),
        ),
        (
            local_loss(LOG_PROBS, near(POINTS, MASK), MASK),
            local_loss(log_probs, near(points, MASK), MASK),
        ),
        (
            hungarian_labels(LOG_PROBS, LABELS, MASK)[MASK],
            hungarian_labels(log_probs, labels, MASK)[MASK],
        ),
    ]:
        np.testing.assert_array_equal(one, other)


def test_losses_of_padded_tasks_are_those_of_the_points_alone():
    every = np.ones(MASK.sum(), bool)
    alone = local_loss(LOG_PROBS[MASK], near(POINTS[MASK], every), every)
    padded = local_loss(LOG_PROBS, near(POINTS, MASK), MASK)
    np.testing.assert_allclose(padded, alone, rtol=1e-5)


def test_local_loss_is_zero_where_all_agree():
    alike = np.tile(LOG_PROBS[:1], (SIZE, 1))
    assert float(local_loss(alike, near(POINTS, MASK), MASK)) == 0


def test_local_loss_is_never_negative_and_positive_where_two_differ():
    neighbours = Neighbors(jnp.array([[1], [0]]), jnp.ones((2, 1)))
    for seed in range(5):
        logits = np.random.default_rng(seed).normal(size=(2, WIDTH)) * 3
        log_probs = log_softmax(logits, axis=1).astype(np.float32)
        assert local_loss(log_probs, neighbours, jnp.ones(2, bool)) > 0


@pytest.mark.parametrize("width", [2, 3, 4])
@pytest.mark.parametrize("seed", range(3))
def test_matched_labels_are_the_cheapest_of_all_renamings(width, seed):
    rng = np.random.default_rng(seed)
    log_probs = log_softmax(rng.normal(size=(SIZE, width)), axis=1).astype(np.float32)
    labels = rng.integers(0, width, SIZE)
    found = classification_loss(log_probs, hungarian_labels(log_probs, labels, MASK), MASK)
    least = min(
        float(classification_loss(log_probs, np.array(names)[labels], MASK))
        for names in itertools.permutations(range(width))
    )
    np.testing.assert_allclose(found, least, rtol=1e-6)


@pytest.mark.parametrize("width", [3, 6])
def test_renaming_the_true_clusters_leaves_the_matched_loss_alone(width):
    rng = np.random.default_rng(width)
    log_probs = log_softmax(rng.normal(size=(SIZE, width)), axis=1).astype(np.float32)
    labels, names = rng.integers(0, width, SIZE), rng.permutation(width)
    losses = [
        classification_loss(log_probs, hungarian_labels(log_probs, true, MASK), MASK)
        for true in (labels, names[labels])
    ]
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-6)


def test_matched_labels_keep_the_partition():
    pairs = {
        *zip(LABELS.tolist(), hungarian_labels(LOG_PROBS, LABELS, MASK).tolist(), strict=True)
    }
    assert len(pairs) == len(np.unique(LABELS)) == len({new for _, new in pairs})


@pytest.mark.parametrize("width", [4, 6])
def test_matched_labels_avoid_clusters_that_are_masked_out(width):
    log_probs = np.full((SIZE, width), -1e9, np.float32)
    log_probs[:, :2] = np.log([0.99, 0.01])
    found = hungarian_labels(log_probs, LABELS % 2, np.ones(SIZE, bool))
    assert set(found.tolist()) == {0, 1}
