"""The recurrent learner (section 3.2) for one task: ``init``, ``clear``, ``step``, ``rollout``.

``jax.vmap`` runs a batch of tasks, ``jax.jit`` belongs to the caller. Only ``init`` takes a key:
the order of the points is an argument.
"""

from typing import Any

import jax
import jax.numpy as jnp

from l2c_jax.recurrent.config import Cell, ModelConfig
from l2c_jax.recurrent.lstm import STACKED
from l2c_jax.recurrent.scan import Scan, checkpointed
from l2c_jax.recurrent.slots import SLOTS
from l2c_jax.types import Array, Key, PyTree

CELLS = {"stacked": STACKED, "slots": SLOTS}
"""The architectures by name."""


def cell_of(config: ModelConfig) -> Cell:
    """The cell of a configuration."""
    if isinstance(config.architecture, Cell):
        return config.architecture
    return CELLS[config.architecture]


def init(key: Key, config: ModelConfig) -> PyTree:
    """Random parameters.

    Args:
      key: consumed.
      config: the learner's shape.

    Returns:
      A pytree of named leaves, float32.

    Example:
      >>> import jax
      >>> params = init(jax.random.key(0), ModelConfig(dimensions=3, num_clusters=4))
      >>> [layer.bias.size // 4 for layer in params.layers]
      [64, 64, 64, 4]
    """
    return cell_of(config).init(key, config)


def clear(params: PyTree, config: ModelConfig) -> Any:
    """The carry before a task: "Clear LSTM cell states" (Algorithms 1 and 2)."""
    return cell_of(config).clear(params, config)


def step(params: PyTree, carry: Any, point: Array, config: ModelConfig) -> tuple[Any, Array]:
    """One point of one task: the equations are in :func:`~l2c_jax.recurrent.lstm.step_stacked`
    and :mod:`l2c_jax.recurrent.slots`.

    Args:
      params: from :func:`init`.
      carry: from :func:`clear`, or from the step before.
      point: ``[D]``, or ``[D + K]`` from :func:`append_num_clusters`.
      config: the learner's shape, static.

    Returns:
      The new carry, and the score ``[K]``: in (-1, 1) for the stacked architecture, logits for
      "slots"; see :func:`log_probabilities`.
    """
    return cell_of(config).step(params, carry, point, config)


def rollout(
    params: PyTree,
    carry: Any,
    points: Array,
    order: Array,
    config: ModelConfig,
    *,
    mask: Array | None = None,
    scan: Scan = checkpointed,
) -> tuple[Any, Array]:
    """One epoch over one task: :func:`step` scanned over its points in a given order.

    Args:
      params: from :func:`init`.
      carry: from :func:`clear`, or from the epoch before.
      points: ``[N, D]``.
      order: ``[T]`` distinct integers in ``0..N-1``: the point read at each step. T = N reads
        all points; fewer leave the others unread.
      config: the learner's shape, static.
      mask: ``[N]`` bool. A masked point leaves the carry unchanged, and its score is meaningless.
      scan: how the steps are repeated and what the backward pass stores; see
        :mod:`l2c_jax.recurrent.scan`.

    Returns:
      The new carry, and the scores ``[N, K]`` in point order, zeros for unread points.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> config = ModelConfig(dimensions=2, num_clusters=3)
      >>> params = init(jax.random.key(0), config)
      >>> points = jax.random.normal(jax.random.key(1), (10, 2))
      >>> carry, scores = rollout(params, clear(params, config), points, jnp.arange(10), config)
      >>> scores.shape
      (10, 3)
    """

    def body(carry: Any, read: tuple[Array, Array | None]) -> tuple[Any, Array]:
        point, real = read
        new_carry, score = step(params, carry, point, config)
        if real is not None:
            new_carry = jax.tree.map(lambda new, old: jnp.where(real, new, old), new_carry, carry)
        return new_carry, score

    sequence = (points[order], None if mask is None else mask[order])
    carry, scores = scan(body, carry, sequence)
    empty = jnp.zeros((points.shape[0], scores.shape[1]), scores.dtype)
    return carry, empty.at[order].set(scores, unique_indices=True)


def frozen_scores(params: PyTree, carry: Any, points: Array, config: ModelConfig) -> Array:
    """Scores of points with a carry that stays as it is: each point by itself.

    Args:
      params: from :func:`init`.
      carry: after some epochs.
      points: ``[N, D]``.
      config: the learner's shape, static.

    Returns:
      ``[N, K]``.
    """
    return jax.vmap(lambda point: step(params, carry, point, config)[1])(points)


def append_num_clusters(points: Array, num_clusters: Array | int, most: int) -> Array:
    """Append the number of clusters to each point, as K one-hot columns.

    Args:
      points: ``[N, D]``.
      num_clusters: k, 1 to K; 0: unknown.
      most: K.

    Returns:
      ``[N, D + K]``.

    Example:
      >>> import jax.numpy as jnp
      >>> append_num_clusters(jnp.zeros((1, 1)), 2, 3).tolist()
      [[0.0, 0.0, 1.0, 0.0]]
    """
    one_hot = jax.nn.one_hot(jnp.asarray(num_clusters) - 1, most, dtype=points.dtype)
    tiled = jnp.broadcast_to(one_hot[None, :], (points.shape[0], most))
    return jnp.concatenate([points, tiled], axis=1)


def log_probabilities(
    scores: Array, logit_scale: float, num_clusters: Array | int | None = None
) -> Array:
    """Log-softmax of the scaled scores.

    Args:
      scores: ``[N, K]``, from :func:`rollout`.
      logit_scale: see :class:`~l2c_jax.recurrent.config.ModelConfig`.
      num_clusters: allow only the first k clusters; the others get -1e9 before the softmax.

    Returns:
      ``[N, K]``.
    """
    logits = logit_scale * scores
    if num_clusters is not None:
        allowed = jnp.arange(scores.shape[-1], dtype=jnp.int32)[None, :] < num_clusters
        logits = jnp.where(allowed, logits, -1e9)
    return jax.nn.log_softmax(logits, axis=-1)
