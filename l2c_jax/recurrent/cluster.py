"""Clustering with a trained learner: Algorithm 2."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from l2c_jax.matching import cheapest_relabelling
from l2c_jax.recurrent.model import (
    Carry,
    ModelConfig,
    Params,
    clear,
    known_count,
    log_probabilities,
    rollout,
)
from l2c_jax.tasks.task import Task, to_frame, visiting_order
from l2c_jax.types import Array, ArrayLike, Key


class Clustering(NamedTuple):
    """The answer for one data set."""

    labels: np.ndarray  # [N] int32 in 0..k-1, the cluster of largest probability
    probabilities: np.ndarray  # [N, k] float32, rows sum to 1; k is num_clusters, or else K
    num_clusters: int  # clusters in use: distinct labels


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
      count: the number of clusters k, for learners that are told it.
      model: the learner's configuration, static.
      passes: E, static.

    Returns:
      ``[E, N, K]`` log-probabilities after each pass.
    """
    if model.given_clusters:
        if count is None:
            raise ValueError("this learner has to be told the number of clusters")
        points = known_count(points, count, model.num_clusters)
    told = count if model.given_clusters else None

    orders = jax.vmap(visiting_order, (0, None))(jax.random.split(key, passes), mask)

    def one_pass(carry: Carry, order: Array) -> tuple[Carry, Array]:
        carry, scores = rollout(params, carry, points, order, mask=mask)
        return carry, log_probabilities(scores, model.logit_scale, told)

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
      count: the number of clusters, for learners that are told it.
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

    Returns:
      ``[B, N, K]``, rows sum to 1.
    """
    keys = jax.random.split(key, tasks.mask.shape[0])
    return _assign_tasks(params, keys, tasks, model=model, passes=passes, orders=orders)


@partial(jax.jit, static_argnames=("model", "passes", "orders"))
def _assign_tasks(
    params: Params, keys: Key, tasks: Task, *, model: ModelConfig, passes: int, orders: int
) -> Array:
    def one(inputs: tuple[Key, Task]) -> Array:
        key, task = inputs
        present = jnp.zeros(model.num_clusters, bool).at[task.labels].max(task.mask)
        return assign(
            params,
            key,
            task.points,
            task.mask,
            present.sum(),
            model=model,
            passes=passes,
            orders=orders,
        )

    return jax.lax.map(one, (keys, tasks), batch_size=max(1, 512 // orders))


def padded_size(size: int) -> int:
    """The least of 16, 24, 32, 48, 64, ... that holds ``size`` points.

    Data sets of similar size share a compiled program.

    Example:
      >>> [padded_size(n) for n in (1, 17, 150)]
      [16, 24, 192]
    """
    power = 16
    while power < size:
        power *= 2
    return power * 3 // 4 if 16 < size <= power * 3 // 4 else power


# two programs, so that the large one is not compiled anew for another number of columns
_to_frame = jax.jit(to_frame, static_argnames=("frame", "dimensions"))
_assign_framed = jax.jit(assign_framed, static_argnames=("model", "passes", "orders"))


def cluster(
    params: Params,
    model: ModelConfig,
    points: ArrayLike,
    *,
    num_clusters: int | None = None,
    passes: int = 2,
    orders: int = 16,
    seed: int = 0,
) -> Clustering:
    """Cluster one data set (Algorithm 2).

    Args:
      params: the trained learner.
      model: its configuration.
      points: ``[N, D]`` finite numbers, any D: in the canonical frame the first principal axes
        are kept, or zeros added.
      num_clusters: how many clusters to use at most, k <= K. ``None`` leaves it to the learner.
        A learner that was not trained to be told k keeps the k clusters of largest total
        probability.
      passes: E, passes over the data.
      orders: M, visiting orders averaged.
      seed: of the visiting orders.

    Returns:
      Labels, probabilities and the number of clusters in use.

    Raises:
      ValueError: if the points are no finite table of at least one row and column, if
        ``num_clusters`` is beyond the learner or the points, or if the learner has to be told it.

    Example:
      >>> import jax
      >>> from l2c_jax.recurrent.model import init
      >>> model = ModelConfig(dimensions=2, num_clusters=3)
      >>> params = init(jax.random.key(0), model)
      >>> found = cluster(params, model, [[0.0, 1.0, 2.0], [5.0, 5.0, 1.0], [4.0, 5.0, 1.0]])
      >>> found.labels.shape, found.probabilities.shape
      ((3,), (3, 3))
    """
    table = _checked(points)
    size = table.shape[0]
    if num_clusters is not None and not 1 <= num_clusters <= min(model.num_clusters, size):
        raise ValueError(
            f"num_clusters is {num_clusters}; it must be at least 1, at most {size} (the points) "
            f"and at most {model.num_clusters} (what the weights were trained for)"
        )
    if model.given_clusters and num_clusters is None:
        raise ValueError(
            f"these weights have to be told the number of clusters, 1 to {model.num_clusters}"
        )
    if min(passes, orders) < 1:
        raise ValueError("passes and orders must be at least 1")
    if model.frame == "canonical":
        table = _moderate(table)
    padded = padded_size(size)
    spread = np.zeros((padded, table.shape[1]), np.float32)
    spread[:size] = _single(table)
    mask = np.arange(padded) < size
    count = np.int32(num_clusters or 0) if model.given_clusters else None
    probabilities = np.asarray(
        _assign_framed(
            params,
            jax.random.key(seed),
            _to_frame(spread, mask, model.frame, model.dimensions),
            mask,
            count,
            model=model,
            passes=passes,
            orders=orders,
        )
    )[:size]
    if num_clusters is not None:
        probabilities = _keep(probabilities, num_clusters, told=model.given_clusters)
    probabilities = probabilities / probabilities.sum(axis=1, keepdims=True)
    labels = probabilities.argmax(axis=1).astype(np.int32)
    return Clustering(labels, probabilities, int(np.unique(labels).size))


def _keep(probabilities: np.ndarray, count: int, told: bool) -> np.ndarray:
    """``[N, k]``: the clusters that were allowed, or else the k of largest total probability."""
    if told:
        return probabilities[:, :count]
    largest = np.argsort(-probabilities.sum(axis=0), kind="stable")[:count]
    return probabilities[:, np.sort(largest)] + 1e-9  # a point may belong to dropped ones alone


def _checked(points: ArrayLike) -> np.ndarray:
    table = np.asarray(points, np.float64)
    if table.ndim != 2 or 0 in table.shape:
        raise ValueError(f"points must be a table of rows and columns, got shape {table.shape}")
    if not np.isfinite(table).all():
        raise ValueError("points must be finite; found NaN or infinity")
    return table


def _single(table: np.ndarray) -> np.ndarray:
    if np.abs(table).max() > np.finfo(np.float32).max:
        raise ValueError("points are beyond single precision; scale them")
    return table.astype(np.float32)


def _moderate(table: np.ndarray) -> np.ndarray:
    """Centre and scale in double precision, so that float32 loses nothing that matters.

    The canonical frame would do both anyway.
    """
    table = table / (np.abs(table).max() or 1.0)
    table = table - table.mean(axis=0)
    return table / (np.abs(table).max() or 1.0)
