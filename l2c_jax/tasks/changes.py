"""Changes of a whole task, the second half of the prior: bent space, spoilt columns, outliers."""

import jax
import jax.numpy as jnp

from l2c_jax.tasks.frame import standardised
from l2c_jax.tasks.swirl import draw_swirls, swirl
from l2c_jax.types import Array, Key

CHANGES = ("swirled", "warped", "bent_columns", "discretised", "irrelevant", "outliers")
"""Every change by name."""


def swirled(key: Key, points: Array, labels: Array, columns: Array, num_clusters: int) -> Array:
    """Each cluster swirled twice in random planes of the columns (section 4.1)."""
    swirls = draw_swirls(key, num_clusters, columns.sum(), 2, alpha_r=2.0, beta_r=4.0)
    return jax.vmap(swirl)(points, swirls.planes[labels], swirls.widths[labels])


def warped(key: Key, points: Array) -> Array:
    """Points moved by a random smooth network of one hidden layer."""
    key_in, key_bias, key_out, key_share = jax.random.split(key, 4)
    dimensions, hidden = points.shape[1], 16
    scale = jnp.sqrt((points**2).mean() + 1e-6)
    weights = jax.random.normal(key_in, (dimensions, hidden)) / dimensions**0.5
    bias = jax.random.normal(key_bias, (1, hidden))
    out = jax.random.normal(key_out, (hidden, dimensions)) / hidden**0.5
    share = jax.random.uniform(key_share)
    moved = jnp.tanh(2 * points / scale @ weights + bias) @ out
    return (1 - share) * points / scale + share * moved


def bent_columns(key: Key, points: Array, mask: Array) -> Array:
    """Each column x, standardised, becomes (exp(b x) - 1) / b: long tails on one side."""
    bend = 0.05 + 1.2 * jax.random.uniform(key, (1, points.shape[1]))
    return jnp.expm1(bend * jnp.clip(standardised(points, mask), -4, 4)) / bend


def discretised(key: Key, points: Array, mask: Array) -> Array:
    """About half of the columns rounded to 2 to 8 steps."""
    key_which, key_steps = jax.random.split(key)
    shape = (1, points.shape[1])
    step = 4.0 / jax.random.randint(key_steps, shape, 1, 9)
    rounded = jnp.round(standardised(points, mask) / step) * step
    return jnp.where(jax.random.bernoulli(key_which, 0.5, shape), rounded, points)


def irrelevant(key: Key, points: Array) -> Array:
    """Up to 70 % of the columns replaced by noise: normal, exponential or of two values."""
    key_share, key_which, key_kind, key_noise = jax.random.split(key, 4)
    columns = (1, points.shape[1])
    share = 0.7 * jax.random.uniform(key_share)
    which = jax.random.bernoulli(key_which, share, columns).at[0, 0].set(False)
    normal = jax.random.normal(key_noise, points.shape)
    kinds = jnp.stack([normal, jnp.exp(normal), (normal > 0.5) * 1.0])
    kind = jax.random.randint(key_kind, columns, 0, 3)
    noise = jnp.take_along_axis(kinds, jnp.broadcast_to(kind, points.shape)[None], axis=0)[0]
    return jnp.where(which, noise, points)


def outliers(key: Key, points: Array) -> Array:
    """A few points in a hundred moved far out; they keep their labels."""
    key_share, key_which, key_far = jax.random.split(key, 3)
    share = 0.08 * jax.random.uniform(key_share)
    which = jax.random.bernoulli(key_which, share, (points.shape[0], 1))
    scale = 3 * jnp.sqrt((points**2).mean())
    return points + which * scale * jax.random.normal(key_far, points.shape)
