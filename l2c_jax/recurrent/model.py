"""The recurrent learner (section 3.2): ``init``, ``step`` and ``rollout``, for one task.

``jax.vmap`` runs a batch of tasks, ``jax.jit`` belongs to the caller. No function here but
``init`` takes a key: the visiting order is an argument.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp

from l2c_jax.preprocessing.principal import FRAMES, Frame
from l2c_jax.recurrent.lstm import LayerParams, LayerState, init_layer, layer_step, zero_state
from l2c_jax.recurrent.scan import Scan, checkpointed
from l2c_jax.recurrent.slots import (
    AlikeCarry,
    AlikeParams,
    clear_alike,
    init_alike,
    step_alike,
)
from l2c_jax.tabular.count_head import CountParams, init_count
from l2c_jax.types import Array, Key


@dataclass(frozen=True)
class ModelConfig:
    """The learner's shape, and how it meets the data."""

    dimensions: int = 2
    """D, width of the points it reads. Wider tables keep their first principal axes."""
    num_clusters: int = 2
    """K, width of its output: the number of clusters, or the most of them."""
    hidden: tuple[int, ...] = (64, 64, 64)
    """H of each layer before the last, which has K units; where every cluster has a memory of its
    own, H of that."""
    memory: Literal["task", "cluster"] = "task"
    """Whose memory the cells are: the task's, as printed, or each cluster's, all of which are run
    with the same weights (:mod:`l2c_jax.recurrent.slots`); that takes one layer, and its scores
    are logits, so that their scale is 1."""
    feedback: bool = True
    """Whether the previous score is part of the input, as printed."""
    frame: Frame = "canonical"
    """Points are put into the canonical frame first, into that of winsorised columns (for tables),
    or read as they are ("raw", the paper as printed)."""
    logit_scale: float = 5.0
    """What the score, which lies in (-1, 1) but for memory "cluster", is multiplied by before the
    softmax. 1 is the paper as printed and caps every probability: at .881 for K=2, .787 for K=3,
    .596 for K=6."""
    given_clusters: bool = False
    """Whether the learner is told the task's number of clusters k <= K: a one-hot input, and the
    scores beyond k masked. Zeros, and no mask, say that it is not known."""
    count_hidden: int = 0
    """H of the head that guesses the number of clusters; 0: there is none."""

    def __post_init__(self) -> None:
        if self.dimensions < 1 or self.num_clusters < 1:
            raise ValueError("dimensions and num_clusters must be at least 1")
        if not self.hidden or min(self.hidden) < 1:
            raise ValueError("hidden needs at least one layer of at least 1 unit")
        if self.frame not in FRAMES:
            raise ValueError(f"frame must be one of {FRAMES}, got {self.frame!r}")
        if not self.logit_scale > 0:
            raise ValueError("logit_scale must be positive")
        if self.memory not in ("task", "cluster"):
            raise ValueError(f'memory must be "task" or "cluster", got {self.memory!r}')
        if self.memory == "cluster" and not (
            len(self.hidden) == 1 and self.feedback and self.logit_scale == 1
        ):
            raise ValueError(
                'memory "cluster" needs one hidden layer, feedback, and a logit_scale of 1'
            )
        if self.count_hidden < 0:
            raise ValueError("count_hidden must not be negative")


class Params(NamedTuple):
    """All weights of the learner."""

    layers: tuple[LayerParams, ...]  # the last one has K units; none if each cluster has its own
    head: CountParams | None = None  # the head that guesses the number of clusters
    alike: AlikeParams | None = None  # of learners whose clusters have a memory each


class Carry(NamedTuple):
    """All that the learner remembers of a task; kept from pass to pass, cleared between tasks."""

    layers: tuple[LayerState, ...]
    alike: AlikeCarry | None = None  # of learners whose clusters have a memory each; no layers


def init(key: Key, config: ModelConfig) -> Params:
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
    widths = (*config.hidden, config.num_clusters)
    if config.count_hidden:
        key, key_count = jax.random.split(key)
        count = init_count(key_count, config.dimensions, config.count_hidden, config.num_clusters)
    else:
        count = None
    if config.memory == "cluster":
        shape = config.dimensions, config.hidden[0], config.num_clusters
        return Params((), count, init_alike(key, *shape))
    inputs = config.dimensions
    if config.given_clusters:
        inputs += config.num_clusters
    if config.feedback:
        inputs += config.num_clusters
    keys = jax.random.split(key, len(widths))
    layers = []
    for layer_key, width in zip(keys, widths, strict=True):
        layers.append(init_layer(layer_key, inputs, width))
        inputs = width
    return Params(tuple(layers), count)


def clear(params: Params) -> Carry:
    """The carry before a task: "Clear LSTM cell states" (Algorithms 1 and 2)."""
    alike = None if params.alike is None else clear_alike(params.alike)
    return Carry(tuple(zero_state(layer) for layer in params.layers), alike)


def step(params: Params, carry: Carry, point: Array) -> tuple[Carry, Array]:
    """Read one point of one task.

    Four LSTM layers; the first reads the point and the previous score :math:`a_{t-1}`, the
    layers between first and last add their input to their output, the last layer's output is
    the score :math:`a_t` (section 3.2, figure 1). Where every cluster has a memory of its own:
    :func:`l2c_jax.recurrent.slots.step_alike`.

    Args:
      params: the learner.
      carry: what it remembers of this task.
      point: ``[D]`` (plus K columns of :func:`known_count` for learners that are told k).

    Returns:
      The new carry, and the score ``[K]``, in (-1, 1) or, of learners whose clusters have a
      memory each, logits; see :func:`log_probabilities`.
    """
    if params.alike is not None:
        assert carry.alike is not None
        alike, score = step_alike(params.alike, carry.alike, point)
        return carry._replace(alike=alike), score
    first, last = params.layers[0], len(params.layers) - 1
    feedback = first.input_kernel.shape[0] > point.shape[0]
    signal = jnp.concatenate([point, carry.layers[-1].hidden]) if feedback else point
    states = []
    for index, (layer, state) in enumerate(zip(params.layers, carry.layers, strict=True)):
        state = layer_step(layer, state, signal)
        signal = signal + state.hidden if 0 < index < last else state.hidden
        states.append(state)
    return Carry(tuple(states)), states[-1].hidden


def rollout(
    params: Params,
    carry: Carry,
    points: Array,
    order: Array,
    *,
    mask: Array | None = None,
    scan: Scan = checkpointed,
) -> tuple[Carry, Array]:
    """One pass over one task: :func:`step` scanned over its points in a given order.

    Args:
      params: the learner.
      carry: from :func:`clear`, or from the pass before.
      points: ``[N, D]``.
      order: ``[N]`` int, a permutation of ``0..N-1``: the point read at each step.
      mask: ``[N]`` bool; a masked point leaves the carry untouched, its score means nothing.
      scan: how the steps are repeated and what the backward pass stores; see
        :mod:`l2c_jax.recurrent.scan`.

    Returns:
      The new carry, and the scores ``[N, K]`` in point order.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> params = init(jax.random.key(0), ModelConfig(dimensions=2, num_clusters=3))
      >>> points = jax.random.normal(jax.random.key(1), (10, 2))
      >>> carry, scores = rollout(params, clear(params), points, jnp.arange(10))
      >>> scores.shape
      (10, 3)
    """

    def body(carry: Carry, read: tuple[Array, Array | None]) -> tuple[Carry, Array]:
        point, real = read
        new_carry, score = step(params, carry, point)
        if real is not None:
            new_carry = jax.tree.map(lambda new, old: jnp.where(real, new, old), new_carry, carry)
        return new_carry, score

    sequence = (points[order], None if mask is None else mask[order])
    carry, scores = scan(body, carry, sequence)
    return carry, jnp.zeros_like(scores).at[order].set(scores, unique_indices=True)


def frozen_scores(params: Params, carry: Carry, points: Array) -> Array:
    """What the learner says of every point by itself, with what it remembers now.

    Args:
      params: the learner.
      carry: what it remembers of this task; no point changes it.
      points: ``[N, D]``.

    Returns:
      ``[N, K]``.
    """
    return jax.vmap(lambda point: step(params, carry, point)[1])(points)


def known_count(points: Array, count: Array | int, num_clusters: int) -> Array:
    """Points for a learner that is told the number of clusters: K one-hot columns are added.

    Args:
      points: ``[N, D]``.
      count: the number of clusters k, 1 to K; 0: not known.
      num_clusters: K.

    Returns:
      ``[N, D + K]``.
    """
    told = jax.nn.one_hot(jnp.asarray(count) - 1, num_clusters, dtype=points.dtype)
    tiled = jnp.broadcast_to(told[None, :], (points.shape[0], num_clusters))
    return jnp.concatenate([points, tiled], axis=1)


def log_probabilities(
    scores: Array, logit_scale: float, count: Array | int | None = None
) -> Array:
    """Scores to log-probabilities of the clusters: log-softmax of the scaled score.

    Args:
      scores: ``[N, K]``, from :func:`rollout`.
      logit_scale: see :class:`ModelConfig`.
      count: allow only the first ``count`` clusters; the others get -1e9.

    Returns:
      ``[N, K]``.
    """
    logits = logit_scale * scores
    if count is not None:
        allowed = jnp.arange(scores.shape[-1])[None, :] < count
        logits = jnp.where(allowed, logits, -1e9)
    return jax.nn.log_softmax(logits, axis=-1)
