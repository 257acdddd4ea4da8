"""From configurations to a learner, and from one learner to the next."""

import json
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from l2c_jax.recurrent.config import Cell, ModelConfig, TrainConfig
from l2c_jax.recurrent.fitting import fit
from l2c_jax.recurrent.inference import adapt, predict
from l2c_jax.recurrent.learner import Learner, load_learner, save_learner
from l2c_jax.recurrent.model import init
from l2c_jax.tasks.base import Task
from l2c_jax.tasks.gaussian import GaussianTasks
from l2c_jax.tasks.mixture import TaskMixture
from l2c_jax.tasks.tables import TableTasks, make_pool
from l2c_jax.training.loop import RunExistsError, RunOptions
from l2c_jax.training.weights import WeightsError, content_hash

TASKS = GaussianTasks(num_points=12, num_swirls=0)
MODEL = ModelConfig(hidden=(4,))
TRAINING = TrainConfig(iterations=2, batch=2, log_every=1)
QUIET = RunOptions(progress=False)


def a_start(seed: int = 5) -> Learner:
    return Learner(init(jax.random.key(seed), MODEL), MODEL)


def test_a_start_is_where_training_begins():
    still = replace(TRAINING, learning_rate=1e-12)
    learner, finished = fit(TASKS, MODEL, still, start=a_start(), run=QUIET)
    assert finished
    for one, other in zip(
        jax.tree.leaves(learner.params), jax.tree.leaves(a_start().params), strict=True
    ):
        np.testing.assert_allclose(one, other, atol=1e-9)


def test_a_start_is_named_in_the_story_and_left_alone(tmp_path):
    start = a_start()
    before = jax.tree.map(np.array, start.params)
    learner, _ = fit(
        TASKS, MODEL, TRAINING, start=start, run=RunOptions(tmp_path / "run", progress=False)
    )
    name = content_hash(before)
    assert learner.metadata.start == name
    assert json.loads((tmp_path / "run" / "run.json").read_text())["start"] == name
    jax.tree.map(np.testing.assert_array_equal, start.params, before)
    assert content_hash(learner.params) != name
    save_learner(tmp_path / "weights", learner)
    assert load_learner(tmp_path / "weights").metadata.start == name


def test_without_a_start_the_story_has_none(tmp_path):
    learner, _ = fit(TASKS, MODEL, TRAINING, run=RunOptions(tmp_path / "run", progress=False))
    assert learner.metadata.start is None


def test_a_run_is_resumed_only_from_its_own_start(tmp_path):
    folder = tmp_path / "run"
    fit(TASKS, MODEL, TRAINING, start=a_start(), run=RunOptions(folder, progress=False))
    for other in (a_start(6), None):
        with pytest.raises(RunExistsError, match="another configuration"):
            fit(
                TASKS,
                MODEL,
                TRAINING,
                start=other,
                run=RunOptions(folder, resume=True, progress=False),
            )
    again, finished = fit(
        TASKS,
        MODEL,
        TRAINING,
        start=a_start(),
        run=RunOptions(folder, resume=True, progress=False),
    )
    assert finished
    assert again.metadata.iterations == 2


def test_a_start_of_another_shape_is_refused():
    with pytest.raises(ValueError, match="the learner to start from has the shape"):
        fit(TASKS, replace(MODEL, hidden=(5,)), TRAINING, start=a_start(), run=QUIET)


def a_pool(seed: int = 0):
    rng = np.random.default_rng(seed)
    return make_pool([(rng.normal(size=(30, 2)), np.arange(30) % 3) for _ in range(2)])


def tables(seed: int = 0) -> TableTasks:
    return TableTasks(a_pool(seed), num_points=12, dimensions=2, num_clusters=2)


@pytest.mark.parametrize(
    "tasks_of",
    [tables, lambda seed=0: TaskMixture((tables(seed), TASKS), (0.5, 0.5))],
    ids=["tables", "mixture"],
)
def test_a_learner_is_fitted_to_tables(tasks_of, tmp_path):
    folder = tmp_path / "run"
    run = RunOptions(folder, progress=False)
    learner, finished = fit(tasks_of(), MODEL, TRAINING, run=run)
    assert finished
    assert content_hash(a_pool()) in json.dumps(learner.metadata.tasks)
    assert learner.metadata.error["n"] == 200
    assert 0 < learner.metadata.error["mean"] < 0.6
    with pytest.raises(RunExistsError, match="another configuration"):
        fit(tasks_of(1), MODEL, TRAINING, run=replace(run, resume=True))


def test_more_clusters_than_the_model_has_are_refused():
    tasks = TableTasks(a_pool(), num_points=12, dimensions=2, num_clusters=3)
    with pytest.raises(ValueError, match="up to 3 clusters, the model only 2"):
        fit(tasks, MODEL, TRAINING, run=QUIET)


class TwoBlobs:
    """A custom prior of ten lines."""

    num_points, dimensions, num_clusters = 12, 2, 2

    def sample(self, key):
        labels = jnp.arange(12) % 2
        noise = jax.random.normal(key, (12, 2))
        return Task(noise + 6 * labels[:, None], labels, jnp.ones(12, bool))


def test_a_custom_prior_trains():
    training = TrainConfig(iterations=60, batch=8, learning_rate=2e-2, log_every=60)
    learner, finished = fit(TwoBlobs(), MODEL, training, run=QUIET)
    assert finished
    assert learner.metadata.tasks["kind"] == "TwoBlobs"
    assert learner.metadata.error["mean"] < 0.1


def test_a_custom_optimizer_trains():
    training = replace(TRAINING, iterations=3)
    learner, _ = fit(TASKS, MODEL, training, optimizer=optax.sgd(0.1, momentum=0.9), run=QUIET)
    assert learner.metadata.iterations == 3


def test_a_custom_cell_trains_and_answers_but_has_no_file(tmp_path):
    def step(params, carry, point, config):
        carry = jnp.tanh(params["kernel"].T @ jnp.concatenate([carry, point]))
        return carry, carry

    def init_cell(key, config):
        rows = config.num_clusters + config.dimensions
        return {"kernel": 0.1 * jax.random.normal(key, (rows, config.num_clusters))}

    cell = Cell(init_cell, lambda params, config: jnp.zeros(config.num_clusters), step)
    config = ModelConfig(architecture=cell)
    learner, finished = fit(
        TASKS, config, TRAINING, run=RunOptions(tmp_path / "run", progress=False)
    )
    assert finished
    points = jax.random.normal(jax.random.key(0), (9, 2))
    state = adapt(learner, jax.random.key(1), points)
    assert predict(learner, state, points).probabilities.shape == (9, 2)
    with pytest.raises(WeightsError, match="cell of your own"):
        save_learner(tmp_path / "weights", learner)


def test_a_finished_run_has_its_weights_before_the_error_is_measured(tmp_path, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("l2c_jax.recurrent.fitting.measured_error", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fit(TASKS, MODEL, TRAINING, run=RunOptions(tmp_path / "run", progress=False))
    assert load_learner(tmp_path / "run" / "weights.safetensors").metadata.iterations == 2
