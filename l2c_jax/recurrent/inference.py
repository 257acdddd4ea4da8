"""Read some points, keep what was remembered, label any point with it: Algorithm 2 in two halves.

The carry after the last pass is all that the learner knows of a data set. Frozen, it labels each
point by itself, whether that point was read before or not.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp

from l2c_jax.metrics import cheapest_relabelling
from l2c_jax.recurrent.model import (
    Carry,
    ModelConfig,
    Params,
    clear,
    frozen_scores,
    known_count,
    log_probabilities,
    rollout,
)
from l2c_jax.tasks.base import visiting_order
from l2c_jax.types import Array, Key


class Memory(NamedTuple):
    """What M readings of one data set left behind."""

    carries: Carry  # [M, ...], after the last pass of each
    names: Array  # [M, K] int32: cluster j of the answer is cluster names[m, j] of reading m
    told: Array  # [] int32, the number of clusters that was told, 0 if it was not


def read(
    params: Params,
    key: Key,
    points: Array,
    mask: Array,
    count: Array | int = 0,
    *,
    model: ModelConfig,
    passes: int = 2,
    orders: int = 16,
    most: int | None = None,
) -> Memory:
    """Read a data set in M orders, E passes each; every reading numbers the clusters as it likes.

    Args:
      params: the trained learner.
      key: consumed.
      points: ``[N, D]`` in the learner's frame.
      mask: ``[N]`` bool.
      count: the number of clusters, for learners that are told it; 0: not known.
      model: the learner's configuration, static.
      passes: E, static.
      orders: M, static.
      most: points read in a pass, a fresh random sample each time, static; ``None``: all.

    Returns:
      The memory, in which the numberings do not correspond yet.
    """
    told = jnp.asarray(count, jnp.int32)
    shown = known_count(points, told, model.num_clusters) if model.given_clusters else points

    def reading(key: Key) -> Carry:
        visits = jax.vmap(visiting_order, (0, None))(jax.random.split(key, passes), mask)

        def one_pass(carry: Carry, order: Array) -> tuple[Carry, None]:
            as_read = jnp.arange(order.shape[0])
            return rollout(params, carry, shown[order], as_read, mask=mask[order])[0], None

        return jax.lax.scan(one_pass, clear(params), visits[:, :most])[0]

    carries = jax.vmap(reading)(jax.random.split(key, orders))
    same = jnp.broadcast_to(jnp.arange(model.num_clusters), (orders, model.num_clusters))
    return Memory(carries, same, told)


def study(
    params: Params,
    key: Key,
    points: Array,
    mask: Array,
    count: Array | int = 0,
    *,
    model: ModelConfig,
    passes: int = 2,
    orders: int = 16,
    most: int | None = None,
    keep: int | None = None,
) -> Memory:
    """As :func:`read`, but keep the surest readings, and find out how their clusters correspond.

    A reading is as sure as the logarithm of the largest probability is high, in the mean over the
    points. Keeping some is like taking the best of several starts.

    Args:
      params: as :func:`read`, and so are all that follow but the last.
      key: consumed.
      points: ``[N, D]``.
      mask: ``[N]``.
      count: k.
      model: static.
      passes: E, static.
      orders: M, static.
      most: static.
      keep: how many of the readings are kept, static; ``None``: all.

    Returns:
      The memory of the readings kept, for :func:`recall`.
    """
    memory = read(
        *(params, key, points, mask, count),
        model=model,
        passes=passes,
        orders=orders,
        most=most,
    )
    logs = recall_each(params, memory, points, model=model)
    surety = (logs.max(axis=2) * mask[None, :]).sum(axis=1)
    kept = jnp.argsort(-surety)[:keep] if keep else jnp.arange(orders)
    carries = jax.tree.map(lambda leaf: leaf[kept], memory.carries)
    memory = Memory(carries, memory.names[kept], memory.told)
    answers = jnp.exp(logs[kept]) * mask[None, :, None]
    reference = answers[0]
    names = memory.names
    for _ in range(2):
        names = jax.vmap(lambda answer, with_=reference: cheapest_relabelling(-with_.T @ answer))(
            answers
        )
        reference = jnp.take_along_axis(answers, names[:, None, :], axis=2).mean(axis=0)
    return memory._replace(names=names)


def recall_each(params: Params, memory: Memory, points: Array, *, model: ModelConfig) -> Array:
    """As :func:`recall`, of each reading in its own numbering: ``[M, N, K]`` logarithms."""
    count = memory.told
    shown = known_count(points, count, model.num_clusters) if model.given_clusters else points
    scores = jax.vmap(partial(frozen_scores, params), (0, None))(memory.carries, shown)
    allowed = jnp.where(count > 0, count, model.num_clusters) if model.given_clusters else None
    return jax.vmap(log_probabilities, (0, None, None))(scores, model.logit_scale, allowed)


def recall(params: Params, memory: Memory, points: Array, *, model: ModelConfig) -> Array:
    """Probabilities of the clusters for every point by itself, the mean over the readings.

    Args:
      params: the trained learner.
      memory: from :func:`study`.
      points: ``[N, D]`` in the same frame: those that were studied, or others.
      model: the learner's configuration, static.

    Returns:
      ``[N, K]``, rows sum to 1.

    Example:
      >>> import jax
      >>> from l2c_jax.recurrent.model import init
      >>> model = ModelConfig(dimensions=2, num_clusters=3)
      >>> key_init, key_read, key_points = jax.random.split(jax.random.key(0), 3)
      >>> params, points = init(key_init, model), jax.random.normal(key_points, (20, 2))
      >>> memory = study(params, key_read, points, jnp.ones(20, bool), model=model, orders=4)
      >>> recall(params, memory, points[:5], model=model).shape
      (5, 3)
    """
    return jnp.exp(recall_log(params, memory, points, model=model))


def recall_log(params: Params, memory: Memory, points: Array, *, model: ModelConfig) -> Array:
    """As :func:`recall`, the logarithms: they tell clusters apart that no probability is left of.

    Clusters beyond the number told have about -1e9.
    """
    logs = recall_each(params, memory, points, model=model)
    named = jnp.take_along_axis(logs, memory.names[:, None, :], axis=2)
    return jax.nn.logsumexp(named, axis=0) - jnp.log(jnp.asarray(len(logs), logs.dtype))
