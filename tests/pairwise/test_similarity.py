"""Learning a similarity: it carries over to classes it has not seen, resumes bit for bit."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from l2c_jax.pairwise.backbones import MLP, VGGS
from l2c_jax.pairwise.networks import init_similarity
from l2c_jax.pairwise.predict import predict_similarity
from l2c_jax.pairwise.sampling import index_by_class
from l2c_jax.pairwise.similarity import (
    Examples,
    SimilarityConfig,
    learn_similarity,
    similarity_step,
)
from l2c_jax.pairwise.train import init_state, optimizer
from l2c_jax.training.loop import RunExistsError

RNG = np.random.default_rng(0)
TRUNK = MLP(columns=2, hidden=(16, 16))
SHORT = SimilarityConfig(iterations=6, classes=3, per_class=2, log_every=2, checkpoint_every=2)


class CrashError(Exception):
    """Stands for a crash."""


def blobs(centres, size: int):
    """Round classes in the plane, names of classes as labels."""
    labels = np.repeat(np.arange(len(centres)), size)
    return np.array(centres)[labels] + 0.15 * RNG.normal(size=(len(labels), 2)), labels


GRID = [(x, y) for x in (-2.0, 0.0, 2.0) for y in (-2.0, 0.0, 2.0)]
POINTS, LABELS = blobs(GRID, 10)
OTHERS, TRUTH = blobs([(1.0, 1.0), (-1.0, 1.0), (-1.0, -1.0)], 20)


def learn(config=SHORT, **options):
    return learn_similarity(POINTS, LABELS, TRUNK, config, progress=False, **options)


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
    assert resumed.header["iterations"] == 6
    with pytest.raises(RunExistsError, match="another configuration"):
        learn_similarity(
            POINTS + 1, LABELS, TRUNK, SHORT, folder=tmp_path / "run", resume=True, progress=False
        )


def test_a_step_reads_images_of_uint8():
    images, labels = jnp.zeros((8, 32, 32, 1), jnp.uint8), jnp.arange(8) % 2
    trunk, config = VGGS(), SimilarityConfig(classes=2, per_class=2)
    examples = Examples(images, labels, index_by_class(labels))

    def first_step(key):
        key_init, key_run = jax.random.split(key)
        state = init_state(init_similarity(key_init, trunk), optimizer(1e-3, (), 1))
        return state, similarity_step(state, examples, key_run, trunk, config)

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
def test_examples_that_do_not_fit_are_refused(points, labels, message):
    with pytest.raises(ValueError, match=message):
        learn_similarity(points, labels, TRUNK, SHORT, progress=False)


@pytest.mark.parametrize(
    "options", [{"iterations": 0}, {"classes": 1}, {"per_class": 0}, {"crop": (0.0, 1.0)}]
)
def test_configurations_that_make_no_sense_are_refused(options):
    with pytest.raises(ValueError, match="must be"):
        SimilarityConfig(**options)
