"""Random numbers of one task, drawn in bulk.

A program that calls ``jax.random`` sixty times compiles for a minute: each call is a loop of its
own. :func:`with_numbers` draws all uniform numbers of a function in one call and hands them out.
"""

import math
from collections.abc import Callable, Iterable
from typing import TypeVar

import jax
import jax.numpy as jnp

from l2c_jax.types import Array, Key

T = TypeVar("T")
_EDGE = 1e-7


class Numbers:
    """Independent uniform numbers in [0, 1), handed out in the order of the calls.

    The order is fixed while JAX traces, so the same key gives the same numbers.
    """

    def __init__(self, bulk: Array | None):
        """Begin with the first number.

        Args:
          bulk: ``[S]`` uniform numbers; ``None`` hands out constants and only counts.
        """
        self._bulk = bulk
        self.used = 0

    def uniform(self, shape: tuple[int, ...] = (), low: float = 0.0, high: float = 1.0) -> Array:
        """Uniform in ``[low, high)``, of any shape."""
        size = math.prod(shape)
        start, self.used = self.used, self.used + size
        if self._bulk is None:
            return jnp.full(shape, 0.5 * (low + high))
        return low + (high - low) * self._bulk[start : start + size].reshape(shape)

    def normal(self, shape: tuple[int, ...] = ()) -> Array:
        """Standard normal, of any shape; at most 5.2 in size."""
        unit = jnp.clip(self.uniform(shape, -1.0, 1.0), -1 + _EDGE, 1 - _EDGE)
        return math.sqrt(2) * jax.lax.erf_inv(unit)

    def log_uniform(self, low: float, high: float) -> Array:
        """One positive number ``[]`` whose logarithm is uniform."""
        return low * (high / low) ** self.uniform()

    def bernoulli(self, prob: Array | float, shape: tuple[int, ...] = ()) -> Array:
        """True with a probability."""
        return self.uniform(shape) < prob

    def integer(self, low: int, high: Array | int, shape: tuple[int, ...] = ()) -> Array:
        """Uniform int32 in ``low .. high - 1``."""
        span = jnp.asarray(high - low, jnp.int32)
        drawn = (self.uniform(shape) * span.astype(jnp.float32)).astype(jnp.int32)
        return low + jnp.minimum(drawn, span - 1)

    def categorical(self, weights: Array, shape: tuple[int, ...] = ()) -> Array:
        """Indices ``0 .. W - 1``, int32.

        Args:
          weights: ``[W]``, not negative; they need not sum to 1.
          shape: of the result.
        """
        ends = jnp.cumsum(weights)
        drawn = self.uniform(shape) * ends[-1]
        index = (drawn[..., None] >= ends[(None,) * len(shape)]).sum(axis=-1)
        return jnp.minimum(index, weights.size - 1).astype(jnp.int32)

    def alternatives(self, functions: Iterable[Callable[[], T]]) -> list[T]:
        """Results of functions of which only one is used: all get the same numbers."""
        start, ends, found = self.used, [self.used], []
        for function in functions:
            self.used = start
            found.append(function())
            ends.append(self.used)
        self.used = max(ends)
        return found


def with_numbers(key: Key, function: Callable[[Numbers], T]) -> T:
    """Call a function with as many random numbers as it takes.

    Args:
      key: consumed.
      function: traced twice, the first time to count its numbers.

    Returns:
      What the function returns.

    Example:
      >>> import jax
      >>> pair = with_numbers(jax.random.key(0), lambda numbers: numbers.normal((2,)))
      >>> pair.shape
      (2,)
    """
    counter = Numbers(None)
    jax.eval_shape(lambda: function(counter))
    size = counter.used
    return function(Numbers(jax.random.uniform(key, (size,), jnp.float32)))
