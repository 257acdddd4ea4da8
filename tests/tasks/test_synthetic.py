"""Synthetic tasks and their Bayes posterior."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from scipy.special import logsumexp

from l2c_jax.metrics import matched_error
from l2c_jax.tasks.synthetic import (
    TaskConfig,
    draw_mixture,
    draw_task,
    draw_task_and_mixture,
    log_posterior,
)


def many(draw, config: TaskConfig, tasks: int, seed: int = 0):
    """Tasks or mixtures in one jitted, vmapped call."""
    keys = jax.random.split(jax.random.key(seed), tasks)
    return jax.jit(jax.vmap(partial(draw, config=config)))(keys)


VARIED = TaskConfig(num_points=30, num_clusters=5, min_points=10, min_clusters=2)
UNEVEN = TaskConfig(num_points=60, num_clusters=4, concentration=2.0)


def test_key_zero_gives_the_task_it_always_gave():
    task = draw_task(jax.random.key(0), TaskConfig(num_points=4, anisotropy=1.0))
    golden = [[0, 0]]
    np.testing.assert_allclose(task.points, golden, rtol=1e-4)
    assert task.labels.tolist() == [0, 1, 0, 1]


def test_same_key_same_task():
    first, again = (draw_task(jax.random.key(7), VARIED) for _ in range(2))
    jax.tree.map(np.testing.assert_array_equal, first, again)


@pytest.mark.parametrize("config", [VARIED, UNEVEN], ids=["varied", "uneven"])
def test_jit_and_vmap_equal_a_loop(config):
    together = many(draw_task, config, 3, seed=1)
    for index, key in enumerate(jax.random.split(jax.random.key(1), 3)):
        alone = draw_task(key, config)
        np.testing.assert_allclose(together.points[index], alone.points, rtol=1e-4, atol=1e-5)
        np.testing.assert_array_equal(together.labels[index], alone.labels)
        np.testing.assert_array_equal(together.mask[index], alone.mask)


def test_masked_points_are_zeros_with_label_zero():
    tasks = many(draw_task, VARIED, 50)
    assert not tasks.mask.all()
    np.testing.assert_array_equal(tasks.points[~tasks.mask], 0)
    np.testing.assert_array_equal(tasks.labels[~tasks.mask], 0)


def test_point_counts_fill_their_range():
    sizes = many(draw_task, VARIED, 500).mask.sum(axis=1)
    assert set(sizes.tolist()) == set(range(10, 31))


@pytest.mark.parametrize("num_clusters", [1, 3, 4])
def test_equal_sizes_are_exact(num_clusters):
    config = TaskConfig(num_points=24, num_clusters=num_clusters)
    labels = many(draw_task, config, 5).labels
    for row in np.array(labels):
        assert np.bincount(row).tolist() == [24 // num_clusters] * num_clusters


def test_cluster_counts_are_frequent_in_proportion_to_themselves():
    present = jnp.isfinite(many(draw_mixture, VARIED, 2000).log_weights)
    counts = np.array(present.sum(axis=1))
    assert (np.diff(np.array(present, int), axis=1) <= 0).all()  # the first k are present
    observed = np.bincount(counts, minlength=6)
    assert observed.sum() == observed[2:].sum()
    expected = 2000 * np.array([2, 3, 4, 5]) / 14
    chi_square = ((observed[2:] - expected) ** 2 / expected).sum()
    assert chi_square < stats.chi2(3).isf(1e-6)


def test_every_drawn_cluster_has_points_and_no_other():
    tasks, mixtures = many(draw_task_and_mixture, VARIED, 50)
    for labels, mask, weights in zip(
        tasks.labels, tasks.mask, np.isfinite(mixtures.log_weights), strict=True
    ):
        assert set(labels[mask].tolist()) == set(np.flatnonzero(weights).tolist())


def test_weights_sum_to_one():
    for config in (VARIED, UNEVEN):
        weights = jnp.exp(many(draw_mixture, config, 20).log_weights)
        np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-5)


def test_uneven_weights_are_a_dirichlet_draw():
    weights = jnp.exp(many(draw_mixture, UNEVEN, 1000).log_weights)
    for k in range(4):  # each is Beta(c, (K - 1) c)
        assert stats.kstest(np.array(weights[:, k]), stats.beta(2.0, 6.0).cdf).pvalue > 1e-6


def test_labels_are_drawn_from_the_weights():
    tasks, mixtures = many(draw_task_and_mixture, UNEVEN, 300)
    shares = jax.nn.one_hot(tasks.labels, 4).mean(axis=1)
    weights = jnp.exp(mixtures.log_weights)
    deviation = (shares - weights) / jnp.sqrt(weights * (1 - weights) / 60)
    np.testing.assert_allclose((deviation**2).mean(), 1, atol=0.3)


def test_one_dimension_needs_no_swirls():
    task = draw_task(jax.random.key(0), TaskConfig(num_points=10, dimensions=1, swirls=0))
    assert task.points.shape == (10, 1)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"dimensions": 0}, "dimensions must be at least 1"),
        ({"num_clusters": 0}, "num_clusters must be at least 1"),
        ({"num_clusters": 3, "min_clusters": 4}, r"min_clusters must lie in 1\.\.num_clusters"),
        ({"min_clusters": 0}, "min_clusters must lie in"),
        ({"num_points": 10, "min_points": 11}, r"min_points must lie in 1\.\.num_points"),
        ({"num_points": 0}, "min_points must lie in"),
        ({"theta": 0.0}, "theta, alpha and alpha_r must be positive"),
        ({"alpha": -1.0}, "theta, alpha and alpha_r must be positive"),
        ({"alpha_r": 0.0}, "theta, alpha and alpha_r must be positive"),
        ({"beta": -1.0}, "must not be negative"),
        ({"beta_r": -1.0}, "must not be negative"),
        ({"anisotropy": -0.1}, "must not be negative"),
        ({"swirls": -1}, "must not be negative"),
        ({"dimensions": 1}, "swirls need at least 2 dimensions"),
        ({"concentration": 0.0}, "concentration must be positive"),
    ],
)
def test_impossible_configurations_are_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        TaskConfig(**fields)


def test_every_broken_rule_is_named():
    with pytest.raises(ValueError, match=r"theta.*; .*concentration"):
        TaskConfig(theta=-1.0, concentration=-1.0)


@pytest.mark.parametrize("config", [VARIED, UNEVEN], ids=["varied", "uneven"])
def test_posterior_rows_sum_to_one(config):
    tasks, mixtures = many(draw_task_and_mixture, config, 10)
    posterior = jnp.exp(jax.jit(jax.vmap(log_posterior))(mixtures, tasks.points))
    np.testing.assert_allclose(posterior.sum(axis=-1), 1, rtol=1e-5)


def test_absent_clusters_have_posterior_zero():
    tasks, mixtures = many(draw_task_and_mixture, VARIED, 20)
    posterior = jnp.exp(jax.vmap(log_posterior)(mixtures, tasks.points))
    absent = jnp.isneginf(mixtures.log_weights)
    assert absent.any()
    assert (posterior * absent[:, None, :]).max() == 0


def in_double_precision(mixture, points) -> np.ndarray:
    """The posterior with NumPy and SciPy, in float64."""
    joint = []
    for k, log_weight in enumerate(np.array(mixture.log_weights, np.float64)):
        source = np.array(points, np.float64)
        planes, widths = np.array(mixture.swirls.planes[k]), np.array(mixture.swirls.widths[k])
        for (p, q), width in zip(planes[::-1], widths[::-1], strict=True):
            angle = np.pi * np.hypot(source[:, p], source[:, q]) / np.float64(width)
            source[:, p], source[:, q] = (
                np.cos(angle) * source[:, p] - np.sin(angle) * source[:, q],
                np.sin(angle) * source[:, p] + np.cos(angle) * source[:, q],
            )
        factor = np.array(mixture.gaussians.factors[k], np.float64)
        mean = np.array(mixture.gaussians.means[k], np.float64)
        density = stats.multivariate_normal(mean, factor.T @ factor).logpdf(source)
        joint.append(density + log_weight)
    joint = np.array(joint).T
    return np.exp(joint - logsumexp(joint, axis=1, keepdims=True))


def test_posterior_equals_float64_numpy():
    config = TaskConfig(num_points=40, dimensions=3, num_clusters=4, anisotropy=1.0, swirls=2)
    task, mixture = draw_task_and_mixture(jax.random.key(3), config)
    found = jnp.exp(log_posterior(mixture, task.points))
    np.testing.assert_allclose(found, in_double_precision(mixture, task.points), atol=1e-3)


def test_bayes_error_is_lower_than_that_of_the_nearest_mean():
    config = TaskConfig(num_points=60, num_clusters=3, anisotropy=1.0)

    @jax.jit
    @jax.vmap
    def errors(key):
        task, mixture = draw_task_and_mixture(key, config)
        member = jax.nn.one_hot(task.labels, 3)
        means = member.T @ task.points / 20
        nearest = ((task.points[:, None] - means[None]) ** 2).sum(axis=-1).argmin(axis=1)
        oracle = log_posterior(mixture, task.points).argmax(axis=1)
        return [matched_error(task.labels, found, task.mask, 3) for found in (oracle, nearest)]

    oracle, nearest = errors(jax.random.split(jax.random.key(0), 200))
    assert oracle.mean() + 0.05 < nearest.mean()
