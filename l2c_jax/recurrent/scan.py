"""How a pass is scanned: what the backward pass stores, and what it computes again.

The learner's step is written once, in ``model.py``; these are the ways to repeat it. All give the
same results forward. Backward, all but a truncated one give the same gradients to rounding.
"""

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

import jax

from l2c_jax.types import PyTree

C = TypeVar("C")
Body: TypeAlias = Callable[[C, Any], tuple[C, Any]]
Scan: TypeAlias = Callable[[Body, C, PyTree], tuple[C, Any]]
"""``scan(body, carry, sequence) -> carry, outputs``, as ``jax.lax.scan``."""


def plain(body: Body, carry: C, sequence: PyTree) -> tuple[C, Any]:
    """``jax.lax.scan``: the backward pass stores every intermediate result of every step.

    The oracle for the others.
    """
    return jax.lax.scan(body, carry, sequence)


def checkpointed(body: Body, carry: C, sequence: PyTree) -> tuple[C, Any]:
    """Stores the carry of every step, and computes the gates again: smaller and faster."""
    return jax.lax.scan(jax.checkpoint(body, prevent_cse=False), carry, sequence)


def windowed(window: int, *, truncate: bool = False) -> Scan:
    """Stores the carry once a window, for sequences of thousands of points.

    The backward pass goes through a window's steps forward again before it goes back through
    them. Memory grows with ``N / window + window`` instead of ``N``: least near the square root.

    Args:
      window: steps per window, at least 1; a last, shorter one takes what is left.
      truncate: let no gradient cross from a window to the one before. That is another gradient,
        of truncated backpropagation through time; no cheaper here, but steadier.

    Returns:
      A scan.

    Raises:
      ValueError: if ``window`` is below 1.
    """
    if window < 1:
        raise ValueError(f"window must be at least 1, got {window}")

    def scan(body: Body, carry: C, sequence: PyTree) -> tuple[C, Any]:
        size = jax.tree.leaves(sequence)[0].shape[0]
        split = size - size % window

        def one_window(carry: C, part: PyTree) -> tuple[C, Any]:
            if truncate:
                carry = jax.lax.stop_gradient(carry)
            return checkpointed(body, carry, part)

        whole = jax.tree.map(
            lambda x: x[:split].reshape(split // window, window, *x.shape[1:]), sequence
        )
        carry, outputs = checkpointed(one_window, carry, whole)
        outputs = jax.tree.map(lambda y: y.reshape(split, *y.shape[2:]), outputs)
        if split == size:
            return carry, outputs
        carry, last = one_window(carry, jax.tree.map(lambda x: x[split:], sequence))
        joined = jax.tree.map(lambda a, b: jax.numpy.concatenate([a, b]), outputs, last)
        return carry, joined

    return scan
