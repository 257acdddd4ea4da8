"""Free assignments: clusters of a similarity matrix, by a row of logits for each point."""

from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from l2c_jax.pairwise.losses import LOSSES
from l2c_jax.pairwise.predict import checked_similarity
from l2c_jax.types import Array, ArrayLike, Key


class Assignments(NamedTuple):
    """The clusters of one similarity matrix."""

    labels: np.ndarray  # [N] int32 in 0..K-1, the cluster of largest probability
    probabilities: np.ndarray  # [N, K] float32, rows sum to 1
    num_clusters: int  # clusters in use: distinct labels


def fit_assignments(
    key: Key,
    similar: Array,
    *,
    num_clusters: int,
    loss: Literal["kcl", "mcl"] = "mcl",
    steps: int = 500,
    learning_rate: float = 0.3,
) -> Array:
    """Minimize MCL or KCL over the probabilities of every point, by Adam on their logits.

    .. math::
       \\min_{Z \\in R^{N \\times K}} L(\\mathrm{softmax}(Z), S)

    Pure, for ``jit`` and ``vmap``. One step costs O(N^2 K).

    Args:
      key: consumed, for the first logits.
      similar: S, ``[N, N]`` bool.
      num_clusters: K, static.
      loss: L, static.
      steps: of Adam, each over all pairs; static.
      learning_rate: at the start; it decays to 0 along a cosine.

    Returns:
      ``[N, K]`` probabilities, rows sum to 1.
    """
    logits = 0.1 * jax.random.normal(key, (similar.shape[0], num_clusters))
    adam = optax.adam(optax.cosine_decay_schedule(learning_rate, steps))
    gradient = jax.grad(lambda logits: LOSSES[loss](jax.nn.softmax(logits), similar))

    def step(state: tuple, _: None) -> tuple[tuple, None]:
        logits, opt_state = state
        updates, opt_state = adam.update(gradient(logits), opt_state)
        return (logits + updates, opt_state), None

    (logits, _), _ = jax.lax.scan(step, (logits, adam.init(logits)), None, length=steps)
    return jax.nn.softmax(logits)


_fit = jax.jit(fit_assignments, static_argnames=("num_clusters", "loss", "steps"))


def cluster_by_assignments(
    similarity: ArrayLike,
    num_clusters: int = 100,
    *,
    loss: Literal["kcl", "mcl"] = "mcl",
    steps: int = 500,
    seed: int = 0,
) -> Assignments:
    """Cluster the points of a similarity matrix.

    The loss is that of :func:`l2c_jax.pairwise.cluster_by_similarity`, whose network of the points
    is replaced by free logits. It takes seconds instead of minutes; other points get no labels.

    Args:
      similarity: ``[N, N]`` probabilities of "same"; those above one half count as similar.
      num_clusters: K, the number of clusters or an upper bound.
      loss: ``"mcl"`` or ``"kcl"``.
      steps: of Adam.
      seed: of the first logits.

    Returns:
      Labels, soft assignments and the number of clusters in use.

    Raises:
      ValueError: if the matrix is not square or holds no probabilities, or a number is below 1.

    Example:
      >>> import numpy as np
      >>> classes = np.array([0, 1, 1, 0, 2])
      >>> found = cluster_by_assignments(classes[:, None] == classes[None, :], 4, steps=100)
      >>> found.num_clusters, bool(found.labels[0] == found.labels[3] != found.labels[1])
      (3, True)
    """
    if num_clusters < 1 or steps < 1:
        raise ValueError(
            f"num_clusters and steps must be at least 1, got {num_clusters} and {steps}"
        )
    if loss not in LOSSES:
        raise ValueError(f"loss must be one of {sorted(LOSSES)}, got {loss!r}")
    size = np.shape(similarity)[0] if np.ndim(similarity) else 0
    if size < 1:
        raise ValueError("similarities must be a matrix [N, N] of at least one point")
    similar = checked_similarity(similarity, (size, size)) > 0.5
    found = _fit(
        jax.random.key(seed),
        jnp.asarray(similar),
        num_clusters=num_clusters,
        loss=loss,
        steps=steps,
    )
    probabilities = np.asarray(found)
    labels = probabilities.argmax(axis=1).astype(np.int32)
    return Assignments(labels, probabilities, int(np.unique(labels).size))
