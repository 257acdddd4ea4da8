"""The objective of one epoch, from its parts."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from l2c_jax.recurrent.batch import Batch
from l2c_jax.recurrent.config import ModelConfig, TrainConfig
from l2c_jax.recurrent.losses import classification_loss, local_loss, nearest_neighbors
from l2c_jax.recurrent.model import clear, frozen_scores, init, log_probabilities, rollout
from l2c_jax.recurrent.objective import task_loss
from l2c_jax.tasks.base import Task

CONFIG = ModelConfig(num_clusters=3, hidden=(4,))
PARAMS = init(jax.random.key(0), CONFIG)
POINTS = jax.random.normal(jax.random.key(1), (9, 2))
TASK = Task(POINTS, jnp.arange(9) % 3, jnp.arange(9) < 7)
ORDER = jnp.asarray(np.random.default_rng(0).permutation(9))


@pytest.mark.parametrize("weight", [0.0, 0.7, 1.0])
@pytest.mark.parametrize("frozen", [0.0, 0.25])
def test_the_loss_is_the_weighted_sum_of_its_parts(weight, frozen):
    training = TrainConfig(classification_weight=weight, frozen_loss_weight=frozen)
    near = nearest_neighbors(POINTS, TASK.mask) if weight < 1 else None
    start = clear(PARAMS, CONFIG)
    found, _ = task_loss(
        PARAMS, start, ORDER, Batch(TASK, near, jnp.asarray(True)), CONFIG, training
    )
    carry, scores = rollout(PARAMS, start, POINTS, ORDER, CONFIG, mask=TASK.mask)
    during = log_probabilities(scores, CONFIG.logit_scale)
    after = log_probabilities(frozen_scores(PARAMS, carry, POINTS, CONFIG), CONFIG.logit_scale)
    losses = [classification_loss(one, TASK.labels, TASK.mask) for one in (during, after)]
    expected = weight * ((1 - frozen) * losses[0] + frozen * losses[1])
    if near is not None:
        expected += (1 - weight) * local_loss(after if frozen else during, near, TASK.mask)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
