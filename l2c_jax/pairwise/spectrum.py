r"""The number of classes by the spectrum of G's answers.

With G(x_i, x_j) = 1 within classes and 0 between them, the matrix of answers has one eigenvalue
for each class, its size, and zeros. Scaled by the degrees :math:`d_i = \sum_j G_{ij}`,

.. math:: \frac{G_{ij}}{\sqrt{(d_i + \tau)(d_j + \tau)}}

has :math:`n / (n + \tau)` for a class of n points: large for classes of any size, and small for
single points that G finds unlike all others. Wrong answers about pairs of two classes add to the
degrees: where they are many, and the classes too, the eigenvalues of classes shrink.
"""

from typing import NamedTuple

import numpy as np

from l2c_jax.pairwise.predict import PairFunction, predict_similarity
from l2c_jax.pairwise.similarity import Similarity
from l2c_jax.types import ArrayLike

REGULARIZER = 10.0
""":math:`\\tau`, points: a class of so many has an eigenvalue of one half."""
MOST_POINTS = 2000
"""Points whose pairs are looked at, at most."""


class Spectrum(NamedTuple):
    """Eigenvalues of G's answers."""

    levels: np.ndarray  # [N] float64, the largest first

    def count(self, threshold: float) -> int:
        """The number of classes: of eigenvalues that are as large as a threshold, at least 1."""
        return max(1, int((self.levels >= threshold).sum()))


def spectrum_of_answers(similarity: ArrayLike) -> Spectrum:
    """The spectrum of a matrix of answers.

    Args:
      similarity: ``[N, N]``, G of all pairs; need not be symmetric.

    Returns:
      N eigenvalues.

    Raises:
      ValueError: if it is no square matrix, or empty.

    Example:
      >>> found = spectrum_of_answers(np.kron(np.eye(3), np.ones((10, 10))))
      >>> found.levels[:4].round(2).tolist(), found.count(0.3)
      ([0.5, 0.5, 0.5, 0.0], 3)
    """
    matrix = np.asarray(similarity, np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not matrix.size:
        raise ValueError(f"similarity must be [N, N], N at least 1; got shape {matrix.shape}")
    matrix = (matrix + matrix.T) / 2
    np.fill_diagonal(matrix, 1)
    root = np.sqrt(matrix.sum(axis=1) + REGULARIZER)
    return Spectrum(np.linalg.eigvalsh(matrix / (root[:, None] * root[None, :]))[::-1])


def spectrum_of(
    similarity: Similarity | PairFunction, points: ArrayLike, *, seed: int = 0
) -> Spectrum:
    """The spectrum of G's answers about some points.

    Args:
      similarity: G: a learned one, whose batch norm uses the statistics of these points, or a
        function of two batches.
      points: ``[N, ...]``; of more than 2,000 a random sample.
      seed: of the sample.

    Returns:
      The eigenvalues.
    """
    given = np.asarray(points)
    if len(given) > MOST_POINTS:
        rng = np.random.default_rng(seed)
        given = given[np.sort(rng.choice(len(given), MOST_POINTS, replace=False))]
    adapt = isinstance(similarity, Similarity)
    return spectrum_of_answers(predict_similarity(similarity, given, adapt=adapt))
