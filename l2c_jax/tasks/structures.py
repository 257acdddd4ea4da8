"""Structures in the plane that a person sees at once: rings, moons, spirals, bridges, noise."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp

from l2c_jax.preprocessing import standardize
from l2c_jax.tasks.base import Task
from l2c_jax.tasks.numbers import Numbers, with_numbers
from l2c_jax.types import Array, Key


def rings(numbers: Numbers, labels: Array, count: Array) -> Array:
    """Circles around one center; the innermost is a disk in half of the tasks."""
    gap = numbers.uniform((), 0.7, 2.0)
    along = numbers.uniform(labels.shape)
    disk = (labels == 0) & numbers.bernoulli(0.5)
    inner = jnp.where(disk, jnp.sqrt(numbers.uniform(labels.shape)) * 0.7, 1.0)
    width = jnp.where(disk, 0.0, numbers.uniform((), 0.02, 0.2) * gap)
    radius = inner + gap * labels + width * numbers.normal(labels.shape)
    return _polar(radius, 2 * jnp.pi * along)


def moons(numbers: Numbers, labels: Array, count: Array) -> Array:
    """Two half circles, one in the other's opening."""
    angle = jnp.pi * (numbers.uniform(labels.shape) - 1.0 * (labels % 2))
    shift = jnp.stack([numbers.uniform((), 0.8, 1.2), numbers.uniform((), 0.2, 0.6)])
    noise = numbers.uniform((), 0.02, 0.15) * numbers.normal((labels.size, 2))
    return _polar(jnp.ones(labels.shape), angle) + (labels % 2)[:, None] * shift[None] + noise


def spirals(numbers: Numbers, labels: Array, count: Array) -> Array:
    """Arms of a spiral, as many as clusters."""
    along = jnp.sqrt(numbers.uniform(labels.shape, 0.02, 1.0))
    turns = numbers.uniform((), 0.5, 1.5) * jnp.where(count > 2, 0.6, 1.0)
    angle = 2 * jnp.pi * (turns * along + labels / count)
    noise = numbers.uniform((), 0.005, 0.04) * numbers.normal((labels.size, 2))
    return _polar(0.15 + along, angle) + noise


def waves(numbers: Numbers, labels: Array, count: Array) -> Array:
    """Parallel waves, one above another."""
    x = numbers.uniform(labels.shape, -1.0) * numbers.uniform((), 1.0, 3.0)
    bend = jnp.sin(x * numbers.uniform((), 0.5, 3.0)) * numbers.uniform()
    noise = numbers.uniform((), 0.03, 0.15) * numbers.normal(labels.shape)
    return jnp.stack([x, bend + labels * numbers.uniform((), 0.6, 1.5) + noise], axis=1)


def long(numbers: Numbers, labels: Array, count: Array) -> Array:
    """Parallel long Gaussian clusters, side by side."""
    length = numbers.log_uniform(1.5, 8.0)
    offset = numbers.uniform((NUM,), -1.0) * numbers.uniform((), 0.0, 1.5) * length
    noise = numbers.normal((labels.size, 2))
    y = labels * numbers.uniform((), 4.0, 8.0) + noise[:, 1]
    return jnp.stack([length * noise[:, 0] + offset[labels], y], axis=1)


def varied(numbers: Numbers, labels: Array, count: Array) -> Array:
    """Gaussian clusters of different deviations, up to a factor of 8."""
    spread = jnp.exp(numbers.uniform((NUM,), -1.0) * numbers.uniform((), 0.3, 1.0))
    places = _places(numbers, 0.2) * numbers.uniform((), 3.5, 9.0)
    return places[labels] + spread[labels][:, None] * numbers.normal((labels.size, 2))


def clouds(numbers: Numbers, labels: Array, count: Array) -> Array:
    """Gaussian clusters at random places, which may overlap; half of the tasks are stretched."""
    spread = jnp.exp(numbers.uniform((NUM,), -1.0) * numbers.uniform((), 0.0, 1.0))
    places = numbers.uniform((NUM, 2), -1.0) * numbers.log_uniform(3.0, 12.0)
    points = places[labels] + spread[labels][:, None] * numbers.normal((labels.size, 2))
    stretch = jnp.where(numbers.bernoulli(0.5), numbers.log_uniform(1.0, 6.0), 1.0)
    return points * jnp.stack([stretch, jnp.ones(())])[None]


def squares(numbers: Numbers, labels: Array, count: Array) -> Array:
    """Uniform rectangles on a lattice, some almost touching."""
    side = jnp.exp(0.3 * numbers.uniform() * numbers.normal((NUM, 2)))
    places = _places(numbers, 0.05) * numbers.uniform((), 2.3, 4.0)
    return places[labels] + jnp.minimum(side, 1.1)[labels] * numbers.uniform((labels.size, 2), -1)


def bridged(numbers: Numbers, labels: Array, count: Array) -> Array:
    """Two disks with a thin bridge of points, which is divided in the middle."""
    sign = 2.0 * (labels % 2) - 1
    far = numbers.uniform((), 1.6, 3.0)
    disk = _polar(
        jnp.sqrt(numbers.uniform(labels.shape)), numbers.uniform(labels.shape, 0, 6.2832)
    )
    disk = disk.at[:, 0].add(sign * far)
    y = numbers.uniform((), 0.02, 0.15) * numbers.normal(labels.shape)
    line = jnp.stack([sign * far * numbers.uniform(labels.shape), y], axis=1)
    on_bridge = numbers.bernoulli(numbers.uniform((), 0.0, 0.08), labels.shape)
    return jnp.where(on_bridge[:, None], line, disk)


def far_blobs(numbers: Numbers, labels: Array, count: Array) -> Array:
    """Gaussian clusters far from each other."""
    places = _places(numbers, 0.25) * numbers.log_uniform(6.0, 40.0)
    return places[labels] + numbers.normal((labels.size, 2))


def nothing(numbers: Numbers, labels: Array, count: Array) -> Array:
    """One cluster: a rectangle, a disk, a Gaussian, exponential columns or one ring."""
    size = (labels.size, 2)
    stretch = jnp.stack([jnp.ones(()), numbers.log_uniform(1.0, 8.0)])
    box, normal = numbers.uniform(size, -1.0), numbers.normal(size)
    angle = jnp.pi * box[:, 1]
    kinds = [
        box * stretch[None],
        _polar(jnp.sqrt(0.5 + 0.5 * box[:, 0]), angle),
        normal * stretch[None],
        -jnp.log1p(-0.5 - 0.499 * box),
        _polar(1 + 0.1 * normal[:, 0], angle),
    ]
    return jnp.stack(kinds)[numbers.categorical(jnp.array([3.0, 1.0, 4.0, 1.0, 1.0]))]


def _polar(radius: Array, angle: Array) -> Array:
    return jnp.stack([radius * jnp.cos(angle), radius * jnp.sin(angle)], axis=1)


def _places(numbers: Numbers, jitter: float) -> Array:
    """``[9, 2]``, cells of a lattice of 3 by 3 in random order, moved a little."""
    order = jnp.argsort(numbers.uniform((NUM,)))
    cells = jnp.stack([order // 3, order % 3], axis=1)
    return cells + jitter * numbers.uniform((NUM, 2), -1.0)


NUM = 9
"""Most clusters of a structure."""
STRUCTURES: dict[str, tuple[Callable[[Numbers, Array, Array], Array], int]] = {
    "rings": (rings, 4),
    "moons": (moons, 2),
    "spirals": (spirals, 3),
    "waves": (waves, 5),
    "long": (long, 4),
    "varied": (varied, 6),
    "clouds": (clouds, 6),
    "squares": (squares, 9),
    "bridged": (bridged, 2),
    "far_blobs": (far_blobs, 9),
    "nothing": (nothing, 1),
}
"""Every structure by name, ``structure(numbers, labels [N], count []) -> [N, 2]``, and its
largest number of clusters."""


@jax.tree_util.register_static
@dataclass(frozen=True)
class StructureTasks:
    """Tasks of planar structures (ours); columns have mean 0 and variance 1.

    The kind of the structure is drawn by its weight. Structures of a given number of clusters
    (two moons in a pair, interleaved spirals, ...) take as many as the kind allows. In a part of
    the tasks a share of the points is background noise, spread over the bounding box; these
    points get the label of the nearest other point.

    Example:
      >>> import jax
      >>> tasks = StructureTasks(num_points=100)
      >>> task = jax.eval_shape(tasks.sample, jax.random.key(0))
      >>> task.points.shape
      (100, 3)
    """

    num_points: int = 256
    """N, points of a task, padding included."""
    min_points: int = 60
    """Least number of points; the logarithm of the number is uniform."""
    dimensions: int = 3
    """D; in a part of the tasks the third and later columns hold weak noise, else zeros."""
    num_clusters: int = 9
    """K, most clusters of a task; at most 9."""
    weights: tuple[float, ...] = (1.5, 1.5, 1, 1, 1.5, 2, 3, 1, 1, 1, 2)
    """Weight of every kind of :data:`STRUCTURES`; they need not sum to 1."""
    noise_prob: float = 0.2
    """Probability of background noise, at most 15 % of the points."""
    rare_prob: float = 0.1
    """Probability that one cluster has .5 % to 3 % of the points, but at least 4 points."""

    def __post_init__(self) -> None:
        if not 10 <= self.min_points <= self.num_points:
            raise ValueError("10 <= min_points <= num_points must hold")
        if self.dimensions < 2 or not 2 <= self.num_clusters <= NUM:
            raise ValueError(f"dimensions must be at least 2, num_clusters 2 to {NUM}")
        if len(self.weights) != len(STRUCTURES) or min(self.weights) < 0 or not any(self.weights):
            raise ValueError("weights needs one number a structure, not negative, nor all 0")

    def sample(self, key: Key) -> Task:
        """Draw one task.

        Args:
          key: consumed.

        Returns:
          Points ``[N, D]``, labels ``[N]``, mask ``[N]``.
        """
        return with_numbers(key, self._sample)

    def _sample(self, numbers: Numbers) -> Task:
        size = numbers.log_uniform(self.min_points, self.num_points + 0.99).astype(jnp.int32)
        mask = jnp.arange(self.num_points) < size
        kind = numbers.categorical(jnp.array(self.weights))
        most = jnp.array([most for _, most in STRUCTURES.values()])[kind]
        count = jnp.minimum(numbers.integer(2, self.num_clusters + 1), most)
        few = jnp.minimum(count, numbers.integer(2, 5))
        count = jnp.where(numbers.bernoulli(0.5), few, count)
        shares = jnp.exp(numbers.uniform() * numbers.normal((self.num_clusters,)))
        shares = jnp.where(jnp.arange(self.num_clusters) < count, shares, 0)
        rare = shares.at[0].set((shares.sum() - shares[0]) * numbers.log_uniform(0.005, 0.03))
        shares = jnp.where(numbers.bernoulli(self.rare_prob) & (count > 1), rare, shares)
        labels = numbers.categorical(shares, mask.shape)
        index = jnp.arange(self.num_points)
        labels = jnp.where(index < 4 * count, index % count, labels)
        kinds = (partial(f, numbers, labels, count) for f, _ in STRUCTURES.values())
        flat = jnp.stack(numbers.alternatives(kinds))[kind]
        flat, labels = _with_noise(numbers, flat, labels, mask, self.noise_prob)
        turn = numbers.uniform((), 0.0, 2 * jnp.pi)
        cos, sin = jnp.cos(turn), jnp.sin(turn)
        flat = flat @ jnp.stack([jnp.stack([cos, -sin]), jnp.stack([sin, cos])])
        weak = numbers.bernoulli(0.2) * numbers.uniform((), 0.02, 0.5)
        spread = jnp.sqrt((flat**2).mean())
        more = weak * spread * numbers.normal((self.num_points, self.dimensions - 2))
        points = jnp.concatenate([flat, more], axis=1)
        scaled = standardize(points, mask)
        scaled = scaled.at[:, 2:].multiply(jnp.minimum(weak, 1.0))
        return Task(scaled * mask[:, None], jnp.where(mask, labels, 0), mask)


def _with_noise(
    numbers: Numbers, points: Array, labels: Array, mask: Array, prob: float
) -> tuple[Array, Array]:
    """Some points moved to random places of the bounding box; each gets the label of the nearest
    other point."""
    low = jnp.where(mask[:, None], points, jnp.inf).min(axis=0)
    high = jnp.where(mask[:, None], points, -jnp.inf).max(axis=0)
    share = numbers.bernoulli(prob) * numbers.uniform((), 0.0, 0.15)
    moved = numbers.bernoulli(share, labels.shape)
    places = low[None] + (high - low)[None] * numbers.uniform(points.shape)
    square = ((places[:, None] - points[None]) ** 2).sum(axis=2)
    nearest = jnp.where(mask & ~moved, square, jnp.inf)
    nearest = jnp.argmin(jnp.where(jnp.isfinite(nearest), nearest, 1e30), axis=1)
    labels = jnp.where(moved, labels[nearest], labels)
    return jnp.where(moved[:, None], places, points), labels
