"""Deep Embedded Clustering: its equations against float64 loops, and what it promises."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import entropy

from experiments.lib.baselines import dec as module
from experiments.lib.baselines.dec import Clusterer, pretrain, refine, scaled
from experiments.lib.baselines.dec import deep_embedded_clustering as dec
from experiments.lib.baselines.dec_assignment import (
    divergence,
    soft_assignment,
    target_distribution,
)
from experiments.lib.baselines.dec_networks import DECConfig, decoder_of, encoder_of, init
from l2c_jax.metrics import error_rate

SIZE, WIDTH, K = 12, 5, 3
RNG = np.random.default_rng(0)
EMBEDDED = RNG.normal(size=(SIZE, WIDTH)).astype(np.float32)
CENTRES = RNG.normal(size=(K, WIDTH)).astype(np.float32)
MASK = RNG.random(SIZE) < 0.7
Q = RNG.dirichlet(np.ones(K), SIZE).astype(np.float32)
P = RNG.dirichlet(np.ones(K), SIZE).astype(np.float32)
SMALL = {"hidden": (32,), "dropout": 0.2, "pretraining": 200, "finetuning": 100, "n_init": 5}
divergence, soft_assignment, target_distribution = map(
    jax.jit, (divergence, soft_assignment, target_distribution)
)


def blobs(dimensions: int, size: int = 90, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Three round clusters whose centres lie at least 6 standard deviations apart."""
    rng = np.random.default_rng(seed)
    labels = np.arange(size) % 3
    centres = np.zeros((3, dimensions))
    centres[1, 0] = centres[2, 1] = 6.0 * np.sqrt(dimensions / 2)
    return centres[labels] + rng.normal(size=(size, dimensions)) + 5, labels


def float64_assignment(embedded: np.ndarray, centres: np.ndarray) -> np.ndarray:
    q = np.zeros((len(embedded), len(centres)))
    for i, z in enumerate(embedded.astype(np.float64)):
        for j, centre in enumerate(centres.astype(np.float64)):
            q[i, j] = (1 + sum((z - centre) ** 2)) ** -1
        q[i] /= sum(q[i])
    return q


def test_soft_assignment_is_a_float64_loop():
    expected = float64_assignment(EMBEDDED, CENTRES)
    np.testing.assert_allclose(soft_assignment(EMBEDDED, CENTRES), expected, rtol=1e-5)


def test_target_distribution_is_a_float64_loop():
    q, p = Q.astype(np.float64), np.zeros((SIZE, K))
    frequency = [sum(q[i, j] for i in np.flatnonzero(MASK)) for j in range(K)]
    for i in range(SIZE):
        for j in range(K):
            p[i, j] = q[i, j] ** 2 / frequency[j]
        p[i] /= sum(p[i])
    np.testing.assert_allclose(target_distribution(Q, MASK), p, rtol=1e-5)


def test_divergence_is_that_of_scipy():
    expected = np.mean([entropy(p, q) for p, q in zip(P, Q, strict=True)])
    np.testing.assert_allclose(divergence(P, Q), expected, rtol=1e-5)
    assert divergence(Q, Q) == 0


def test_gradients_are_equations_4_and_5():
    def loss(embedded, centres):
        return SIZE * divergence(P, soft_assignment(embedded, centres))  # equation 2 sums

    found = jax.jit(jax.grad(loss, argnums=(0, 1)))(EMBEDDED, CENTRES)
    q = float64_assignment(EMBEDDED, CENTRES)
    by_point, by_centre = np.zeros((SIZE, WIDTH)), np.zeros((K, WIDTH))
    for i in range(SIZE):
        for j in range(K):
            way = EMBEDDED[i].astype(np.float64) - CENTRES[j]
            pull = 2 / (1 + sum(way**2)) * (P[i, j] - q[i, j]) * way
            by_point[i] += pull
            by_centre[j] -= pull
    np.testing.assert_allclose(found[0], by_point, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found[1], by_centre, rtol=1e-4, atol=1e-6)


def test_masked_points_do_not_matter_to_the_target():
    other = np.where(MASK[:, None], Q, 1 / K).astype(np.float32)
    one, two = target_distribution(Q, MASK), target_distribution(other, MASK)
    np.testing.assert_array_equal(one[MASK], two[MASK])


def test_renaming_clusters_and_turning_the_embedding_rename_the_assignment():
    names = np.array([2, 0, 1])
    turn = np.linalg.qr(RNG.normal(size=(WIDTH, WIDTH)))[0].astype(np.float32)
    q = soft_assignment(EMBEDDED, CENTRES)
    found = soft_assignment(EMBEDDED @ turn, (CENTRES @ turn)[names])
    np.testing.assert_allclose(found, q[:, names], rtol=1e-5)
    target = target_distribution(q, MASK)
    np.testing.assert_allclose(target_distribution(q[:, names], MASK), target[:, names], rtol=1e-6)


@pytest.mark.parametrize("centre", [True, False])
def test_scaled_points_have_unit_mean_square_and_no_column_is_treated_alone(centre):
    points = RNG.normal(size=(20, 3)) * [1, 10, 100] + 7
    found = scaled(points, centre=centre)
    np.testing.assert_allclose((found**2).mean(), 1)
    ratio = (found - found[0])[1:] / (points - points[0])[1:]
    np.testing.assert_allclose(ratio, ratio[0, 0])
    np.testing.assert_array_equal(scaled(4 * points, centre=centre), found)
    if centre:
        np.testing.assert_allclose(scaled(points - 50, centre=True), found, atol=1e-12)


@pytest.mark.parametrize("value", [0.0, 3.0, 1e300])
def test_equal_points_scale_to_something_finite(value):
    for centre in (True, False):
        assert np.isfinite(scaled(np.full((4, 2), value), centre=centre)).all()


def linear_map(points: np.ndarray, width: int, **options) -> np.ndarray:
    """What an autoencoder without hidden layers learns: the matrix from points to restored."""
    config = DECConfig(
        hidden=(), embedding=width, finetuning=0, learning_rate=3e-3, batch=256, **options
    )
    fit = jax.jit(pretrain, static_argnames="config")
    weights = fit(jax.random.key(0), points.astype(np.float32), len(points), config)
    dimensions = points.shape[1]
    embedded = encoder_of(config).apply(weights.encoder, np.eye(1 + dimensions, dimensions))
    restored = np.asarray(decoder_of(config, dimensions).apply(weights.decoder, embedded))
    return restored[:-1] - restored[-1:]


def test_a_linear_autoencoder_finds_the_principal_plane():
    points = scaled(RNG.normal(size=(64, 4)) * [4, 2, 0.5, 0.5], centre=True)
    error = ((points @ linear_map(points, 2, pretraining=1000) - points) ** 2).sum()
    least = (np.linalg.svd(points)[1][2:] ** 2).sum()
    assert least <= error <= 1.1 * least


def test_masked_inputs_are_restored_from_the_others():
    points = RNG.normal(size=(64, 1)) + 0.3 * RNG.normal(size=(64, 3))
    points = scaled(points, centre=True)
    second_moment = points.T @ points / len(points)
    seen = second_moment * (1 + np.eye(3))  # of points with half of their numbers masked
    expected = np.linalg.solve(seen, second_moment)
    found = linear_map(points, 3, pretraining=1500, dropout=0.5)
    # masks are drawn anew in each step: Adam ends within its noise around the solution
    np.testing.assert_allclose(found, expected, atol=0.12)
    assert np.abs(expected - np.eye(3)).max() > 0.5  # which it would be without masks


def test_data_sets_of_similar_size_compile_once(monkeypatch):
    for name, traces in (("_embed", 1), ("_refine", 2)):  # the second one for k=1
        counted = chex.assert_max_traces(getattr(module, name).__wrapped__, n=traces)
        monkeypatch.setattr(module, name, jax.jit(counted, static_argnames="config"))
    chex.clear_trace_counter()
    for seed, size in enumerate((128, 90, 65)):
        points, labels = blobs(2, size, seed)
        assert error_rate(labels, dec(points, 3, seed, **SMALL)) < 0.05
    np.testing.assert_array_equal(dec(points, 3, 7, **SMALL), dec(points, 3, 7, **SMALL))
    np.testing.assert_array_equal(dec(points, 1, 7, **SMALL), np.zeros(65))


def test_finds_blobs_in_ten_dimensions():
    points, labels = blobs(10)
    assert error_rate(labels, dec(points, 3, 0, **SMALL)) < 0.05


@pytest.mark.parametrize(("k", "tolerance", "expected"), [(3, 0.0, 2), (1, 1e-3, 1)])
def test_refinement_stops_when_refreshes_are_spent_or_labels_settle(k, tolerance, expected):
    config = DECConfig(hidden=(), embedding=2, interval=2, refreshes=2, tolerance=tolerance)
    points = RNG.normal(size=(64, 2)).astype(np.float32)
    clusterer = Clusterer(init(jax.random.key(0), 2, config).encoder, jnp.eye(3, 2)[:k])
    run = jax.jit(refine, static_argnames="config")
    assert run(jax.random.key(1), clusterer, points, 64, config).refreshes == expected


@pytest.mark.parametrize(
    ("points", "k", "message"),
    [
        (np.zeros(4), 2, r"matrix \[N, D\].*\(4,\)"),
        (np.zeros((0, 2)), 1, "at least 1 row"),
        (np.zeros((3, 0)), 1, "1 column"),
        (np.full((3, 2), np.nan), 2, "finite"),
        (np.full((3, 2), np.inf), 2, "finite"),
        (np.zeros((3, 2)), 0, r"1\.\.N=3, got 0"),
        (np.zeros((3, 2)), 4, r"1\.\.N=3, got 4"),
    ],
)
def test_bad_input_is_refused(points, k, message):
    with pytest.raises(ValueError, match=message):
        dec(points, k, 0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"embedding": 0},
        {"interval": 0},
        {"hidden": (8, 0)},
        {"pretraining": -1},
        {"dropout": 1.0},
        {"learning_rate": 0.0},
    ],
)
def test_bad_configurations_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong)).split("_")[0]):
        DECConfig(**wrong)
