"""Constrained clustering: from true pairs, any function, a learned similarity; any loss."""

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from l2c_jax.metrics import error_rate
from l2c_jax.pairwise.backbones import MLP, VGGS
from l2c_jax.pairwise.config import ConstrainedConfig, SimilarityConfig
from l2c_jax.pairwise.constrained import (
    UnlabeledPoints,
    assign_clusters,
    cluster_by_similarity,
    cluster_step,
)
from l2c_jax.pairwise.learn import learn_similarity
from l2c_jax.pairwise.losses import mcl
from l2c_jax.pairwise.networks import init_clusters, init_similarity, pair_log_odds
from l2c_jax.pairwise.similarity import Similarity
from l2c_jax.pairwise.train import init_state
from l2c_jax.training.loop import RunOptions

RNG = np.random.default_rng(0)
BACKBONE = MLP(columns=2, hidden=(32, 32))
LABELS = np.repeat(np.arange(3), 20)
CENTERS = np.array([(0.0, 2.0), (-2.0, -1.0), (2.0, -1.0)])
POINTS = CENTERS[LABELS] + 0.3 * RNG.normal(size=(60, 2))
SAME = LABELS[:, None] == LABELS[None, :]
SHORT = ConstrainedConfig(num_clusters=4, epochs=3, batch=30, log_every=2, checkpoint_every=2)


ADAM = optax.adam(optax.constant_schedule(1e-3))


class CrashError(Exception):
    """Stands for a crash."""


def near(first, second):
    """A similarity by distance."""
    return np.exp(-((first[:, None] - second[None]) ** 2).sum(axis=-1) / 3)


def cluster(similarity, config, optimizer=None, **options):
    run = RunOptions(progress=False, **options)
    return cluster_by_similarity(
        similarity, POINTS, BACKBONE, config, optimizer=optimizer, run=run
    )


@pytest.mark.parametrize(("loss", "similarity"), [("mcl", SAME), ("kcl", near)])
def test_three_blobs_are_found(loss, similarity):
    config = ConstrainedConfig(
        num_clusters=3, loss=loss, epochs=60, batch=60, learning_rate=5e-3, log_every=30
    )
    found, finished = cluster(similarity, config)
    assert finished
    assert error_rate(LABELS, found.labels) == 0
    assert found.num_clusters == 3
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1, rtol=1e-5)
    elsewhere = assign_clusters(found.variables, BACKBONE, CENTERS)
    np.testing.assert_array_equal(elsewhere.argmax(axis=1), found.labels[[0, 20, 40]])


def test_a_crashed_run_resumes_bit_for_bit(tmp_path):
    logged = []
    whole, _ = cluster(SAME, SHORT, on_log=logged.append)
    assert logged[-1].keys() >= {"loss", "similar", "clusters"}

    def crash(record):
        if record["iteration"] == 4:
            raise CrashError

    with pytest.raises(CrashError):
        cluster(SAME, SHORT, folder=tmp_path / "run", on_log=crash)
    resumed, finished = cluster(SAME, SHORT, folder=tmp_path / "run", resume=True)
    assert finished
    np.testing.assert_array_equal(resumed.probabilities, whole.probabilities)


def test_loss_and_optimizer_can_be_replaced():
    def doubled(probabilities, similar):
        return 2 * mcl(probabilities, similar)

    rate = 0.125
    plain, _ = cluster(SAME, SHORT, optax.sgd(2 * rate))
    other, _ = cluster(SAME, replace(SHORT, loss=doubled), optax.sgd(rate))
    np.testing.assert_array_equal(other.probabilities, plain.probabilities)
    default, _ = cluster(SAME, SHORT)
    assert (default.probabilities != plain.probabilities).any()


@pytest.mark.parametrize("adapt", [True, False])
def test_a_learned_similarity_predicts_the_augmented_batch(adapt):
    backbone = MLP(columns=2, hidden=(4,))
    variables = jax.jit(init_similarity, static_argnums=1)(jax.random.key(0), backbone)
    learned = Similarity(variables, backbone)
    config = ConstrainedConfig(num_clusters=2, batch=60, adapt=adapt)
    clusters = jax.jit(init_clusters, static_argnums=(1, 2))(jax.random.key(1), backbone, 2)
    state = init_state(clusters, ADAM)
    data = UnlabeledPoints(jnp.asarray(POINTS, jnp.float32), learned, None)
    step = jax.jit(cluster_step, static_argnums=(3, 4))
    new, info = step(state, data, jax.random.key(2), backbone, config)
    assert int(new.step) == 1
    predict = jax.jit(partial(pair_log_odds, backbone=backbone, train=adapt))
    log_odds, _ = predict(variables, data.points)
    np.testing.assert_allclose(info["similar"], (log_odds > 0).mean(), rtol=1e-6)


def test_a_step_reads_images_of_uint8():
    backbone, config = VGGS(), ConstrainedConfig()

    def first_step(key):
        key_init, key_similarity, key_run = jax.random.split(key, 3)
        state = init_state(init_clusters(key_init, backbone, 100), ADAM)
        images = jnp.zeros((120, 32, 32, 1), jnp.uint8)
        learned = Similarity(init_similarity(key_similarity, backbone), backbone)
        data = UnlabeledPoints(images, learned, None)
        return state, cluster_step(state, data, key_run, backbone, config)

    state, (after, info) = jax.eval_shape(first_step, jax.random.key(0))  # nothing is computed
    assert after == state
    assert {value.shape for value in info.values()} == {()}


@pytest.mark.slow
def test_images_are_clustered_with_a_learned_similarity():
    backbone = VGGS(size=16, width=1 / 64)
    images = RNG.integers(0, 256, (6, 16, 16, 1)).astype(np.uint8)
    config = SimilarityConfig(iterations=1, classes=2, per_class=2)
    quiet = RunOptions(progress=False)
    learned, _ = learn_similarity(images, np.arange(6) % 2, backbone, config, run=quiet)
    found, finished = cluster_by_similarity(
        learned, images, config=ConstrainedConfig(num_clusters=5, epochs=1), run=quiet
    )
    assert finished
    assert found.backbone == backbone
    assert found.probabilities.shape == (6, 5)


@pytest.mark.parametrize(
    ("similarity", "points", "message"),
    [
        (SAME[:5], POINTS, r"shape \[60, 60\], got \[5, 60\]"),
        (2.0 * SAME, POINTS, r"in \[0, 1\]"),
        (SAME[:1, :1], POINTS[:1], "at least 2 points"),
        (SAME, POINTS[:, :1], r"shape \[N, 2\]"),
        (lambda a, b: np.zeros(3), POINTS, r"shape \[60, 60\], got \[3\]"),
    ],
)
def test_what_does_not_fit_is_refused(similarity, points, message):
    with pytest.raises(ValueError, match=message):
        cluster_by_similarity(similarity, points, BACKBONE, SHORT, run=RunOptions(progress=False))
