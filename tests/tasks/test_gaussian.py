"""Synthetic tasks and their Bayes posterior."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from scipy.special import logsumexp

from l2c_jax.metrics import matched_error
from l2c_jax.tasks.base import Task
from l2c_jax.tasks.gaussian import (
    GaussianTasks,
    Mixture,
    log_posterior,
)

VARIED = GaussianTasks(
    num_points=30, dimensions=4, num_clusters=5, min_points=10, min_dimensions=2, min_clusters=2
)
UNEVEN = GaussianTasks(num_points=60, num_clusters=4, concentration=2.0)


@cache
def many(config: GaussianTasks) -> tuple[Task, Mixture]:
    """2000 tasks and what they were drawn from, in one jitted, vmapped call."""
    keys = jax.random.split(jax.random.key(0), 2000)
    return jax.jit(jax.vmap(config.sample_with_mixture))(keys)


def first(config: GaussianTasks, tasks: int) -> tuple[Task, Mixture]:
    """The first of them."""
    return jax.tree.map(lambda leaf: leaf[:tasks], many(config))


@cache
def jitted(config: GaussianTasks):
    return jax.jit(config.sample_with_mixture)


def test_key_zero_gives_the_task_it_always_gave():
    task, _ = jitted(GaussianTasks(num_points=4, anisotropy=1.0))(jax.random.key(0))
    golden = [
        [0.05036797, -0.4366455],
        [-1.2398281, 1.1519511],
        [0.01523697, -0.8994318],
        [1.1290575, -0.6535591],
    ]
    np.testing.assert_allclose(task.points, golden, rtol=1e-4)
    assert task.labels.tolist() == [0, 1, 0, 1]


def test_same_key_same_task_and_other_key_other_task():
    a, again, b = (jitted(VARIED)(jax.random.key(seed))[0] for seed in (7, 7, 8))
    jax.tree.map(np.testing.assert_array_equal, a, again)
    assert (a.points != b.points).any()


@pytest.mark.parametrize("config", [VARIED, UNEVEN], ids=["varied", "uneven"])
def test_jit_and_vmap_equal_a_loop(config):
    together, _ = many(config)
    for index, key in enumerate(jax.random.split(jax.random.key(0), 2000)[:3]):
        alone, _ = jitted(config)(key)
        np.testing.assert_allclose(together.points[index], alone.points, rtol=1e-4, atol=1e-5)
        np.testing.assert_array_equal(together.labels[index], alone.labels)
        np.testing.assert_array_equal(together.mask[index], alone.mask)


def test_masked_points_are_zeros_with_label_zero():
    tasks, _ = many(VARIED)
    assert not tasks.mask.all()
    assert not (np.array(tasks.points) * ~np.array(tasks.mask)[..., None]).any()
    assert not (np.array(tasks.labels) * ~np.array(tasks.mask)).any()


def test_point_counts_fill_their_range():
    sizes = many(VARIED)[0].mask.sum(axis=1)
    assert set(sizes.tolist()) == set(range(10, 31))


def test_dimension_counts_fill_their_range_and_the_others_are_zero():
    tasks, mixtures = many(VARIED)
    counts = np.array(mixtures.axes.sum(axis=1))
    assert set(counts.tolist()) == {2, 3, 4}
    used = np.array((tasks.points != 0).any(axis=1))
    np.testing.assert_array_equal(used, np.arange(4)[None] < counts[:, None])


@pytest.mark.parametrize("num_clusters", [1, 4])
def test_equal_sizes_are_exact(num_clusters):
    config = GaussianTasks(num_points=24, num_clusters=num_clusters, num_swirls=0)
    labels = jitted(config)(jax.random.key(0))[0].labels
    assert np.bincount(labels).tolist() == [24 // num_clusters] * num_clusters


def test_cluster_counts_are_frequent_in_proportion_to_themselves():
    present = np.isfinite(many(VARIED)[1].log_weights)
    assert (np.diff(present.astype(int), axis=1) <= 0).all()  # the first k are present
    observed = np.bincount(present.sum(axis=1), minlength=6)
    assert observed.sum() == observed[2:].sum()
    expected = 2000 * np.array([2, 3, 4, 5]) / 14
    chi_square = ((observed[2:] - expected) ** 2 / expected).sum()
    assert chi_square < stats.chi2(3).isf(1e-6)


def test_every_drawn_cluster_has_points_and_no_other():
    tasks, mixtures = jax.tree.map(np.array, first(VARIED, 50))
    for labels, mask, weights in zip(tasks.labels, tasks.mask, mixtures.log_weights, strict=True):
        assert set(labels[mask]) == set(np.flatnonzero(np.isfinite(weights)))


@pytest.mark.parametrize("config", [VARIED, UNEVEN], ids=["varied", "uneven"])
def test_weights_sum_to_one(config):
    np.testing.assert_allclose(np.exp(many(config)[1].log_weights).sum(axis=1), 1, rtol=1e-5)


def test_uneven_weights_are_a_dirichlet_draw():
    weights = np.exp(many(UNEVEN)[1].log_weights)
    for k in range(4):  # each is Beta(c, (K - 1) c)
        assert stats.kstest(weights[:, k], stats.beta(2.0, 6.0).cdf).pvalue > 1e-6


def test_labels_are_drawn_from_the_weights():
    tasks, mixtures = many(UNEVEN)
    shares = jax.nn.one_hot(tasks.labels, 4).mean(axis=1)
    weights = jnp.exp(mixtures.log_weights)
    deviation = (shares - weights) / jnp.sqrt(weights * (1 - weights) / 60)
    # the mean of 2000 x 3 squared standard deviations: four of its standard errors
    np.testing.assert_allclose((deviation**2).mean(), 1, atol=4 * (2 / 6000) ** 0.5)


def test_one_dimension_needs_no_swirls():
    task, _ = jitted(GaussianTasks(num_points=10, dimensions=1, num_swirls=0))(jax.random.key(0))
    assert task.points.shape == (10, 1)
    assert np.isfinite(task.points).all()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"dimensions": 0}, "dimensions must be at least 1"),
        ({"num_clusters": 0}, "num_clusters must be at least 1"),
        ({"num_clusters": 3, "min_clusters": 4}, r"min_clusters must lie in 1\.\.num_clusters"),
        ({"min_clusters": 0}, "min_clusters must lie in"),
        ({"num_points": 10, "min_points": 11}, r"min_points must lie in 1\.\.num_points"),
        ({"dimensions": 2, "min_dimensions": 3}, r"min_dimensions must lie in 1\.\.dimensions"),
        ({"min_dimensions": 1}, "swirls need at least 2 dimensions"),
        ({"num_points": 0}, "min_points must lie in"),
        ({"theta": 0.0}, "theta, alpha and alpha_r must be positive"),
        ({"alpha": -1.0}, "theta, alpha and alpha_r must be positive"),
        ({"alpha_r": 0.0}, "theta, alpha and alpha_r must be positive"),
        ({"beta": -1.0}, "must not be negative"),
        ({"beta_r": -1.0}, "must not be negative"),
        ({"anisotropy": -0.1}, "must not be negative"),
        ({"mean_anisotropy": -0.1}, "must not be negative"),
        ({"shared_anisotropy": -0.1}, "must not be negative"),
        ({"num_swirls": -1}, "must not be negative"),
        ({"dimensions": 1}, "swirls need at least 2 dimensions"),
        ({"concentration": 0.0}, "concentration must be positive"),
    ],
)
def test_impossible_configurations_are_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        GaussianTasks(**fields)


def test_every_broken_rule_is_named():
    with pytest.raises(ValueError, match=r"theta.*; .*concentration"):
        GaussianTasks(theta=-1.0, concentration=-1.0)


@pytest.mark.parametrize("config", [VARIED, UNEVEN], ids=["varied", "uneven"])
def test_posterior_rows_sum_to_one(config):
    tasks, mixtures = first(config, 20)
    posterior = jnp.exp(jax.jit(jax.vmap(log_posterior))(mixtures, tasks.points))
    np.testing.assert_allclose(posterior.sum(axis=-1), 1, rtol=1e-5)


def test_absent_clusters_have_posterior_zero():
    tasks, mixtures = first(VARIED, 20)
    posterior = jnp.exp(jax.jit(jax.vmap(log_posterior))(mixtures, tasks.points))
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
    config = GaussianTasks(
        num_points=40, dimensions=3, num_clusters=4, anisotropy=1.0, num_swirls=2
    )
    task, mixture = jitted(config)(jax.random.key(3))
    found = jnp.exp(jax.jit(log_posterior)(mixture, task.points))
    np.testing.assert_allclose(found, in_double_precision(mixture, task.points), atol=1e-3)


def test_bayes_error_is_lower_than_that_of_the_nearest_mean():
    config = GaussianTasks(num_points=60, num_clusters=3, anisotropy=1.0)

    @jax.jit
    @jax.vmap
    def errors(key):
        task, mixture = config.sample_with_mixture(key)
        member = jax.nn.one_hot(task.labels, 3)
        means = member.T @ task.points / 20
        nearest = ((task.points[:, None] - means[None]) ** 2).sum(axis=-1).argmin(axis=1)
        oracle = log_posterior(mixture, task.points).argmax(axis=1)
        return [matched_error(task.labels, found, task.mask, 3) for found in (oracle, nearest)]

    oracle, nearest = errors(jax.random.split(jax.random.key(0), 200))
    assert oracle.mean() + 0.05 < nearest.mean()
