"""Gaussian clusters, against NumPy and SciPy."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import multivariate_normal

from l2c_jax.tasks.components import (
    Spread,
    draw_gaussians,
    log_density,
    orthogonal,
    restrict,
    sample_gaussians,
)


@cache
def drawn(dimensions: int = 3, anisotropy: float = 0.0, tasks: int = 50):
    def draw(key):
        spread = Spread(theta=2.0, alpha=2.0, beta=3.0, anisotropy=anisotropy)
        return draw_gaussians(key, 4, dimensions, spread)

    return jax.jit(jax.vmap(draw))(jax.random.split(jax.random.key(0), tasks))


def covariances(gaussians) -> np.ndarray:
    factors = np.array(gaussians.factors, np.float64)
    return np.swapaxes(factors, -1, -2) @ factors


@pytest.mark.parametrize("dimensions", [1, 2, 5])
def test_orthogonal_is_orthogonal(dimensions):
    q = np.array(orthogonal(jax.random.key(0), dimensions))
    np.testing.assert_allclose(q @ q.T, np.eye(dimensions), atol=1e-5)


def test_orthogonal_favours_no_direction():
    many = jax.jit(jax.vmap(lambda key: orthogonal(key, 2)))
    rows = many(jax.random.split(jax.random.key(0), 2000))[:, 0]
    quadrant = 2 * (rows[:, 0] > 0) + (rows[:, 1] > 0)
    observed = np.bincount(np.array(quadrant), minlength=4)
    assert ((observed - 500) ** 2 / 500).sum() < 33  # chi-square, 3 degrees: p < 1e-6 beyond


def test_means_fill_the_cube():
    means = drawn().means
    assert jnp.abs(means).max() <= 2.0
    assert means.max() > 1.8
    assert means.min() < -1.8


def test_covariance_as_in_the_paper_is_isotropic_with_deviation_in_range():
    found = covariances(drawn())
    variance = found[..., 0, 0]
    expected = variance[..., None, None] * np.eye(3)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    inverse = 1 / np.sqrt(variance)
    assert inverse.min() >= 2.0 - 1e-5
    assert inverse.max() <= 5.0 + 1e-5


def test_anisotropic_eigenvalues_stay_within_their_bounds():
    eigen = np.linalg.eigvalsh(covariances(drawn(anisotropy=1.5)))
    assert (eigen[..., -1] / eigen[..., 0]).max() <= np.exp(2 * 1.5) * (1 + 1e-4)
    assert eigen.max() <= np.exp(1.5) / 2.0**2 * (1 + 1e-4)
    assert eigen.min() >= np.exp(-1.5) / 5.0**2 * (1 - 1e-4)
    assert (eigen[..., -1] / eigen[..., 0]).max() > 2  # and are not equal


def test_stretched_means_keep_their_volume_and_stay_within_their_bounds():
    def means(key):
        gaussians = draw_gaussians(
            key, 500, 3, Spread(theta=2.0, alpha=2.0, beta=3.0, mean_anisotropy=1.5)
        )
        return gaussians.means

    found = np.array(jax.jit(jax.vmap(means))(jax.random.split(jax.random.key(0), 50)))
    deviations = np.sqrt(np.linalg.eigvalsh([np.cov(own.T) for own in found]))
    sides = np.log(deviations * np.sqrt(12) / 4)  # of a cube they are 0
    np.testing.assert_allclose(sides.mean(axis=1), 0, atol=0.1)
    spread = sides[:, -1] - sides[:, 0]
    assert spread.max() <= 2 * 1.5 + 0.2
    assert spread.max() > 1.5
    assert spread.min() < 0.5  # the spread differs from task to task


def test_a_shared_stretch_lengthens_all_clusters_in_one_direction():
    def factors(key):
        return draw_gaussians(
            key, 4, 3, Spread(theta=2.0, alpha=2.0, beta=3.0, shared_anisotropy=1.5)
        ).factors

    found = jax.jit(jax.vmap(factors))(jax.random.split(jax.random.key(0), 50))
    shapes = np.array(found.mT @ found)
    volumes = np.linalg.det(shapes) ** (1 / 3)
    assert volumes.min() >= 1 / 5.0**2 * (1 - 1e-3)  # those of isotropic clusters
    assert volumes.max() <= 1 / 2.0**2 * (1 + 1e-3)
    shapes /= volumes[..., None, None]
    np.testing.assert_allclose(shapes, shapes[:, :1].repeat(4, axis=1), rtol=1e-3, atol=1e-4)
    deviations = np.log(np.linalg.eigvalsh(shapes[:, 0])) / 2
    spread = deviations[:, -1] - deviations[:, 0]
    assert spread.max() <= 2 * 1.5 + 1e-3
    assert spread.max() > 1.5
    assert spread.min() < 0.5  # the spread differs from task to task


def test_points_are_mean_plus_noise_times_factor():
    gaussians = jax.tree.map(lambda leaf: leaf[0], drawn(anisotropy=1.0))
    labels = jnp.array([3, 0, 0, 2, 1])
    points = jax.jit(sample_gaussians)(jax.random.key(5), gaussians, labels)
    noise = np.array(jax.random.normal(jax.random.key(5), (5, 3)), np.float64)
    means, factors = np.array(gaussians.means), np.array(gaussians.factors)
    expected = [means[k] + z @ factors[k] for k, z in zip(labels.tolist(), noise, strict=True)]
    np.testing.assert_allclose(points, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dimensions", [1, 2, 5])
def test_log_density_equals_scipy(dimensions):
    gaussians = jax.tree.map(lambda leaf: leaf[0], drawn(dimensions, anisotropy=1.0))
    points = np.random.default_rng(0).normal(size=(4, 6, dimensions)).astype(np.float32)
    expected = [
        multivariate_normal(mean, covariance).logpdf(cloud)
        for mean, covariance, cloud in zip(
            np.array(gaussians.means, np.float64), covariances(gaussians), points, strict=True
        )
    ]
    np.testing.assert_allclose(jax.jit(log_density)(gaussians, points), expected, rtol=1e-4)


def test_restricted_gaussians_are_marginals_beside_standard_normals():
    full = jax.tree.map(lambda leaf: leaf[0], drawn(anisotropy=1.0))
    part = jax.jit(restrict)(full, jnp.array([True, True, False]))
    expected = covariances(full)
    expected[:, 2, :] = expected[:, :, 2] = 0
    expected[:, 2, 2] = 1
    np.testing.assert_allclose(covariances(part), expected, atol=1e-5)
    np.testing.assert_array_equal(part.means[:, :2], full.means[:, :2])
    np.testing.assert_array_equal(part.means[:, 2], 0)
