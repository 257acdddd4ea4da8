r"""Algorithm 2, once: read a data set E epochs in M orders, then label any point.

:func:`adapt` reads the points and returns the state of the M members; :func:`predict` labels each
point by itself with that state. :func:`last_epoch` returns the scores during the last epoch
instead, as the paper does; both share the same reading and the same alignment.

Members number the clusters differently. With :math:`P^{(m)}` the ``[N, K]`` probabilities of
member :math:`m`, its permutation maximizes the agreement with a reference :math:`R`,

.. math:: \pi_m = \arg\max_\pi \sum_{n,k} R_{nk} P^{(m)}_{n \pi(k)}

(Kuhn-Munkres), where :math:`R` is the first member's answer at first, and then the mean of all.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from l2c_jax.metrics import cheapest_relabelling
from l2c_jax.preprocessing.principal import (
    Preprocessing,
    apply_preprocessing,
    fit_and_apply,
    preprocess,
)
from l2c_jax.recurrent.config import InferenceConfig, ModelConfig
from l2c_jax.recurrent.learner import Learner
from l2c_jax.recurrent.model import (
    append_num_clusters,
    clear,
    frozen_scores,
    log_probabilities,
    rollout,
)
from l2c_jax.tasks.base import reading_order
from l2c_jax.types import Array, Key, PyTree


class AdaptedState(NamedTuple):
    """All that M members learned about one data set; a pytree."""

    carries: Any  # [M, ...], of the recurrent cells after the last epoch
    permutations: Array  # [M, K] int32: cluster k of the answer is permutations[m, k] of member m
    num_clusters: Array  # [] int32, the given number of clusters, 0 if none was given
    preprocessing: Preprocessing | None  # None: points are preprocessed already


class Prediction(NamedTuple):
    """Answer for some points."""

    labels: Array  # [N] int32, the cluster of largest probability
    probabilities: Array  # [N, K], rows sum to 1


class _Reading(NamedTuple):
    """What one member, or M of them, leave behind."""

    carries: Any  # after the last epoch
    log_probs: Array  # [N, K], of the scores during the last epoch; zeros where unread


def adapt(
    learner: Learner,
    key: Key,
    points: Array,
    mask: Array | None = None,
    num_clusters: Array | int | None = None,
    *,
    config: InferenceConfig = InferenceConfig(),  # noqa: B008  frozen
    preprocessed: bool = False,
) -> AdaptedState:
    """Read a data set (Algorithm 2); for one task, ``jit`` and ``vmap`` are the caller's.

    Args:
      learner: trained.
      key: consumed, for the orders of the points.
      points: ``[N, D]`` in any coordinates.
      mask: ``[N]`` bool; ``None``: all points are real.
      num_clusters: k, for learners with ``condition_on_num_clusters``; ``None`` or 0: unknown.
      config: epochs, orders, and which members are kept; static.
      preprocessed: whether the points went through the learner's preprocessing already; static.

    Returns:
      The state, for :func:`predict`.

    Example:
      >>> import jax
      >>> from l2c_jax import load_learner
      >>> points = jax.random.normal(jax.random.key(0), (40, 3))
      >>> state = jax.jit(adapt)(load_learner("demo"), jax.random.key(1), points)
      >>> predict(load_learner("demo"), state, points[:5]).probabilities.shape
      (5, 3)
    """
    mask, count = _defaults(points, mask, num_clusters)
    model, fitted = learner.config, None
    if not preprocessed:
        fitted, points = fit_and_apply(points, mask, model.preprocessing, model.dimensions)
    carries = _read_orders(learner, key, points, mask, count, config).carries
    logs = _member_log_probs(learner, carries, points, count)
    confidence = jnp.where(mask[None, :], logs.max(axis=2), 0).sum(axis=1)
    kept = config.kept(model)
    chosen = jnp.arange(config.orders)
    if kept < config.orders:
        chosen = jnp.argsort(-confidence)[:kept]
    carries = jax.tree.map(lambda leaf: leaf[chosen], carries)
    permutations = align_members(jnp.exp(logs[chosen]), mask)
    return AdaptedState(carries, permutations, count, fitted)


def predict(learner: Learner, state: AdaptedState, points: Array) -> Prediction:
    """Label points, each by itself: those that were read, or others.

    The probabilities are the mean over the members,
    :math:`p_k(x) = \\frac1M \\sum_m p^{(m)}_{\\pi_m(k)}(x)`.

    Args:
      learner: the one that adapted.
      state: from :func:`adapt`.
      points: ``[N, D]`` in the coordinates that :func:`adapt` was given.

    Returns:
      Labels ``[N]`` and probabilities ``[N, K]``; clusters beyond a given number have 0.

    Example:
      >>> import jax
      >>> from l2c_jax import load_learner
      >>> learner, points = load_learner("demo"), jax.random.normal(jax.random.key(0), (40, 2))
      >>> state = adapt(learner, jax.random.key(1), points, num_clusters=2)
      >>> jax.jit(predict)(learner, state, points).labels.shape
      (40,)
    """
    logs = predict_log_probs(learner, state, points)
    return Prediction(logs.argmax(axis=1).astype(jnp.int32), jnp.exp(logs))


def predict_log_probs(learner: Learner, state: AdaptedState, points: Array) -> Array:
    """Logarithms of the probabilities of :func:`predict`, accurate where those are 0.

    Args:
      learner: the one that adapted.
      state: from :func:`adapt`.
      points: ``[N, D]``.

    Returns:
      ``[N, K]``; clusters beyond a given number have about -1e9.
    """
    if state.preprocessing is not None:
        points = apply_preprocessing(state.preprocessing, points, learner.config.dimensions)
    logs = _member_log_probs(learner, state.carries, points, state.num_clusters)
    aligned = jnp.take_along_axis(logs, state.permutations[:, None, :], axis=2)
    return jax.nn.logsumexp(aligned, axis=0) - jnp.log(jnp.asarray(len(logs), logs.dtype))


def last_epoch(
    learner: Learner,
    key: Key,
    points: Array,
    mask: Array | None = None,
    num_clusters: Array | int | None = None,
    *,
    config: InferenceConfig = InferenceConfig(),  # noqa: B008  frozen
    preprocessed: bool = False,
) -> Array:
    """Probabilities from the scores during the last epoch, as in the paper.

    All M members are aligned and averaged. Unlike :func:`predict`, a point's score depends on
    where it came in the order.

    Args:
      learner: trained.
      key: consumed.
      points: ``[N, D]``.
      mask: ``[N]`` bool or ``None``.
      num_clusters: k, or ``None``.
      config: epochs and orders; static.
      preprocessed: see :func:`adapt`.

    Returns:
      ``[N, K]``, rows sum to 1.
    """
    mask, count = _defaults(points, mask, num_clusters)
    model = learner.config
    if not preprocessed:
        points = preprocess(points, mask, model.preprocessing, model.dimensions)
    logs = _read_orders(learner, key, points, mask, count, config).log_probs
    probabilities = jnp.exp(logs)
    permutations = align_members(probabilities, mask)
    return jnp.take_along_axis(probabilities, permutations[:, None, :], axis=2).mean(axis=0)


def member_probabilities(
    learner: Learner,
    key: Key,
    points: Array,
    mask: Array,
    num_clusters: Array | int,
    config: InferenceConfig,
) -> Array:
    """Probabilities of :func:`predict` for the points read, before members are aligned.

    Args:
      learner: trained.
      key: consumed.
      points: ``[N, D]``, preprocessed.
      mask: ``[N]`` bool.
      num_clusters: k, or 0.
      config: epochs and orders; all members are kept; static.

    Returns:
      ``[M, N, K]``, each member in its own numbering.
    """
    count = jnp.asarray(num_clusters, jnp.int32)
    carries = _read_orders(learner, key, points, mask, count, config).carries
    return jnp.exp(_member_log_probs(learner, carries, points, count))


def align_members(probabilities: Array, mask: Array) -> Array:
    """Permutations under which the members number the clusters alike; see the module.

    Args:
      probabilities: ``[M, N, K]``.
      mask: ``[N]`` bool.

    Returns:
      ``[M, K]`` int32.

    Example:
      >>> import jax.numpy as jnp
      >>> one = jnp.array([[0.9, 0.1], [0.2, 0.8]])
      >>> align_members(jnp.stack([one, one[:, ::-1]]), jnp.ones(2, bool)).tolist()
      [[0, 1], [1, 0]]
    """

    def align(reference: Array, member: Array) -> Array:
        shared = (reference * mask[:, None].astype(reference.dtype)).T @ member  # [K, K]
        return cheapest_relabelling(-shared)

    reference = probabilities[0]
    for _ in range(2):
        permutations = jax.vmap(align, (None, 0))(reference, probabilities)
        aligned = jnp.take_along_axis(probabilities, permutations[:, None, :], axis=2)
        reference = aligned.mean(axis=0)
    return permutations


def _defaults(
    points: Array, mask: Array | None, num_clusters: Array | int | None
) -> tuple[Array, Array]:
    """Mask and number of clusters as arrays: all points are real, k is unknown."""
    mask = jnp.ones(points.shape[0], bool) if mask is None else mask
    return mask, jnp.asarray(0 if num_clusters is None else num_clusters, jnp.int32)


def _with_count(points: Array, count: Array, config: ModelConfig) -> tuple[Array, Array | None]:
    """Points with the number of clusters appended, and how many clusters are allowed."""
    if not config.condition_on_num_clusters:
        return points, None
    allowed = jnp.where(count > 0, count, config.num_clusters)
    return append_num_clusters(points, count, config.num_clusters), allowed


def _read(
    learner: Learner, key: Key, points: Array, mask: Array, count: Array, config: InferenceConfig
) -> _Reading:
    """One member: E epochs, each in an order of its own."""
    model = learner.config
    points, allowed = _with_count(points, count, model)
    orders = jax.vmap(reading_order, (0, None))(jax.random.split(key, config.epochs), mask)

    def one_epoch(carry: Any, order: Array) -> tuple[Any, Array]:
        return rollout(learner.params, carry, points, order, model, mask=mask)

    start = clear(learner.params, model)
    carry, scores = jax.lax.scan(one_epoch, start, orders[:, : config.points_per_epoch])
    return _Reading(carry, log_probabilities(scores[-1], model.logit_scale, allowed))


def _read_orders(
    learner: Learner, key: Key, points: Array, mask: Array, count: Array, config: InferenceConfig
) -> _Reading:
    """M members, ``[M, ...]``."""
    keys = jax.random.split(key, config.orders)
    return jax.vmap(lambda key: _read(learner, key, points, mask, count, config))(keys)


def _member_log_probs(learner: Learner, carries: PyTree, points: Array, count: Array) -> Array:
    """``[M, N, K]``, each member in its own numbering."""
    model = learner.config
    points, allowed = _with_count(points, count, model)
    scores = jax.vmap(lambda carry: frozen_scores(learner.params, carry, points, model))(carries)
    return jax.vmap(log_probabilities, (0, None, None))(scores, model.logit_scale, allowed)
