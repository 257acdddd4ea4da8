"""The broad prior: every family draws sound tasks."""

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from l2c_jax.preprocessing.principal import standardised
from l2c_jax.tasks.families import SHAPES
from l2c_jax.tasks.prior import PriorConfig, draw_prior_task

SMALL = PriorConfig(
    num_points=40, min_points=24, dimensions=4, num_clusters=3, count_weights=(1, 1, 1)
)
OFTEN = dict.fromkeys(
    ("swirled", "warped", "bent_columns", "discretised", "irrelevant", "outliers"), 0.5
)


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_draws_sound_tasks(shape):
    config = replace(SMALL, **{name: float(name == shape) for name in SHAPES}, **OFTEN)
    draw = jax.jit(jax.vmap(partial(draw_prior_task, config=config)))
    tasks = jax.tree.map(np.asarray, draw(jax.random.split(jax.random.key(0), 16)))
    for points, labels, mask in zip(*tasks, strict=True):
        assert np.isfinite(points).all()
        assert not points[~mask].any()
        assert not labels[~mask].any()
        assert 24 <= mask.sum() <= 40
        used = np.unique(labels[mask], return_counts=True)
        assert used[0].tolist() == list(range(len(used[0])))  # none is empty
        assert used[1].min() >= 2
        spread = points[mask].std(axis=0)
        np.testing.assert_allclose(spread[spread > 0], 1, atol=1e-3)


def test_standardised_columns_against_numpy():
    points = np.random.default_rng(0).normal(3, 5, size=(20, 3)).astype(np.float32)
    points[:, 1] = 7
    mask = np.arange(20) < 15
    found = np.asarray(jax.jit(standardised)(points, jnp.asarray(mask)))
    real = points[:15, [0, 2]]
    expected = (real - real.mean(axis=0)) / real.std(axis=0)
    np.testing.assert_allclose(found[:15, [0, 2]], expected, atol=1e-5)
    assert not found[:, 1].any()
    assert not found[15:].any()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"count_weights": (1, 1)}, "one weight a number of clusters"),
        ({"min_points": 3}, "at least 4"),
        ({"warped": 1.5}, "probabilities"),
        ({"separation": (2.0, 1.0)}, "rising pair"),
        ({"dimensions": 1}, "at least 2"),
    ],
)
def test_impossible_priors_are_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        replace(SMALL, **fields)
