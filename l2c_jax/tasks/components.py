"""Gaussian components: drawn, sampled and scored (section 4.1)."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp

from l2c_jax.types import Array, Key


class Gaussians(NamedTuple):
    """The Gaussian clusters of one task. Cluster ``k`` is ``means[k] + z @ factors[k]``."""

    means: Array  # [K, D]
    factors: Array  # [K, D, D]; covariance k is factors[k].T @ factors[k]


def orthogonal(key: Key, dimensions: int) -> Array:
    """A uniformly random orthogonal matrix: ``orth`` of a Gaussian matrix in section 4.1.

    Args:
      key: consumed.
      dimensions: D.

    Returns:
      ``[D, D]`` with orthonormal rows; the same on every machine, since the signs that a QR
      decomposition leaves open are fixed.
    """
    return orthonormal(jax.random.normal(key, (dimensions, dimensions)))


def orthonormal(matrix: Array) -> Array:
    """The orthogonal factor of a QR decomposition, with the signs that make it unique.

    Args:
      matrix: ``[D, D]``.

    Returns:
      ``[D, D]`` with orthonormal rows.
    """
    q, r = jnp.linalg.qr(matrix)
    return q * jnp.where(jnp.diagonal(r) < 0, -1.0, 1.0)[None, :]


@dataclass(frozen=True)
class Spread:
    """Where means lie, and how wide components are; see :func:`draw_gaussians`."""

    theta: float
    """Means are uniform in [-theta, theta]^D."""
    alpha: float
    """Least inverse standard deviation."""
    beta: float
    """Range of the inverse standard deviation."""
    anisotropy: float = 0.0
    """Largest spread of the log-eigenvalues of a covariance; 0: isotropic, as in the paper."""
    mean_anisotropy: float = 0.0
    """Largest spread of the log-stretches of a linear map of all means."""
    shared_anisotropy: float = 0.0
    """The same for a linear map of all deviations from the means."""


def draw_gaussians(key: Key, num_clusters: int, dimensions: int, spread: Spread) -> Gaussians:
    """Draw the means and covariances of one task's clusters (section 4.1).

    In the paper, means are uniform in :math:`[-\\theta, \\theta]^D` and
    :math:`\\Sigma_k = \\hat C_k^T \\hat C_k` with :math:`\\hat C_k = \\mathrm{orth}(C_k) / k_k`,
    :math:`k_k \\sim U(\\alpha, \\alpha + \\beta)`; since ``orth`` returns an orthogonal matrix,
    :math:`\\Sigma_k = I / k_k^2` is isotropic. With ``anisotropy`` the rows of ``orth`` are
    stretched: the logarithms of the eigenvalues are uniform in :math:`[-s, s]`, where the spread
    :math:`s \\sim U(0, \\mathrm{anisotropy})` is drawn once for the task.

    ``mean_anisotropy`` maps the cube of the means to a slab or a stick, so that clusters lie side
    by side; ``shared_anisotropy`` makes clusters long in the same direction.

    Args:
      key: consumed.
      num_clusters: K.
      dimensions: D.
      spread: the ranges.

    Returns:
      The drawn clusters.
    """
    key_means, key_axes, key_scale, key_spread, key_eigen = jax.random.split(key, 5)
    if spread.mean_anisotropy > 0:
        key_means, key_map = jax.random.split(key_means)
    means = jax.random.uniform(
        key_means, (num_clusters, dimensions), minval=-spread.theta, maxval=spread.theta
    )
    if spread.mean_anisotropy > 0:
        means = means @ _stretched_axes(key_map, dimensions, spread.mean_anisotropy)
    if spread.shared_anisotropy > 0:
        key_axes, key_shared = jax.random.split(key_axes)
    axes = jax.vmap(orthogonal, (0, None))(jax.random.split(key_axes, num_clusters), dimensions)
    inverse = jax.random.uniform(
        key_scale, (num_clusters,), minval=spread.alpha, maxval=spread.alpha + spread.beta
    )
    width = spread.anisotropy * jax.random.uniform(key_spread)
    log_eigen = width * jax.random.uniform(key_eigen, (num_clusters, dimensions), minval=-1.0)
    deviation = jnp.exp(log_eigen / 2) / inverse[:, None]
    factors = deviation[:, :, None] * axes
    if spread.shared_anisotropy > 0:
        factors = factors @ _stretched_axes(key_shared, dimensions, spread.shared_anisotropy)
    return Gaussians(means, factors)


def _stretched_axes(key: Key, dimensions: int, anisotropy: float) -> Array:
    """A linear map ``[D, D]``: random axes whose log-stretches have a mean of 0 and a spread
    uniform in [0, anisotropy]."""
    key_axes, key_spread, key_stretch = jax.random.split(key, 3)
    spread = anisotropy * jax.random.uniform(key_spread)
    stretch = spread * jax.random.uniform(key_stretch, (dimensions,), minval=-1.0)
    return jnp.exp(stretch - stretch.mean())[:, None] * orthogonal(key_axes, dimensions)


def restrict(gaussians: Gaussians, axes: Array) -> Gaussians:
    """The marginals on some coordinates, standard normal and independent on the others.

    Args:
      gaussians: K clusters.
      axes: ``[D]`` bool, the coordinates to keep.

    Returns:
      K clusters of the same shapes.
    """
    both = axes[:, None] & axes[None, :]
    covariance = gaussians.factors.mT @ gaussians.factors
    covariance = jnp.where(both[None], covariance, jnp.eye(axes.shape[0])[None])
    factors = jnp.linalg.cholesky(covariance).mT
    return Gaussians(jnp.where(axes[None, :], gaussians.means, 0.0), factors)


def sample_gaussians(key: Key, gaussians: Gaussians, labels: Array) -> Array:
    """One point for each label, from the Gaussian it names.

    Args:
      key: consumed.
      gaussians: K clusters.
      labels: ``[N]`` int in ``0..K-1``.

    Returns:
      ``[N, D]``.
    """
    size, dimensions = labels.shape[0], gaussians.means.shape[1]
    noise = jax.random.normal(key, (size, dimensions))
    everywhere = gaussians.means[:, None, :] + noise[None] @ gaussians.factors  # [K, N, D]
    return jnp.take_along_axis(everywhere, labels[None, :, None], axis=0)[0]


def log_density(gaussians: Gaussians, points: Array) -> Array:
    """Log-density of every point under every cluster, each cluster with its own points.

    Args:
      gaussians: K clusters.
      points: ``[K, N, D]``, what to score under cluster ``k`` in ``points[k]``.

    Returns:
      ``[K, N]`` natural logarithms.
    """
    dimensions = points.shape[-1]
    whitened = jnp.linalg.solve(
        gaussians.factors.mT, (points - gaussians.means[:, None, :]).mT
    )  # [K, D, N]
    log_volume = jnp.linalg.slogdet(gaussians.factors)[1]
    constant = 0.5 * dimensions * math.log(2 * math.pi)
    return -0.5 * (whitened**2).sum(axis=1) - log_volume[:, None] - constant
