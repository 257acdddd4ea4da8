"""Reading in every view: the sequences, and that candidates are what inference gives."""

import jax
import numpy as np
import pytest

from l2c_jax.recurrent.config import ModelConfig
from l2c_jax.recurrent.learner import Learner
from l2c_jax.recurrent.model import (
    append_num_clusters,
    clear,
    frozen_scores,
    init,
    log_probabilities,
    rollout,
)
from l2c_jax.tabular.reading import make_cloud, make_sequences, read_candidates, read_view
from l2c_jax.tabular.views import VIEWS, apply_view, fit_views

CONFIG = ModelConfig(
    *(3, 4, (5,)),
    architecture="slots",
    logit_scale=1.0,
    condition_on_num_clusters=True,
    preprocessing="robust",
)
LEARNER = Learner(init(jax.random.key(0), CONFIG), CONFIG)
ROWS = np.random.default_rng(0).normal(size=(20, 3))


@pytest.mark.parametrize(("count", "length"), [(3, 8), (8, 8), (12, 8), (40, 8)])
def test_rows_are_read_once_before_any_is_read_twice(count, length):
    found = make_sequences(count, 3, 2, length, np.random.default_rng(0))
    assert found.real.sum(axis=2).tolist() == [[min(count, length)] * 2] * 3
    for member in range(3):
        read = [found.order[member, e][found.real[member, e]] for e in range(2)]
        assert all(len(set(epoch.tolist())) == len(epoch) for epoch in read)
        assert len(set(np.concatenate(read).tolist())) == min(count, 2 * length)
    assert not np.array_equal(found.order[0], found.order[1])


def test_candidates_are_what_a_loop_gives():
    views, *rest = fit_views(ROWS, "robust", 3)
    cloud, order = make_cloud(ROWS, views, *rest, 24, np.random.default_rng(1))
    sequences = make_sequences(20, 2, 2, 16, np.random.default_rng(2))
    counts = np.array([1, 2, 3], np.int32)
    found = jax.jit(read_candidates)(LEARNER, cloud, counts, sequences)
    assert found.shape == (4, 3, 2, 24, 4)
    for v, view in enumerate(VIEWS):
        for number, k in enumerate(counts):
            points = np.zeros((24, 3), np.float32)
            points[:20] = apply_view(views, view, ROWS[order], int(k))
            points = append_num_clusters(points, int(k), 4)
            carry = clear(LEARNER.params, CONFIG)
            for epoch in range(2):
                chosen = sequences.order[1, epoch][sequences.real[1, epoch]]
                here = np.arange(len(chosen))
                carry, _ = rollout(LEARNER.params, carry, points[chosen], here, CONFIG)
            scores = frozen_scores(LEARNER.params, carry, points, CONFIG)
            expected = log_probabilities(scores, CONFIG.logit_scale, int(k))
            np.testing.assert_allclose(np.exp(found[v, number, 1]), np.exp(expected), atol=1e-4)
    one = jax.jit(read_view)(LEARNER, cloud, np.int32(2), counts[1], sequences)[1]
    np.testing.assert_allclose(np.exp(one), np.exp(found[2, 1]), atol=1e-4)


def test_the_order_of_the_table_does_not_matter():
    shuffled = ROWS[np.random.default_rng(3).permutation(20)]
    clouds = []
    for rows in (ROWS, shuffled):
        fitted = fit_views(rows, "robust", 3)
        clouds.append(make_cloud(rows, *fitted, 24, np.random.default_rng(1))[0])
    for here, there in zip(*clouds, strict=True):
        np.testing.assert_allclose(here, there, atol=1e-5)
