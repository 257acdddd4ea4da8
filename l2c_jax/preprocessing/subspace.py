"""A few leading eigenvectors of the matrix of one drawn task, by products of matrices alone.

Under ``vmap``, ``eigh`` of matrices of this size waited forever in a process with a pool of one
thread.
"""

import jax
import jax.numpy as jnp

from l2c_jax.types import Array

SUBSPACE, ROUNDS, DEGREE, CUT = 10, 9, 9, 0.65
"""Of the subspace iteration: vectors more than needed, filters, their degree, and the eigenvalue
below which they damp."""
EXTRA, PRODUCTS = 4, 10
"""The same without a filter: vectors more than needed, and products."""


def leading_of_walk(matrix: Array, first: Array, count: int) -> tuple[Array, Array]:
    """Largest eigenvalues and their eigenvectors, after the first, which is known.

    Chebyshev-filtered subspace iteration (Zhou, Saad, Tiago & Chelikowsky 2006).

    Args:
      matrix: ``[N, N]``, symmetric, eigenvalues in [-1, 1].
      first: ``[N]``, the first eigenvector, of length 1.
      count: C.

    Returns:
      ``[C]`` in decreasing order, and ``[N, C]``.
    """
    start = _start(first, count + SUBSPACE)
    center, radius = (CUT - 1) / 2, (CUT + 1) / 2

    def shifted(vectors: Array) -> Array:
        return (matrix @ vectors - center * vectors) / radius

    def filtered(_: int, vectors: Array) -> Array:
        def recur(_: int, pair: tuple[Array, Array]) -> tuple[Array, Array]:
            before, now = pair
            return now, 2 * shifted(now) - before

        _, found = jax.lax.fori_loop(1, DEGREE, recur, (vectors, shifted(vectors)))
        return orthonormal_columns(found, first)

    basis = jax.lax.fori_loop(0, ROUNDS, filtered, orthonormal_columns(start, first))
    values, turn = jnp.linalg.eigh(basis.T @ matrix @ basis)
    return values[::-1][:count], (basis @ turn)[:, ::-1][:, :count]


def leading(matrix: Array, first: Array, count: int) -> tuple[Array, Array]:
    """Largest eigenvalues of a positive semidefinite matrix, and their eigenvectors.

    Subspace iteration.

    Args:
      matrix: ``[N, N]``.
      first: ``[N]``, a vector of length 1 with the eigenvalue 0, which is left out.
      count: C.

    Returns:
      ``[C]`` in decreasing order, and ``[N, C]``.
    """
    matrix = matrix / jnp.maximum(jnp.trace(matrix), 1e-30)

    def again(_: int, basis: Array) -> Array:
        return orthonormal_columns(matrix @ basis, first)

    basis = orthonormal_columns(_start(first, count + EXTRA), first)
    basis = jax.lax.fori_loop(0, PRODUCTS, again, basis)
    values, turn = jnp.linalg.eigh(basis.T @ matrix @ basis)
    return values[::-1][:count], (basis @ turn)[:, ::-1][:, :count]


def _start(first: Array, block: int) -> Array:
    phase = jnp.arange(len(first))[:, None] * (1 + jnp.arange(block))[None, :]
    start = jnp.cos(1.7 * phase.astype(jnp.float32) + 0.3)
    return jnp.where((first > 0)[:, None], start, 0)


def orthonormal_columns(vectors: Array, first: Array) -> Array:
    """Gram-Schmidt, twice, also against a given vector of length 1.

    Args:
      vectors: ``[N, C]``.
      first: ``[N]``.

    Returns:
      ``[N, C]``; zeros where a column depends on those before it.
    """

    def add(column: int, basis: Array) -> Array:
        own = jnp.take(vectors, column, axis=1)
        length = jnp.linalg.norm(own)
        own = own / jnp.maximum(length, 1e-30)
        for _ in range(2):
            own = own - first * (first @ own) - basis @ (basis.T @ own)
        left = jnp.linalg.norm(own)
        own = jnp.where(left > 1e-5, own / jnp.maximum(left, 1e-30), 0)
        return basis.at[:, column].set(own)

    return jax.lax.fori_loop(0, vectors.shape[1], add, jnp.zeros_like(vectors))
