"""The broad prior: every family draws sound tasks."""

from dataclasses import replace

import jax
import numpy as np
import pytest

from l2c_jax.tasks.corruptions import CORRUPTIONS
from l2c_jax.tasks.families import SHAPES
from l2c_jax.tasks.prior import BroadPrior

SMALL = BroadPrior(
    num_points=40, min_points=24, dimensions=4, num_clusters=3, num_clusters_weights=(1, 1, 1)
)
OFTEN = dict.fromkeys([f"{name}_prob" for name in CORRUPTIONS], 0.5)


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_draws_sound_tasks(shape):
    config = replace(SMALL, **{f"{name}_weight": float(name == shape) for name in SHAPES}, **OFTEN)
    draw = jax.jit(jax.vmap(config.sample))
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


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"num_clusters_weights": (1, 1)}, "one weight a number of clusters"),
        ({"min_points": 3}, "at least 4"),
        ({"warped_prob": 1.5}, "probabilities"),
        ({"separation": (2.0, 1.0)}, "rising pair"),
        ({"dimensions": 1}, "at least 2"),
    ],
)
def test_impossible_priors_are_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        replace(SMALL, **fields)
