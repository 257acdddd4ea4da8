"""Corruptions of the broad prior: changes of all points of a task."""

import jax
import jax.numpy as jnp

from l2c_jax.preprocessing import standardize
from l2c_jax.tasks.numbers import Numbers
from l2c_jax.tasks.swirl import Swirls, swirl
from l2c_jax.types import Array

CORRUPTIONS = (
    *("swirled", "warped", "outliers", "skewed_columns"),
    *("discretized_columns", "categorical_columns", "irrelevant_columns"),
)
"""Every corruption of a task by name, in the order in which they are applied."""
HIDDEN = 16
"""Hidden units of a warp."""
LEVELS = 5
"""Most levels of a categorical column."""


def swirled(
    numbers: Numbers, points: Array, labels: Array, columns: Array, num_clusters: int
) -> Array:
    """Each cluster swirled twice in random planes of the columns (section 4.1)."""
    shape, width = (num_clusters, 2), columns.sum()
    first = numbers.integer(0, width, shape)
    gap = numbers.integer(1, jnp.maximum(width, 2), shape)
    planes = jnp.stack([first, (first + gap) % width], axis=-1)
    swirls = Swirls(planes, numbers.uniform(shape, 2.0, 6.0))
    return jax.vmap(swirl)(points, swirls.planes[labels], swirls.widths[labels])


def warped(numbers: Numbers, points: Array, labels: Array, num_clusters: int) -> Array:
    r"""Points moved by a random smooth network, in half of the tasks another one for each class.

    One to three blocks :math:`x \leftarrow (1 - s) x + s \tanh(2 x W + b + c_y) V`, where
    :math:`y` is the label and :math:`c_y` is 0 in the other tasks.
    """
    dimensions = points.shape[1]
    conditional = numbers.bernoulli(0.5) * numbers.uniform((), 0.3, 2.0)
    blocks = numbers.integer(1, 4)
    for block in range(3):
        points = points / jnp.sqrt((points**2).mean() + 1e-6)
        weights = numbers.normal((dimensions, HIDDEN)) / dimensions**0.5
        bias = numbers.normal((1, HIDDEN))
        of_class = conditional * numbers.normal((num_clusters, HIDDEN))
        out = numbers.normal((HIDDEN, dimensions)) / HIDDEN**0.5
        share = numbers.uniform()
        moved = jnp.tanh(2 * points @ weights + bias + of_class[labels]) @ out
        points = jnp.where(block < blocks, (1 - share) * points + share * moved, points)
    return points


def outliers(numbers: Numbers, points: Array) -> Array:
    """A few points in a hundred moved far out, in a third of the tasks very far; they keep their
    labels."""
    which = numbers.bernoulli(numbers.uniform((), 0.0, 0.08), (points.shape[0], 1))
    far = jnp.where(numbers.bernoulli(1 / 3), numbers.log_uniform(3.0, 1e3), 3.0)
    scale = far * jnp.sqrt((points**2).mean())
    return points + which * scale * numbers.normal(points.shape)


def skewed_columns(numbers: Numbers, points: Array, mask: Array) -> Array:
    """Each column x, standardised, becomes (exp(b x) - 1) / b: long tails on one side."""
    bend = numbers.uniform((1, points.shape[1]), 0.05, 1.25)
    return jnp.expm1(bend * jnp.clip(standardize(points, mask), -4, 4)) / bend


def discretized_columns(numbers: Numbers, points: Array, mask: Array) -> Array:
    """About half of the columns rounded to 2 to 8 steps."""
    shape = (1, points.shape[1])
    step = 4.0 / numbers.integer(1, 9, shape)
    rounded = jnp.round(standardize(points, mask) / step) * step
    return jnp.where(numbers.bernoulli(0.5, shape), rounded, points)


def categorical_columns(
    numbers: Numbers, points: Array, labels: Array, num_clusters: int
) -> Array:
    """Columns replaced by indicators of variables with 2 to 5 levels, whose probabilities depend
    on the class: a mixture of Dirichlet(1/2) draws for each class and one for all.

    Neighboring columns are indicators of the same variable. In a quarter of the tasks all columns
    are replaced, otherwise a random share.
    """
    size, dimensions = points.shape
    first = numbers.bernoulli(0.5, (dimensions,)).at[0].set(True)
    variable = jnp.cumsum(first) - 1  # [D]
    place = jnp.arange(dimensions)
    begin = jax.lax.cummax(jnp.where(first, place, 0))
    level = place - begin
    widths = jnp.zeros(dimensions, jnp.int32).at[variable].add(1)
    num_levels = jnp.clip(widths, 2, LEVELS)  # [D], of every variable
    allowed = jnp.arange(LEVELS)[None, :] < num_levels[:, None]  # [D, L]
    gamma = numbers.normal((num_clusters + 1, dimensions, LEVELS)) ** 2 * allowed[None]
    dirichlet = gamma / jnp.maximum(gamma.sum(axis=2, keepdims=True), 1e-6)
    shared = numbers.uniform()
    ends = jnp.cumsum((1 - shared) * dirichlet[1:] + shared * dirichlet[:1], axis=2)
    drawn = (numbers.uniform((size, dimensions))[:, :, None] >= ends[labels]).sum(axis=2)
    drawn = jnp.minimum(drawn, num_levels[None, :] - 1)  # [N, D], levels of the variables
    indicator = drawn[:, variable] == level[None, :]
    share = jnp.where(numbers.bernoulli(0.25), 1.0, numbers.uniform())
    which = numbers.bernoulli(share, (dimensions,))[variable]
    return jnp.where(which[None, :], 1.0 * indicator, points)


def irrelevant_columns(numbers: Numbers, points: Array) -> Array:
    """Up to 70 % of the columns replaced by noise: normal, exponential or of two values."""
    columns = (1, points.shape[1])
    share = numbers.uniform((), 0.0, 0.7)
    which = numbers.bernoulli(share, columns).at[0, 0].set(False)
    normal = numbers.normal(points.shape)
    kind = numbers.integer(0, 3, columns)
    noise = jnp.where(kind == 1, jnp.exp(normal), (normal > 0.5) * 1.0)
    return jnp.where(which, jnp.where(kind == 0, normal, noise), points)
