"""Training the recurrent learner: Algorithm 1."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import optax

from l2c_jax.metrics import matched_error
from l2c_jax.recurrent.config import TrainConfig
from l2c_jax.recurrent.losses import (
    Neighbours,
    classify_loss,
    local_loss,
    matched_labels,
    nearest_neighbours,
)
from l2c_jax.recurrent.model import (
    Carry,
    ModelConfig,
    Params,
    clear,
    frozen_scores,
    init,
    known_count,
    log_probabilities,
    rollout,
)
from l2c_jax.recurrent.scan import Scan, checkpointed, windowed
from l2c_jax.tasks.base import Task, framed, turned, visiting_order
from l2c_jax.types import Array, Key, PyTree

TaskSource: TypeAlias = Callable[[Key], Task]
"""Draws one task; pure, so that it can run inside jit and vmap."""


class TrainState(NamedTuple):
    """All that training needs to go on; every random draw follows from the seed and the step."""

    params: Params
    opt_state: optax.OptState
    step: Array  # [] int32, iterations done


class TrainInfo(NamedTuple):
    """What a person wants to see of one iteration."""

    loss: Array  # [E], nats per point, of each pass
    error: Array  # [E], error rate up to relabelling, of each pass


def optimizer(training: TrainConfig) -> optax.GradientTransformation:
    """Adam with clipped gradients and a step size that falls linearly to 0."""
    updates = training.iterations * (training.passes if training.update == "pass" else 1)
    schedule = optax.linear_schedule(training.learning_rate, 0.0, updates)
    return optax.chain(optax.clip_by_global_norm(training.clip), optax.adam(schedule))


def init_state(key: Key, model: ModelConfig, training: TrainConfig) -> TrainState:
    """Random parameters and a fresh optimiser.

    Args:
      key: consumed.
      model: the learner's shape.
      training: how it will be trained.

    Returns:
      The state before the first iteration.
    """
    params = init(key, model)
    return TrainState(params, optimizer(training).init(params), jnp.int32(0))


def _pass_loss(
    params: Params,
    carry: Carry,
    task: Task,
    order: Array,
    near: Neighbours | None,
    told: Array,
    model: ModelConfig,
    training: TrainConfig,
) -> tuple[Array, tuple[Carry, Array]]:
    """Loss of one pass over one framed task, with the new carry and the pass's error."""
    points, count = task.points, None
    if model.given_clusters:
        member = jax.nn.one_hot(task.labels, model.num_clusters) * task.mask[:, None]
        count = jnp.where(told, (member.sum(axis=0) > 0).sum(), 0)
        points = known_count(points, count, model.num_clusters)
        count = jnp.where(told, count, model.num_clusters)
    scan: Scan = checkpointed
    if training.window is not None:
        scan = windowed(training.window, truncate=training.truncate)
    carry, scores = rollout(params, carry, points, order, mask=task.mask, scan=scan)
    log_probs = log_probabilities(scores, model.logit_scale, count)
    on_the_way = log_probs
    if training.recall > 0:
        frozen = frozen_scores(params, carry, points)
        log_probs = log_probabilities(frozen, model.logit_scale, count)
    labels = task.labels
    if training.labels == "matched":
        labels = matched_labels(log_probs, labels, task.mask)
    classified = classify_loss(log_probs, labels, task.mask)
    if training.recall > 0:
        classified *= training.recall
        classified += (1 - training.recall) * classify_loss(on_the_way, labels, task.mask)
    loss = training.lam * classified
    if near is not None:
        loss += (1 - training.lam) * local_loss(log_probs, near, task.mask)
    predicted = jnp.argmax(log_probs, axis=-1)
    error = matched_error(task.labels, predicted, task.mask, model.num_clusters)
    return loss, (carry, error)


def _mine(keys: Key, axis: str | None) -> Key:
    """Of the keys of all tasks, those of the tasks that this device holds."""
    if axis is None:
        return keys
    share = keys.shape[0] // jax.lax.axis_size(axis)
    return jax.lax.dynamic_slice_in_dim(keys, jax.lax.axis_index(axis) * share, share)


def _over_devices(means: PyTree, axis: str | None) -> PyTree:
    """Means over the tasks of all devices, from those over each device's own."""
    return means if axis is None else jax.lax.pmean(means, axis)


def train_step(
    state: TrainState,
    key: Key,
    tasks: Task,
    model: ModelConfig,
    training: TrainConfig,
    *,
    axis: str | None = None,
) -> tuple[TrainState, TrainInfo]:
    """One iteration of Algorithm 1 on a batch of tasks: clear the carry, make E passes.

    Args:
      state: from :func:`init_state` or the step before.
      key: consumed, for the visiting orders.
      tasks: B tasks, arrays ``[B, N, D]``, ``[B, N]``, ``[B, N]``; as drawn, in any frame.
      model: the learner's shape, static.
      training: how it is trained, static.
      axis: inside ``jax.shard_map``, the mesh axis that the batch is shared over; ``tasks`` are
        then this device's, B / devices of them.

    Returns:
      The new state, and losses and errors ``[E]``, the means over the batch.

    Example:
      >>> import jax
      >>> from l2c_jax.tasks import TaskConfig, draw_task
      >>> model, training = ModelConfig(hidden=(8, 8, 8)), TrainConfig(batch=4)
      >>> key_init, key_tasks, key_step = jax.random.split(jax.random.key(0), 3)
      >>> state = init_state(key_init, model, training)
      >>> draw = jax.vmap(lambda key: draw_task(key, TaskConfig()))
      >>> tasks = draw(jax.random.split(key_tasks, 4))
      >>> state, info = train_step(state, key_step, tasks, model, training)
      >>> int(state.step), info.loss.shape
      (1, (2,))
    """
    tasks = jax.vmap(lambda task: framed(task, model.frame, model.dimensions, model.num_clusters))(
        tasks
    )
    if training.truncate and model.memory == "cluster":
        raise ValueError(
            'with memory "cluster", truncate would leave the clusters\' start as it is'
        )
    batch = tasks.mask.shape[0]
    whole_batch = batch if axis is None else batch * jax.lax.axis_size(axis)
    if training.turned > 0:
        key, key_turn = jax.random.split(key)
        keys_turn = _mine(jax.random.split(key_turn, whole_batch), axis)
        tasks = jax.vmap(turned, (0, 0, None))(keys_turn, tasks, training.turned)
    near = None
    if training.lam < 1:
        near = jax.vmap(partial(nearest_neighbours, count=training.neighbours))(
            tasks.points, tasks.mask
        )
    told = jnp.ones(batch, bool)
    if training.untold > 0:
        key, key_told = jax.random.split(key)
        keys_told = _mine(jax.random.split(key_told, whole_batch), axis)
        told = jax.vmap(partial(jax.random.bernoulli, p=1 - training.untold))(keys_told)

    def cleared(params: Params) -> Carry:
        return jax.vmap(lambda _: clear(params))(jnp.arange(batch))

    def batch_loss(params: Params, carry: Carry, key: Key) -> tuple[Array, tuple[Carry, Array]]:
        keys = _mine(jax.random.split(key, whole_batch), axis)
        orders = jax.vmap(visiting_order)(keys, tasks.mask)
        over_tasks = jax.vmap(
            partial(_pass_loss, model=model, training=training), (None, 0, 0, 0, 0, 0)
        )
        loss, (carry, error) = over_tasks(params, carry, tasks, orders, near, told)
        return loss.mean(), (carry, error.mean())

    def all_passes(params: Params, keys: Key) -> tuple[Array, TrainInfo]:
        carry, losses, errors = cleared(params), [], []
        for key in keys:
            loss, (carry, error) = batch_loss(params, carry, key)
            losses.append(loss)
            errors.append(error)
        info = TrainInfo(jnp.stack(losses), jnp.stack(errors))
        return info.loss.mean(), info

    def descend(params: Params, opt_state: optax.OptState, grads: Params) -> tuple:
        grads = _over_devices(grads, axis)
        updates, opt_state = optimizer(training).update(grads, opt_state, params)
        return optax.apply_updates(params, updates), opt_state

    params, opt_state = state.params, state.opt_state
    keys = jax.random.split(key, training.passes)
    if training.update == "iteration":
        grads, info = jax.grad(all_passes, has_aux=True)(params, keys)
        params, opt_state = descend(params, opt_state, grads)
        return TrainState(params, opt_state, state.step + 1), _over_devices(info, axis)

    def pass_loss(params: Params, carry: Carry, key: Key, first: Array) -> tuple:
        start = jax.tree.map(partial(jnp.where, first), cleared(params), carry)
        return batch_loss(params, start, key)

    def one_pass(loop: tuple, visit: tuple[Key, Array]) -> tuple:
        params, opt_state, carry = loop
        (loss, (carry, error)), grads = jax.value_and_grad(pass_loss, has_aux=True)(
            params, carry, *visit
        )
        params, opt_state = descend(params, opt_state, grads)
        return (params, opt_state, carry), TrainInfo(loss, error)

    visits = keys, jnp.arange(training.passes) == 0
    state_and_carry = params, opt_state, cleared(params)
    (params, opt_state, _), info = jax.lax.scan(one_pass, state_and_carry, visits)
    return TrainState(params, opt_state, state.step + 1), _over_devices(info, axis)


def iterations(
    state: TrainState,
    key: Key,
    source: TaskSource,
    model: ModelConfig,
    training: TrainConfig,
    length: int,
    *,
    axis: str | None = None,
) -> tuple[TrainState, TrainInfo]:
    """Several iterations in one call: tasks are drawn and learned from on the device.

    Args:
      state: where to go on.
      key: the run's key; iteration ``i`` uses ``fold_in(key, i)``, so that a resumed run draws
        what an uninterrupted one would have drawn.
      source: draws one task.
      model: the learner's shape, static.
      training: how it is trained, static.
      length: how many iterations, static.
      axis: see :func:`train_step`. A task does not depend on how many devices there are.

    Returns:
      The new state, and losses and errors ``[length, E]``.
    """

    def body(state: TrainState, _: None) -> tuple[TrainState, TrainInfo]:
        key_tasks, key_orders = jax.random.split(jax.random.fold_in(key, state.step))
        keys = _mine(jax.random.split(key_tasks, training.batch), axis)
        return train_step(state, key_orders, jax.vmap(source)(keys), model, training, axis=axis)

    return jax.lax.scan(body, state, None, length=length)
