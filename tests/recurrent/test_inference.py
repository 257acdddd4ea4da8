"""Reading and recalling: what is remembered labels any point by itself."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from l2c_jax.recurrent.inference import read, recall, recall_each, study
from l2c_jax.recurrent.model import ModelConfig, init

MODEL = ModelConfig(dimensions=2, num_clusters=3, hidden=(5, 5), given_clusters=True)
PARAMS = init(jax.random.key(0), MODEL)
POINTS = jax.random.normal(jax.random.key(1), (12, 2))
_study = jax.jit(partial(study, PARAMS, model=MODEL, orders=3))
_recall = jax.jit(partial(recall, PARAMS, model=MODEL))


def test_a_point_is_labelled_without_regard_to_the_others():
    memory = _study(jax.random.key(2), POINTS, jnp.ones(12, bool), 2)
    together = np.asarray(_recall(memory, POINTS))
    alone = np.concatenate([_recall(memory, POINTS[i : i + 1]) for i in range(12)])
    np.testing.assert_allclose(together, alone, atol=1e-6)
    np.testing.assert_allclose(together.sum(axis=1), 1, atol=1e-5)


def test_a_given_count_is_obeyed_and_zero_leaves_all_clusters_open():
    told = _recall(_study(jax.random.key(2), POINTS, jnp.ones(12, bool), 2), POINTS)
    assert (np.asarray(told)[:, 2] == 0).all()
    untold = _recall(_study(jax.random.key(2), POINTS, jnp.ones(12, bool), 0), POINTS)
    assert (np.asarray(untold) > 0).all()


def test_padding_is_not_read():
    mask = jnp.arange(12) < 9
    filled = POINTS.at[9:].set(100.0)
    one = _recall(_study(jax.random.key(2), POINTS, mask, 3), POINTS[:9])
    other = _recall(_study(jax.random.key(2), filled, mask, 3), POINTS[:9])
    np.testing.assert_array_equal(one, other)


def test_the_surest_readings_are_kept():
    mask = jnp.arange(12) < 9
    everything = read(PARAMS, jax.random.key(3), POINTS, mask, 3, model=MODEL, orders=8)
    logs = np.asarray(recall_each(PARAMS, everything, POINTS[:9], model=MODEL))
    surest = np.argsort(-logs.max(axis=2).mean(axis=1))[:2]
    kept = study(PARAMS, jax.random.key(3), POINTS, mask, 3, model=MODEL, orders=8, keep=2)
    for found, every in zip(
        jax.tree.leaves(kept.carries), jax.tree.leaves(everything.carries), strict=True
    ):
        np.testing.assert_array_equal(found, np.asarray(every)[surest])
    assert kept.names.shape == (2, 3)
