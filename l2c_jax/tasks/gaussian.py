"""Gaussian clusters with swirls (section 4.1), and the exact Bayes posterior of a drawn task."""

from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp

from l2c_jax.tasks.base import Task
from l2c_jax.tasks.components import (
    Gaussians,
    Spread,
    draw_gaussians,
    log_density,
    restrict,
    sample_gaussians,
)
from l2c_jax.tasks.swirl import Swirls, draw_swirls, swirl, unswirl
from l2c_jax.types import Array, Key


@jax.tree_util.register_static
@dataclass(frozen=True)
class GaussianTasks:
    """Gaussian clusters, each bent by swirls: the task distribution of section 4.1.

    .. math::
        \\mu_k \\sim U([-\\theta, \\theta]^D), \\quad
        \\Sigma_k = \\hat C_k^T \\hat C_k, \\quad
        \\hat C_k = \\mathrm{orth}(C_k) / \\kappa_k, \\quad
        \\kappa_k \\sim U(\\alpha, \\alpha + \\beta)

    and each swirl rotates two random coordinates of a cluster's points by
    :math:`\\pi r / k_r`, :math:`r` their distance from the origin and
    :math:`k_r \\sim U(\\alpha_r, \\alpha_r + \\beta_r)`. The paper prints the names but none of
    the values.

    Example:
      >>> import jax
      >>> tasks = GaussianTasks(num_points=50)
      >>> batch = jax.vmap(tasks.sample)(jax.random.split(jax.random.key(0), 8))
      >>> batch.points.shape, batch.labels.shape
      ((8, 50, 2), (8, 50))
    """

    num_points: int = 100
    """N, points of a task, padding included."""
    dimensions: int = 2
    """D."""
    num_clusters: int = 2
    """K, clusters of a task, or the most of them."""
    min_points: int | None = None
    """Least number of points; None: every task has num_points."""
    min_dimensions: int | None = None
    """Least number of dimensions: a task's count is uniform, the other coordinates are zeros.
    None: every task has them all."""
    min_clusters: int | None = None
    """Least number of clusters; the drawn count k has probability in proportion to k, so that
    larger counts are more frequent (section 4.3). None: always num_clusters."""
    theta: float = 2.0
    """Cluster means are uniform in [-theta, theta]^D."""
    alpha: float = 2.0
    """Least inverse standard deviation of a cluster."""
    beta: float = 3.0
    """Range of the inverse standard deviation."""
    anisotropy: float = 0.0
    """Largest spread of the log-eigenvalues of a covariance; 0: isotropic, as in the paper."""
    mean_anisotropy: float = 0.0
    """Largest spread of the log-stretches of a linear map of the means: clusters in a row."""
    shared_anisotropy: float = 0.0
    """The same of a linear map that all covariances share: clusters long in one direction."""
    num_swirls: int = 3
    """S, swirls applied to each cluster."""
    alpha_r: float = 1.0
    """Least width k_r of a swirl."""
    beta_r: float = 2.0
    """Range of the width."""
    concentration: float | None = None
    """Cluster sizes: None: equal; a number: weights from a symmetric Dirichlet with it."""

    def __post_init__(self) -> None:
        least_points = self.num_points if self.min_points is None else self.min_points
        least_axes = self.dimensions if self.min_dimensions is None else self.min_dimensions
        least_clusters = self.num_clusters if self.min_clusters is None else self.min_clusters
        rules = {
            "dimensions must be at least 1": self.dimensions >= 1,
            "min_dimensions must lie in 1..dimensions": 1 <= least_axes <= self.dimensions,
            "num_clusters must be at least 1": self.num_clusters >= 1,
            "min_clusters must lie in 1..num_clusters": 1 <= least_clusters <= self.num_clusters,
            "min_points must lie in 1..num_points": 1 <= least_points <= self.num_points,
            "theta, alpha and alpha_r must be positive": min(self.theta, self.alpha, self.alpha_r)
            > 0,
            "beta, beta_r, all anisotropies and num_swirls must not be negative": min(
                *(self.beta, self.beta_r, self.num_swirls),
                *(self.anisotropy, self.mean_anisotropy, self.shared_anisotropy),
            )
            >= 0,
            "swirls need at least 2 dimensions": self.num_swirls == 0 or least_axes >= 2,
            "concentration must be positive": self.concentration is None or self.concentration > 0,
        }
        broken = [rule for rule, kept in rules.items() if not kept]
        if broken:
            raise ValueError("; ".join(broken))

    def sample(self, key: Key) -> Task:
        """Draw one task.

        Args:
          key: consumed. The same key gives the same task on every machine, to rounding.

        Returns:
          Points ``[N, D]``, labels ``[N]``, mask ``[N]``.
        """
        return self.sample_with_mixture(key)[0]

    def sample_with_mixture(self, key: Key) -> "tuple[Task, Mixture]":
        """Draw one task, and return what it was drawn from too."""
        key_mixture, key_points = jax.random.split(key)
        mixture = draw_mixture(key_mixture, self)
        return sample_mixture(key_points, mixture, self), mixture


class Mixture(NamedTuple):
    """What a task was drawn from: enough to compute its Bayes posterior."""

    gaussians: Gaussians  # K clusters
    swirls: Swirls  # K x S turns
    log_weights: Array  # [K]; -inf for clusters that this task does not have
    axes: Array  # [D] bool; False for coordinates that are always zero


def draw_mixture(key: Key, config: GaussianTasks) -> Mixture:
    """Draw the clusters of one task: their number, sizes, Gaussians and swirls.

    Args:
      key: consumed.
      config: which tasks.

    Returns:
      The mixture. ``jit`` and ``vmap`` are the caller's.
    """
    key_count, key_sizes, key_axes, key_gaussians, key_swirls = jax.random.split(key, 5)
    size, dimensions = config.num_clusters, jnp.int32(config.dimensions)
    if config.min_dimensions is not None:
        dimensions = jax.random.randint(key_axes, (), config.min_dimensions, config.dimensions + 1)
    axes = jnp.arange(config.dimensions) < dimensions
    if config.min_clusters is None:
        count = jnp.int32(size)
    else:
        counts = jnp.arange(config.min_clusters, size + 1)
        count = jax.random.choice(key_count, counts, p=counts / counts.sum())
    present = jnp.arange(size) < count
    spread = Spread(
        theta=config.theta,
        alpha=config.alpha,
        beta=config.beta,
        anisotropy=config.anisotropy,
        mean_anisotropy=config.mean_anisotropy,
        shared_anisotropy=config.shared_anisotropy,
    )
    gaussians = draw_gaussians(key_gaussians, size, config.dimensions, spread)
    if config.min_dimensions is not None:
        gaussians = restrict(gaussians, axes)
    swirls = draw_swirls(
        key_swirls,
        size,
        dimensions,
        config.num_swirls,
        alpha_r=config.alpha_r,
        beta_r=config.beta_r,
    )
    if config.concentration is None:
        weights = jnp.ones(size)
    else:  # gamma variables are a Dirichlet draw before they are normalised
        weights = jax.random.gamma(key_sizes, config.concentration, (size,))
    log_weights = jnp.where(present, jnp.log(jnp.maximum(weights, 1e-30)), -jnp.inf)
    return Mixture(gaussians, swirls, jax.nn.log_softmax(log_weights), axes)


def sample_mixture(key: Key, mixture: Mixture, config: GaussianTasks) -> Task:
    """Draw the points of one task.

    With equal sizes the counts are exact: point ``n`` belongs to cluster ``n mod k``. Otherwise
    every label is drawn from the weights, and a cluster may stay empty.

    Args:
      key: consumed.
      mixture: its clusters.
      config: number of points.

    Returns:
      The task, in the generator's own coordinates, its labels naming the mixture's clusters.
    """
    key_points, key_labels, key_size = jax.random.split(key, 3)
    if config.concentration is None:
        count = jnp.isfinite(mixture.log_weights).sum()
        labels = jnp.arange(config.num_points) % count
    else:
        labels = jax.random.categorical(
            key_labels, mixture.log_weights, shape=(config.num_points,)
        )
    labels = labels.astype(jnp.int32)
    points = sample_gaussians(key_points, mixture.gaussians, labels) * mixture.axes[None, :]
    planes, widths = mixture.swirls.planes[labels], mixture.swirls.widths[labels]
    points = jax.vmap(swirl)(points, planes, widths)
    if config.min_points is None:
        mask = jnp.ones(config.num_points, bool)
    else:
        size = jax.random.randint(key_size, (), config.min_points, config.num_points + 1)
        mask = jnp.arange(config.num_points) < size
    return Task(points * mask[:, None], jnp.where(mask, labels, 0), mask)


def log_posterior(mixture: Mixture, points: Array) -> Array:
    """The exact Bayes posterior over clusters, of points in the generator's own coordinates.

    Swirls preserve area, so the density of a swirled point is the Gaussian density of the point
    they came from: :math:`p(k | x) \\propto w_k N(S_k^{-1} x; \\mu_k, \\Sigma_k)`. No method that
    does not know the mixture can have a lower expected error.

    Args:
      mixture: what the task was drawn from.
      points: ``[N, D]``.

    Returns:
      ``[N, K]`` natural logarithms; rows of probabilities sum to 1.
    """
    undo = jax.vmap(jax.vmap(unswirl, (0, None, None)), (None, 0, 0))
    sources = undo(points, mixture.swirls.planes, mixture.swirls.widths)  # [K, N, D]
    joint = log_density(mixture.gaussians, sources).T + mixture.log_weights[None, :]
    return jax.nn.log_softmax(joint, axis=-1)
