"""Learning a similarity: it holds for other classes, resumes bit for bit, takes any optimizer."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from l2c_jax.pairwise.backbones import MLP, VGGS
from l2c_jax.pairwise.config import SimilarityConfig
from l2c_jax.pairwise.layers import Variables
from l2c_jax.pairwise.learn import LabeledPoints, learn_similarity, similarity_step
from l2c_jax.pairwise.networks import init_similarity
from l2c_jax.pairwise.predict import predict_similarity
from l2c_jax.pairwise.sampling import index_by_class
from l2c_jax.pairwise.similarity import load_similarity, save_similarity
from l2c_jax.pairwise.train import init_state
from l2c_jax.training.loop import RunExistsError, RunOptions
from l2c_jax.training.weights import WeightsError

RNG = np.random.default_rng(0)
BACKBONE = MLP(columns=2, hidden=(16, 16))
SHORT = SimilarityConfig(iterations=6, classes=3, per_class=2, log_every=2, checkpoint_every=2)


class CrashError(Exception):
    """Stands for a crash."""


def blobs(centers, size: int):
    """Round classes in the plane."""
    labels = np.repeat(np.arange(len(centers)), size)
    return np.array(centers)[labels] + 0.15 * RNG.normal(size=(len(labels), 2)), labels


GRID = [(x, y) for x in (-2.0, 0.0, 2.0) for y in (-2.0, 0.0, 2.0)]
POINTS, LABELS = blobs(GRID, 10)
OTHERS, TRUTH = blobs([(1.0, 1.0), (-1.0, 1.0), (-1.0, -1.0)], 20)


def learn(config=SHORT, optimizer=None, **options):
    run = RunOptions(progress=False, **options)
    return learn_similarity(POINTS, LABELS, BACKBONE, config, optimizer=optimizer, run=run)


def test_similarity_learned_on_some_classes_holds_for_others():
    config = SimilarityConfig(
        iterations=200, classes=9, per_class=3, learning_rate=5e-3, log_every=100
    )
    logged = []
    learned, finished = learn(config, on_log=logged.append)
    assert finished
    assert logged[-1]["loss"] < 0.5 * logged[0]["loss"]
    assert logged[-1].keys() >= {"error", "precision", "recall"}
    same = TRUTH[:, None] == TRUTH[None, :]
    found = predict_similarity(learned, OTHERS) > 0.5
    assert (found != same).mean() < 0.05


def test_a_crashed_run_resumes_bit_for_bit_and_with_its_own_data_only(tmp_path):
    whole, _ = learn()

    def crash(record):
        if record["iteration"] == 4:
            raise CrashError

    with pytest.raises(CrashError):
        learn(folder=tmp_path / "run", on_log=crash)
    resumed, finished = learn(folder=tmp_path / "run", resume=True)
    assert finished
    jax.tree.map(np.testing.assert_array_equal, resumed.variables, whole.variables)
    assert resumed.metadata.iterations == 6
    run = RunOptions(folder=tmp_path / "run", resume=True, progress=False)
    with pytest.raises(RunExistsError, match="another configuration"):
        learn_similarity(POINTS + 1, LABELS, BACKBONE, SHORT, run=run)


def test_the_default_optimizer_can_be_given_or_replaced():
    whole, _ = learn()
    milestones = {round(share * 6): 0.1 for share in SHORT.lr_milestones}
    schedule = optax.piecewise_constant_schedule(SHORT.learning_rate, milestones)
    same, _ = learn(optimizer=optax.adam(schedule))
    jax.tree.map(np.testing.assert_array_equal, same.variables, whole.variables)
    frozen, _ = learn(optimizer=optax.sgd(0.0))
    start = jax.random.split(jax.random.key(SHORT.seed))[0]
    params = jax.jit(init_similarity, static_argnums=1)(start, BACKBONE).params
    jax.tree.map(np.testing.assert_array_equal, frozen.variables.params, params)


@dataclass(frozen=True)
class Linear:
    """A backbone without Flax: one matrix, no batch norm."""

    features: int = 3
    shape = (2,)

    def init(self, key):
        return Variables(jax.random.normal(key, (2, self.features)), {})

    def apply(self, variables, points, train):
        return points @ variables.params, variables.batch_stats


def test_any_pair_of_init_and_apply_is_a_backbone(tmp_path):
    run = RunOptions(progress=False)
    learned, finished = learn_similarity(POINTS, LABELS, Linear(), SHORT, run=run)
    assert finished
    assert predict_similarity(learned, OTHERS).shape == (60, 60)
    save_similarity(tmp_path / "g.safetensors", learned)
    with pytest.raises(WeightsError, match="Linear"):
        load_similarity(tmp_path / "g.safetensors")
    back = load_similarity(tmp_path / "g.safetensors", Linear())
    jax.tree.map(np.testing.assert_array_equal, back, learned)
    assert back.metadata == learned.metadata


def test_a_step_reads_images_of_uint8():
    images, labels = jnp.zeros((8, 32, 32, 1), jnp.uint8), jnp.arange(8) % 2
    backbone, config = VGGS(), SimilarityConfig(classes=2, per_class=2)
    data = LabeledPoints(images, labels, index_by_class(labels))

    def first_step(key):
        key_init, key_run = jax.random.split(key)
        state = init_state(
            init_similarity(key_init, backbone), optax.adam(optax.constant_schedule(1e-3))
        )
        return state, similarity_step(state, data, key_run, backbone, config)

    state, (after, info) = jax.eval_shape(first_step, jax.random.key(0))  # nothing is computed
    assert after == state
    assert {value.shape for value in info.values()} == {()}


@pytest.mark.parametrize(
    ("points", "labels", "message"),
    [
        (POINTS, np.zeros(90), "at least 2 classes, got 1"),
        (POINTS, LABELS[:-1], r"as many as the points, 90; got shape \(89,\)"),
        (POINTS, np.arange(90), "at least 2 points"),
        (POINTS[:, :1], LABELS, r"shape \[N, 2\]"),
        (np.zeros((4, 32, 32)), np.arange(4), r"shape \[N, 2\]"),
    ],
)
def test_labeled_points_that_do_not_fit_are_refused(points, labels, message):
    with pytest.raises(ValueError, match=message):
        learn_similarity(points, labels, BACKBONE, SHORT, run=RunOptions(progress=False))
