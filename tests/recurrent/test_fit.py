"""From configurations to a learner, and from one learner to the next."""

import json
from dataclasses import replace

import jax
import numpy as np
import pytest

from l2c_jax.recurrent.config import TrainConfig
from l2c_jax.recurrent.fit import fit
from l2c_jax.recurrent.learner import Learner, load_learner, save_learner
from l2c_jax.recurrent.model import ModelConfig, init
from l2c_jax.tasks.gaussian import TaskConfig
from l2c_jax.tasks.mixture import MixedConfig
from l2c_jax.tasks.tables import PoolConfig, make_pool
from l2c_jax.training.loop import RunExistsError
from l2c_jax.training.weights import fingerprint

TASKS = TaskConfig(num_points=12, swirls=0)
MODEL = ModelConfig(hidden=(4,))
TRAINING = TrainConfig(iterations=2, batch=2, log_every=1)


def a_start(seed: int = 5) -> Learner:
    return Learner(init(jax.random.key(seed), MODEL), MODEL, {})


def test_a_start_is_where_training_begins():
    still = replace(TRAINING, learning_rate=1e-12)
    learner, finished = fit(TASKS, MODEL, still, start=a_start(), progress=False)
    assert finished
    for one, other in zip(
        jax.tree.leaves(learner.params), jax.tree.leaves(a_start().params), strict=True
    ):
        np.testing.assert_allclose(one, other, atol=1e-9)


def test_a_start_is_named_in_the_story_and_left_alone(tmp_path):
    start = a_start()
    before = jax.tree.map(np.array, start.params)
    learner, _ = fit(TASKS, MODEL, TRAINING, start=start, folder=tmp_path / "run", progress=False)
    name = fingerprint(before)
    assert learner.header["start"] == name
    assert json.loads((tmp_path / "run" / "run.json").read_text())["start"] == name
    jax.tree.map(np.testing.assert_array_equal, start.params, before)
    assert fingerprint(learner.params) != name
    save_learner(tmp_path / "weights", learner)
    assert load_learner(tmp_path / "weights").header["start"] == name


def test_without_a_start_the_story_has_none(tmp_path):
    learner, _ = fit(TASKS, MODEL, TRAINING, folder=tmp_path / "run", progress=False)
    assert "start" not in learner.header


def test_a_run_is_resumed_only_from_its_own_start(tmp_path):
    folder = tmp_path / "run"
    fit(TASKS, MODEL, TRAINING, start=a_start(), folder=folder, progress=False)
    for other in (a_start(6), None):
        with pytest.raises(RunExistsError, match="another configuration"):
            fit(TASKS, MODEL, TRAINING, start=other, folder=folder, resume=True, progress=False)
    again, finished = fit(
        TASKS, MODEL, TRAINING, start=a_start(), folder=folder, resume=True, progress=False
    )
    assert finished
    assert again.header["iterations"] == 2


def test_a_start_of_another_shape_is_refused():
    with pytest.raises(ValueError, match="the learner to start from is of shape"):
        fit(TASKS, replace(MODEL, hidden=(5,)), TRAINING, start=a_start(), progress=False)


TABLES = PoolConfig(num_points=12, dimensions=2)
MIXED = MixedConfig(TABLES, TASKS)


def a_pool(seed: int = 0):
    rng = np.random.default_rng(seed)
    return make_pool([(rng.normal(size=(30, 2)), np.arange(30) % 3) for _ in range(2)])


@pytest.mark.parametrize("tasks", [TABLES, MIXED], ids=["tables", "mixed"])
def test_a_learner_is_fitted_to_tables(tasks, tmp_path):
    pool, folder = a_pool(), tmp_path / "run"
    learner, finished = fit(tasks, MODEL, TRAINING, pool=pool, folder=folder, progress=False)
    assert finished
    assert learner.header["pool"] == fingerprint(pool)
    assert learner.header["error"]["n"] == 200
    assert 0 < learner.header["error"]["mean"] < 0.6
    with pytest.raises(RunExistsError, match="another configuration"):
        fit(tasks, MODEL, TRAINING, pool=a_pool(1), folder=folder, resume=True, progress=False)


@pytest.mark.parametrize(
    ("tasks", "pool", "message"),
    [
        (TABLES, None, "a pool goes with"),
        (MIXED, None, "a pool goes with"),
        (TASKS, a_pool(), "a pool goes with"),
        (replace(TABLES, dimensions=3), a_pool(), "2 columns wide, the tasks 3"),
        (replace(TABLES, num_clusters=3), a_pool(), "up to 3 clusters, the model only 2"),
    ],
)
def test_pools_go_with_tasks_from_tables(tasks, pool, message):
    with pytest.raises(ValueError, match=message):
        fit(tasks, MODEL, TRAINING, pool=pool, progress=False)
