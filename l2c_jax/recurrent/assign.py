"""Algorithm 2 on the device: probabilities for one task or a batch of them."""

from functools import partial

import jax
import jax.numpy as jnp

from l2c_jax.metrics import cheapest_relabelling
from l2c_jax.preprocessing.principal import to_frame
from l2c_jax.recurrent.model import (
    Carry,
    ModelConfig,
    Params,
    clear,
    known_count,
    log_probabilities,
    rollout,
)
from l2c_jax.tasks.base import Task, visiting_order
from l2c_jax.types import Array, Key


def read(
    params: Params,
    key: Key,
    points: Array,
    mask: Array,
    count: Array | int | None = None,
    *,
    model: ModelConfig,
    passes: int,
) -> Array:
    """Algorithm 2 for one task and one visiting order a pass; ``vmap`` over tasks or keys.

    Args:
      params: the trained learner.
      key: consumed, one shuffle a pass.
      points: ``[N, D]`` in the learner's frame.
      mask: ``[N]`` bool.
      count: the number of clusters k, for learners that are told it; 0: not known.
      model: the learner's configuration, static.
      passes: E, static.

    Returns:
      ``[E, N, K]`` log-probabilities after each pass.
    """
    allowed = None
    if model.given_clusters:
        if count is None:
            raise ValueError("this learner has to be told the number of clusters")
        points = known_count(points, count, model.num_clusters)
        allowed = jnp.where(jnp.asarray(count) > 0, count, model.num_clusters)

    orders = jax.vmap(visiting_order, (0, None))(jax.random.split(key, passes), mask)

    def one_pass(carry: Carry, order: Array) -> tuple[Carry, Array]:
        carry, scores = rollout(params, carry, points, order, mask=mask)
        return carry, log_probabilities(scores, model.logit_scale, allowed)

    return jax.lax.scan(one_pass, clear(params), orders)[1]


def aligned_mean(probabilities: Array, mask: Array) -> Array:
    """The mean of several answers about one task, after renaming their clusters alike.

    Each answer's clusters are renamed to agree best with the first one's, by Kuhn-Munkres on the
    ``[K, K]`` table of shared probability; then, once more, with the mean.

    Args:
      probabilities: ``[M, N, K]``.
      mask: ``[N]`` bool.

    Returns:
      ``[N, K]``, rows sum to 1.

    Example:
      >>> import jax.numpy as jnp
      >>> one = jnp.array([[0.9, 0.1], [0.2, 0.8]])
      >>> print(aligned_mean(jnp.stack([one, one[:, ::-1]]), jnp.ones(2, bool)))
      [[0.9 0.1]
       [0.2 0.8]]
    """

    def align(reference: Array, answer: Array) -> Array:
        shared = (reference * mask[:, None]).T @ answer  # [K, K]
        return answer[:, cheapest_relabelling(-shared)]

    reference = probabilities[0]
    for _ in range(2):
        reference = jax.vmap(align, (None, 0))(reference, probabilities).mean(axis=0)
    return reference


def assign(
    params: Params,
    key: Key,
    points: Array,
    mask: Array,
    count: Array | int | None = None,
    *,
    model: ModelConfig,
    passes: int = 2,
    orders: int = 16,
) -> Array:
    """Probabilities for one task: its frame, E passes in M visiting orders, aligned and averaged.

    Pure, for ``jit`` and ``vmap``; :func:`cluster` is the same for a data set on the host.

    Args:
      params: the trained learner.
      key: consumed.
      points: ``[N, D]`` in any coordinates; any D.
      mask: ``[N]`` bool.
      count: the number of clusters, for learners that are told it; 0: not known.
      model: the learner's configuration, static.
      passes: E, static.
      orders: M, static.

    Returns:
      ``[N, K]``, rows sum to 1.
    """
    points = to_frame(points, mask, model.frame, model.dimensions)
    return assign_framed(
        params, key, points, mask, count, model=model, passes=passes, orders=orders
    )


def assign_framed(
    params: Params,
    key: Key,
    points: Array,
    mask: Array,
    count: Array | int | None = None,
    *,
    model: ModelConfig,
    passes: int = 2,
    orders: int = 16,
) -> Array:
    """As :func:`assign`, for points that are in the learner's frame already."""
    answer = partial(read, params, model=model, passes=passes)
    keys = jax.random.split(key, orders)
    log_probs = jax.vmap(lambda key: answer(key, points, mask, count)[-1])(keys)
    return aligned_mean(jnp.exp(log_probs), mask)


def assign_tasks(
    params: Params,
    key: Key,
    tasks: Task,
    *,
    model: ModelConfig,
    passes: int = 2,
    orders: int = 16,
    told: bool = True,
) -> Array:
    """Probabilities for a batch of tasks; labels serve only to count the clusters.

    Args:
      params: the trained learner.
      key: consumed.
      tasks: B tasks, ``[B, N, D]``, ``[B, N]``, ``[B, N]``; the count of their clusters is told
        to learners that want it.
      model: the learner's configuration.
      passes: E.
      orders: M.
      told: whether that count is told; False lets the learner use all K clusters.

    Returns:
      ``[B, N, K]``, rows sum to 1.
    """
    keys = jax.random.split(key, tasks.mask.shape[0])
    return _assign_tasks(params, keys, tasks, model=model, passes=passes, orders=orders, told=told)


@partial(jax.jit, static_argnames=("model", "passes", "orders", "told"))
def _assign_tasks(
    params: Params,
    keys: Key,
    tasks: Task,
    *,
    model: ModelConfig,
    passes: int,
    orders: int,
    told: bool,
) -> Array:
    def one(inputs: tuple[Key, Task]) -> Array:
        key, task = inputs
        present = jnp.zeros(model.num_clusters, bool).at[task.labels].max(task.mask)
        return assign(
            params,
            key,
            task.points,
            task.mask,
            present.sum() if told else 0,
            model=model,
            passes=passes,
            orders=orders,
        )

    return jax.lax.map(one, (keys, tasks), batch_size=max(1, 512 // orders))
