"""Reconstructing clusters: from true pairs, from any function, by a network that adapts."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from l2c_jax.metrics import error_rate
from l2c_jax.pairwise.backbones import MLP, VGGS
from l2c_jax.pairwise.constrained import (
    ClusterConfig,
    Unlabelled,
    assign_clusters,
    cluster_step,
    reconstruct_clusters,
)
from l2c_jax.pairwise.networks import init_clusters, init_similarity, pair_log_odds
from l2c_jax.pairwise.similarity import SimilarityConfig, learn_similarity
from l2c_jax.pairwise.train import init_state, optimizer

RNG = np.random.default_rng(0)
TRUNK = MLP(columns=2, hidden=(32, 32))
LABELS = np.repeat(np.arange(3), 20)
CENTRES = np.array([(0.0, 2.0), (-2.0, -1.0), (2.0, -1.0)])
POINTS = CENTRES[LABELS] + 0.3 * RNG.normal(size=(60, 2))
SAME = LABELS[:, None] == LABELS[None, :]
SHORT = ClusterConfig(num_clusters=4, epochs=3, batch=30, log_every=2, checkpoint_every=2)


class CrashError(Exception):
    """Stands for a crash."""


def near(first, second):
    """A similarity that nobody has learned."""
    return np.exp(-((first[:, None] - second[None]) ** 2).sum(axis=-1) / 3)


def reconstruct(similarity, config, **options):
    return reconstruct_clusters(similarity, POINTS, TRUNK, config, progress=False, **options)


@pytest.mark.parametrize(("loss", "similarity"), [("mcl", SAME), ("kcl", near)])
def test_three_blobs_are_found(loss, similarity):
    config = ClusterConfig(
        num_clusters=3, loss=loss, epochs=60, batch=60, learning_rate=5e-3, log_every=30
    )
    found, finished = reconstruct(similarity, config)
    assert finished
    assert error_rate(LABELS, found.labels) == 0
    assert found.num_clusters == 3
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1, rtol=1e-5)
    elsewhere = assign_clusters(found.variables, TRUNK, CENTRES)
    np.testing.assert_array_equal(elsewhere.argmax(axis=1), found.labels[[0, 20, 40]])


def test_a_crashed_run_resumes_bit_for_bit(tmp_path):
    logged = []
    whole, _ = reconstruct(SAME, SHORT, on_log=logged.append)
    assert logged[-1].keys() >= {"loss", "similar", "clusters"}

    def crash(record):
        if record["iteration"] == 4:
            raise CrashError

    with pytest.raises(CrashError):
        reconstruct(SAME, SHORT, folder=tmp_path / "run", on_log=crash)
    resumed, finished = reconstruct(SAME, SHORT, folder=tmp_path / "run", resume=True)
    assert finished
    np.testing.assert_array_equal(resumed.probabilities, whole.probabilities)


@pytest.mark.parametrize("adapt", [True, False])
def test_a_learned_similarity_is_asked_about_the_batch_as_it_is_read(adapt):
    trunk = MLP(columns=2, hidden=(4,))
    learned = jax.jit(init_similarity, static_argnums=1)(jax.random.key(0), trunk)
    config = ClusterConfig(num_clusters=2, batch=60, adapt=adapt)
    variables = jax.jit(init_clusters, static_argnums=(1, 2))(jax.random.key(1), trunk, 2)
    state = init_state(variables, optimizer(1e-3, (), 1))
    data = Unlabelled(jnp.asarray(POINTS, jnp.float32), learned, None)
    step = jax.jit(cluster_step, static_argnums=(3, 4, 5))
    new, info = step(state, data, jax.random.key(2), trunk, trunk, config)
    assert int(new.step) == 1
    log_odds, _ = jax.jit(partial(pair_log_odds, trunk=trunk, train=adapt))(learned, data.points)
    np.testing.assert_allclose(info["similar"], (log_odds > 0).mean(), atol=1e-3)


def test_a_step_reads_images_of_uint8():
    trunk, config = VGGS(), ClusterConfig()

    def first_step(key):
        key_init, key_similarity, key_run = jax.random.split(key, 3)
        variables = init_clusters(key_init, trunk, 100)
        state = init_state(variables, optimizer(1e-3, (), 1))
        images = jnp.zeros((120, 32, 32, 1), jnp.uint8)
        data = Unlabelled(images, init_similarity(key_similarity, trunk), None)
        return state, cluster_step(state, data, key_run, trunk, trunk, config)

    state, (after, info) = jax.eval_shape(first_step, jax.random.key(0))  # nothing is computed
    assert after == state
    assert {value.shape for value in info.values()} == {()}


@pytest.mark.slow
def test_images_are_clustered_with_a_learned_similarity():
    trunk = VGGS(size=16, width=1 / 64)
    images = RNG.integers(0, 256, (6, 16, 16, 1)).astype(np.uint8)
    config = SimilarityConfig(iterations=1, classes=2, per_class=2)
    learned, _ = learn_similarity(images, np.arange(6) % 2, trunk, config, progress=False)
    found, finished = reconstruct_clusters(
        learned, images, config=ClusterConfig(num_clusters=5, epochs=1), progress=False
    )
    assert finished
    assert found.trunk == trunk
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
        reconstruct_clusters(similarity, points, TRUNK, SHORT, progress=False)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_clusters": 0}, "num_clusters must be at least 1, got 0"),
        ({"batch": 1}, "no pairs"),
        ({"epochs": 0}, "at least 1"),
        ({"loss": "hinge"}, "one of"),
        ({"learning_rate": 0.0}, "positive"),
        ({"drops": (2.0,)}, "between 0 and 1"),
        ({"crop": (0.9, 0.5)}, "share of the area"),
    ],
)
def test_configurations_that_make_no_sense_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        ClusterConfig(**options)
