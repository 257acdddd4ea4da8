"""Training the recurrent learner: Algorithm 1, one iteration and several."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
from jax.sharding import AxisType, auto_axes
from jax.sharding import PartitionSpec as P

from l2c_jax.recurrent.batch import Batch, local_keys, prepare_batch
from l2c_jax.recurrent.config import ModelConfig, TrainConfig
from l2c_jax.recurrent.model import clear, init
from l2c_jax.recurrent.objective import task_loss
from l2c_jax.tasks.base import Task, TaskDistribution, reading_order
from l2c_jax.types import Array, Key, PyTree

if TYPE_CHECKING:  # is imported when a training begins
    import optax


class TrainState(NamedTuple):
    """State of a training; every random draw follows from the seed and the step."""

    params: PyTree
    opt_state: "optax.OptState"
    step: Array  # [] int32, iterations done


class TrainInfo(NamedTuple):
    """Measurements of one iteration."""

    loss: Array  # [E], nats per point, of each epoch
    error: Array  # [E], error rate up to relabelling, of each epoch


def default_optimizer(training: TrainConfig) -> "optax.GradientTransformation":
    """Adam with clipped gradients and a step size that decreases linearly to 0."""
    updates = training.iterations * (training.epochs if training.update == "epoch" else 1)
    import optax

    schedule = optax.linear_schedule(training.learning_rate, 0.0, updates)
    return optax.chain(optax.clip_by_global_norm(training.clip), optax.adam(schedule))


def init_state(
    key: Key,
    config: ModelConfig,
    training: TrainConfig,
    optimizer: "optax.GradientTransformation | None" = None,
) -> TrainState:
    """Random parameters and the optimizer's initial state.

    Args:
      key: consumed.
      config: the learner's shape.
      training: how it will be trained.
      optimizer: any optax optimizer; ``None``: :func:`default_optimizer`.

    Returns:
      The state before the first iteration.
    """
    params = init(key, config)
    optimizer = optimizer or default_optimizer(training)
    return TrainState(params, optimizer.init(params), jnp.int32(0))


def train_step(
    state: TrainState,
    key: Key,
    tasks: Task,
    config: ModelConfig,
    training: TrainConfig,
    optimizer: "optax.GradientTransformation | None" = None,
    *,
    axis: str | None = None,
) -> tuple[TrainState, TrainInfo]:
    """One iteration of Algorithm 1 on a batch of tasks: clear the carry, make E epochs.

    Args:
      state: from :func:`init_state` or the step before.
      key: consumed, for the orders of the points.
      tasks: B tasks, arrays ``[B, N, D]``, ``[B, N]``, ``[B, N]``, in any coordinates.
      config: the learner's shape, static.
      training: how it is trained, static.
      optimizer: the one given to :func:`init_state`, static.
      axis: inside ``jax.shard_map``, the mesh axis over which the batch is sharded; ``tasks`` are
        then this device's, B / devices of them.

    Returns:
      The new state, and losses and errors ``[E]``, the means over the batch.

    Raises:
      ValueError: if ``training.truncate`` is on for the architecture "slots", whose initial cell
        states would get no gradient.

    Example:
      >>> import jax
      >>> from l2c_jax.tasks import GaussianTasks
      >>> config, training = ModelConfig(hidden=(8, 8, 8)), TrainConfig(batch=4)
      >>> key_init, key_tasks, key_step = jax.random.split(jax.random.key(0), 3)
      >>> state = init_state(key_init, config, training)
      >>> tasks = jax.vmap(GaussianTasks().sample)(jax.random.split(key_tasks, 4))
      >>> state, info = train_step(state, key_step, tasks, config, training)
      >>> int(state.step), info.loss.shape
      (1, (2,))
    """
    if training.truncate and config.architecture == "slots":
        raise ValueError('architecture "slots" cannot be trained with truncate')

    def iterate(state: TrainState, key: Key, tasks: Task) -> tuple[TrainState, TrainInfo]:
        key, batch = prepare_batch(key, tasks, config, training, axis)
        keys = jax.random.split(key, training.epochs)
        update = _Update(batch, config, training, optimizer or default_optimizer(training), axis)
        if training.update == "iteration":
            params, opt_state, info = update.per_iteration(state.params, state.opt_state, keys)
        else:
            params, opt_state, info = update.per_epoch(state.params, state.opt_state, keys)
        return TrainState(params, opt_state, state.step + 1), _mean_over_devices(info, axis)

    if AxisType.Explicit in jax.sharding.get_abstract_mesh().axis_types:
        iterate = auto_axes(iterate, out_sharding=P())  # the compiler shards over the batch
    return iterate(state, key, tasks)


class _Update(NamedTuple):
    """What the updates of one iteration share."""

    batch: Batch
    config: ModelConfig
    training: TrainConfig
    optimizer: "optax.GradientTransformation"
    axis: str | None

    def cleared(self, params: PyTree) -> Any:
        size = self.batch.k_given.shape[0]
        return jax.vmap(lambda _: clear(params, self.config))(jnp.arange(size))

    def loss(self, params: PyTree, carry: Any, key: Key) -> tuple[Array, tuple[Any, Array]]:
        """Mean loss and error of one epoch over the batch."""
        size = self.batch.k_given.shape[0]
        total = size if self.axis is None else size * jax.lax.axis_size(self.axis)
        keys = local_keys(jax.random.split(key, total), self.axis)
        orders = jax.vmap(reading_order)(keys, self.batch.tasks.mask)
        one = partial(task_loss, config=self.config, training=self.training)
        loss, (carry, error) = jax.vmap(one, (None, 0, 0, 0))(params, carry, orders, self.batch)
        return loss.mean(), (carry, error.mean())

    def descend(
        self, params: PyTree, opt_state: "optax.OptState", grads: PyTree
    ) -> "tuple[PyTree, optax.OptState]":
        import optax

        grads = _mean_over_devices(grads, self.axis)
        updates, opt_state = self.optimizer.update(grads, opt_state, params)
        return optax.apply_updates(params, updates), opt_state

    def per_iteration(
        self, params: PyTree, opt_state: "optax.OptState", keys: Key
    ) -> "tuple[PyTree, optax.OptState, TrainInfo]":
        """One optimizer step, with gradients through all epochs."""

        def all_epochs(params: PyTree) -> tuple[Array, TrainInfo]:
            carry, losses, errors = self.cleared(params), [], []
            for key in keys:
                loss, (carry, error) = self.loss(params, carry, key)
                losses.append(loss)
                errors.append(error)
            info = TrainInfo(jnp.stack(losses), jnp.stack(errors))
            return info.loss.mean(), info

        grads, info = jax.grad(all_epochs, has_aux=True)(params)
        return *self.descend(params, opt_state, grads), info

    def per_epoch(
        self, params: PyTree, opt_state: "optax.OptState", keys: Key
    ) -> "tuple[PyTree, optax.OptState, TrainInfo]":
        """An optimizer step after every epoch; the carry is kept, gradients are not."""

        def epoch_loss(params: PyTree, carry: Any, key: Key, first: Array) -> tuple:
            start = jax.tree.map(partial(jnp.where, first), self.cleared(params), carry)
            return self.loss(params, start, key)

        def one_epoch(state: tuple, epoch: tuple[Key, Array]) -> tuple[tuple, TrainInfo]:
            params, opt_state, carry = state
            (loss, (carry, error)), grads = jax.value_and_grad(epoch_loss, has_aux=True)(
                params, carry, *epoch
            )
            params, opt_state = self.descend(params, opt_state, grads)
            return (params, opt_state, carry), TrainInfo(loss, error)

        epochs = keys, jnp.arange(self.training.epochs) == 0
        start = params, opt_state, self.cleared(params)
        end, info = jax.lax.scan(one_epoch, start, epochs)
        return end[0], end[1], info


def _mean_over_devices(means: PyTree, axis: str | None) -> PyTree:
    return means if axis is None else jax.lax.pmean(means, axis)


Step: TypeAlias = Callable[[TrainState, Key, Task], tuple[TrainState, TrainInfo]]
"""``step(state, key, tasks)``: :func:`train_step` with its static arguments bound."""


def train_steps(
    state: TrainState,
    key: Key,
    distribution: TaskDistribution,
    step: Step,
    *,
    batch: int,
    length: int,
    axis: str | None = None,
) -> tuple[TrainState, TrainInfo]:
    """Several iterations in one call, with tasks drawn on the device.

    Args:
      state: where to go on.
      key: the run's key; iteration ``i`` uses ``fold_in(key, i)``, so that a resumed run draws
        what an uninterrupted one would have drawn.
      distribution: its ``sample(key)`` draws one task.
      step: one iteration on a batch of tasks.
      batch: B, static.
      length: how many iterations, static.
      axis: see :func:`train_step`. A task does not depend on the number of devices.

    Returns:
      The new state, and losses and errors ``[length, E]``.
    """

    def body(state: TrainState, _: None) -> tuple[TrainState, TrainInfo]:
        key_tasks, key_orders = jax.random.split(jax.random.fold_in(key, state.step))
        keys = local_keys(jax.random.split(key_tasks, batch), axis)
        return step(state, key_orders, jax.vmap(distribution.sample)(keys))

    return jax.lax.scan(body, state, None, length=length)
