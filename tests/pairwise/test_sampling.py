"""Pairs, episodes and batches: balanced, without repetition, the same for the same key."""

from functools import partial

import jax
import numpy as np
import pytest

from l2c_jax.pairwise.sampling import (
    draw_batch,
    draw_episode,
    epoch_length,
    index_by_class,
    pair_labels,
)

LABELS = np.random.default_rng(0).permutation(np.repeat([7, 3, 5, 11], [4, 9, 5, 6]))
INDEX = index_by_class(LABELS, per_class=4)
episodes = jax.jit(
    jax.vmap(partial(draw_episode, index=INDEX, classes=3, per_class=4)),
)
batches = jax.jit(jax.vmap(draw_batch, (None, 0, None, None)), static_argnums=(2, 3))


def test_pair_labels_are_a_double_loop():
    expected = [[a == b for b in LABELS] for a in LABELS]
    np.testing.assert_array_equal(pair_labels(np.asarray(LABELS)), expected)


def test_index_lists_every_point_of_every_class_once():
    for row, (name, size) in enumerate(zip([3, 5, 7, 11], INDEX.sizes, strict=True)):
        members = np.asarray(INDEX.members[row, :size])
        np.testing.assert_array_equal(members, np.flatnonzero(name == LABELS))


def test_episodes_are_balanced_and_repeat_no_point():
    drawn = np.asarray(episodes(jax.random.split(jax.random.key(0), 50)))
    for chosen in drawn:
        assert len(set(chosen.tolist())) == 12
        labels = LABELS[chosen].reshape(3, 4)
        assert (labels == labels[:, :1]).all()
        assert len(set(labels[:, 0].tolist())) == 3
    assert set(drawn.ravel().tolist()) == set(range(len(LABELS)))


def test_episodes_follow_from_their_key():
    keys = jax.random.split(jax.random.key(1), 50)
    first, again = episodes(keys), episodes(jax.random.clone(keys))
    np.testing.assert_array_equal(first, again)
    assert (first[0] != first[1]).any()


@pytest.mark.parametrize(
    ("labels", "per_class", "message"),
    [
        (np.zeros(5), 1, "at least 2 classes, got 1"),
        ([], 1, "at least 2 classes, got 0"),
        (np.zeros((4, 2)), 1, r"must be a vector, got shape \(4, 2\)"),
        (["a", "a", "b"], 2, "at least 2 points.*class b has 1"),
    ],
)
def test_labels_that_give_no_episodes_are_refused(labels, per_class, message):
    with pytest.raises(ValueError, match=message):
        index_by_class(labels, per_class)


@pytest.mark.parametrize(("size", "batch"), [(23, 10), (7, 10)])
def test_an_epoch_has_nearly_all_points_once_in_new_orders(size, batch):
    length = epoch_length(size, batch)
    steps = np.arange(2 * length)
    drawn = np.asarray(batches(jax.random.key(0), steps, size, batch))
    assert drawn.shape[1] <= batch
    for epoch in (drawn[:length], drawn[length:]):
        drawn_points = epoch.ravel().tolist()
        assert len(set(drawn_points)) == len(drawn_points) > size - length
        assert set(drawn_points) <= set(range(size))
    assert (drawn[:length] != drawn[length:]).any()
    later = batches(jax.random.key(0), steps[length:], size, batch)
    np.testing.assert_array_equal(later, drawn[length:])
