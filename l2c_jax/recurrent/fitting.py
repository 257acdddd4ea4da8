"""From configurations to a trained learner: Algorithm 1 under the outer loop."""

from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from l2c_jax.recurrent.config import Cell, ModelConfig, TrainConfig
from l2c_jax.recurrent.evaluation import measured_error
from l2c_jax.recurrent.learner import Learner, Metadata, save_learner
from l2c_jax.recurrent.train import TrainState, init_state, train_step, train_steps
from l2c_jax.tasks.base import TaskDistribution, is_pytree
from l2c_jax.tasks.description import describe
from l2c_jax.training import loop
from l2c_jax.training.distributed import is_first
from l2c_jax.training.host import host_call
from l2c_jax.training.provenance import provenance, versions
from l2c_jax.training.weights import content_hash
from l2c_jax.types import Key, PyTree

if TYPE_CHECKING:  # is imported when a training begins
    import optax


def check_fit(
    distribution: TaskDistribution, config: ModelConfig, start: Learner | None = None
) -> None:
    """Refuse a model that cannot hold the tasks, and a start of another shape.

    Raises:
      ValueError: if the tasks have more clusters than the model, or other dimensions where the
        points are not preprocessed, or the start has another configuration.
    """
    if start is not None and start.config != config:
        raise ValueError(f"the learner to start from has the shape {start.config}, not {config}")
    if distribution.num_clusters > config.num_clusters:
        raise ValueError(
            f"the tasks have up to {distribution.num_clusters} clusters, the model only "
            f"{config.num_clusters}: set model.num_clusters"
        )
    if distribution.dimensions != config.dimensions and config.preprocessing == "raw":
        raise ValueError(
            f"the tasks have {distribution.dimensions} dimensions, the model "
            f"{config.dimensions}: set model.dimensions"
        )


def task_mesh(batch: int) -> Mesh:
    """One axis, "tasks", over as many devices of every process as divide the batch.

    Args:
      batch: B.

    Returns:
      The mesh; every process has as many devices in it as any other.

    Raises:
      ValueError: if the processes cannot share the batch evenly.
    """
    processes = jax.process_count()
    if batch % processes:
        raise ValueError(f"{processes} processes cannot share a batch of {batch} evenly")
    own = [
        [device for device in jax.devices() if device.process_index == index]
        for index in range(processes)
    ]
    least = min(map(len, own))
    each = max(n for n in range(1, least + 1) if batch % (n * processes) == 0)
    devices = [device for devices in own for device in devices[:each]]
    return jax.make_mesh((len(devices),), ("tasks",), (AxisType.Auto,), devices=devices)


def make_advance(
    key: Key,
    distribution: TaskDistribution,
    config: ModelConfig,
    training: TrainConfig,
    optimizer: "optax.GradientTransformation | None" = None,
) -> loop.Advance:
    """The compiled chunk of iterations that the outer loop calls; it reuses the state's memory.

    The batch is sharded over the devices of :func:`task_mesh`; each device has all arrays of the
    distribution.

    Args:
      key: the run's key.
      distribution: of the tasks.
      config: the learner's shape.
      training: how it is trained.
      optimizer: any optax optimizer, or ``None``.

    Returns:
      ``advance(state, length) -> (state, what to log)``.
    """
    mesh = task_mesh(training.batch)
    replicated = NamedSharding(mesh, P())
    arrays = distribution if is_pytree(distribution) else None
    step = partial(train_step, config=config, training=training, optimizer=optimizer, axis="tasks")

    @partial(jax.jit, static_argnames="length", donate_argnames="state")
    def chunk(state: TrainState, arrays: PyTree, length: int) -> tuple[TrainState, Any]:
        def on_device(state: TrainState, arrays: PyTree) -> tuple[TrainState, Any]:
            tasks = distribution if arrays is None else arrays
            size = training.batch
            return train_steps(state, key, tasks, step, batch=size, length=length, axis="tasks")

        sharded = jax.shard_map(on_device, mesh=mesh, in_specs=P(), out_specs=P(), check_vma=False)
        return sharded(state, arrays)

    # compiled beforehand, so that no logged speed has the compiler's time in it
    like = jax.tree.map(
        lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=replicated),
        jax.eval_shape(lambda: init_state(jax.random.key(0), config, training, optimizer)),
    )
    arrays = jax.device_put(jax.tree.map(np.asarray, arrays), replicated)
    usual = min(training.log_every, training.iterations)
    lengths = {usual, training.iterations % usual} - {0}
    compiled = {length: chunk.lower(like, arrays, length=length).compile() for length in lengths}

    def advance(state: PyTree, length: int) -> tuple[PyTree, dict[str, Any]]:
        if any(leaf.sharding != replicated for leaf in jax.tree.leaves(state)):
            state = jax.device_put(jax.tree.map(np.asarray, state), replicated)
        state, info = compiled[length](state, arrays)
        loss, error = np.asarray(info.loss), np.asarray(info.error)
        return state, {
            "loss": float(loss.mean()),
            "error": float(error[:, -1].mean()),
            "error_by_epoch": [round(float(e), 5) for e in error.mean(axis=0)],
        }

    return advance


@host_call()
def fit(
    distribution: TaskDistribution,
    config: ModelConfig,
    training: TrainConfig,
    *,
    optimizer: "optax.GradientTransformation | None" = None,
    start: Learner | None = None,
    run: loop.RunOptions = loop.RunOptions(),  # noqa: B008  frozen
) -> tuple[Learner, bool]:
    """Train a learner.

    Args:
      distribution: of the tasks to learn from: one of :mod:`l2c_jax.tasks`, or any object with
        ``sample(key)``, ``num_points``, ``dimensions`` and ``num_clusters``.
      config: the learner's shape.
      training: how; its seed decides everything random.
      optimizer: any optax optimizer; ``None``: Adam, see
        :func:`l2c_jax.recurrent.train.default_optimizer`.
      start: a learner of the same shape to begin from, with a fresh optimizer, instead of random
        parameters. The metadata name its weights by their content hash.
      run: folder, resume, progress bar; see :class:`l2c_jax.training.loop.RunOptions`. A finished
        run's folder holds ``weights.safetensors``, written before the error is measured and again
        with it.

    Returns:
      The learner, with its error on fresh tasks in its metadata, and whether training was
      finished (False: a signal asked to stop, and the run can be resumed).

    Raises:
      ValueError: if model and tasks do not fit each other, or the start has another shape.
      l2c_jax.training.loop.DivergedError: if the loss is not finite.
      l2c_jax.training.loop.RunExistsError: if the folder holds another run.

    Example:
      >>> from l2c_jax.tasks import GaussianTasks
      >>> config, training = ModelConfig(hidden=(4, 4)), TrainConfig(iterations=2, batch=2)
      >>> quiet = loop.RunOptions(progress=False)
      >>> learner, finished = fit(GaussianTasks(num_points=8), config, training, run=quiet)
      >>> finished, learner.metadata.iterations
      (True, 2)
    """
    check_fit(distribution, config, start)
    key_init, key_run = jax.random.split(jax.random.key(training.seed))
    metadata = _metadata(distribution, training, start)
    state = init_state(key_init, config, training, optimizer)
    if start is not None:
        state = state._replace(params=jax.tree.map(jnp.array, start.params))  # chunk reuses them
    lengths = loop.LoopConfig(
        iterations=training.iterations,
        log_every=training.log_every,
        checkpoint_every=training.checkpoint_every,
        points_per_iteration=training.batch * distribution.num_points * training.epochs,
    )
    options = replace(run, run_config=_run_config(metadata, config, optimizer))
    trained = loop.run(
        lambda: make_advance(key_run, distribution, config, training, optimizer),
        state,
        lengths,
        options,
    )
    params = jax.tree.map(np.asarray, trained.state.params)
    minutes = round(trained.seconds / 60, 1)
    metadata = replace(metadata, iterations=trained.iterations, minutes=minutes)
    learner = Learner(params, config, metadata)
    if trained.iterations < training.iterations:
        return learner, False
    _save(learner, run)
    error = measured_error(learner, distribution, seed=training.seed)
    learner = replace(learner, metadata=replace(metadata, error=error))
    _save(learner, run)
    return learner, True


def _metadata(
    distribution: TaskDistribution, training: TrainConfig, start: Learner | None
) -> Metadata:
    """What is known before the first iteration."""
    return Metadata(
        tasks=describe(distribution),
        training=training,
        start=None if start is None else content_hash(start.params),
        provenance=provenance(),
        versions=versions(),
    )


def _run_config(
    metadata: Metadata, config: ModelConfig, optimizer: "optax.GradientTransformation | None"
) -> dict[str, Any]:
    """What a resumed run has to share with the one that it resumes."""
    shape = asdict(config)
    if isinstance(config.architecture, Cell):
        shape["architecture"] = repr([function.__qualname__ for function in config.architecture])
    found: dict[str, Any] = {"tasks": metadata.tasks, "model": shape}
    found["training"] = metadata.to_json()["training"]
    if metadata.start is not None:
        found["start"] = metadata.start
    if optimizer is not None:
        found["optimizer"] = "given by the caller"
    return found


def _save(learner: Learner, run: loop.RunOptions) -> None:
    """Into the run's folder, if it has one and a file can hold the learner."""
    named = not isinstance(learner.config.architecture, Cell)
    if run.folder is not None and named and is_first():
        save_learner(Path(run.folder) / "weights.safetensors", learner)
