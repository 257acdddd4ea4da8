"""From configurations to a trained learner: Algorithm 1 under the outer loop."""

import dataclasses
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from l2c_jax.metrics import matched_error
from l2c_jax.recurrent.assign import assign_tasks
from l2c_jax.recurrent.config import TrainConfig
from l2c_jax.recurrent.learner import Learner
from l2c_jax.recurrent.model import ModelConfig
from l2c_jax.recurrent.train import TrainState, init_state, iterations
from l2c_jax.tasks.base import Task
from l2c_jax.tasks.gaussian import TaskConfig, draw_task
from l2c_jax.tasks.mixture import MixedConfig, draw_mixed_task
from l2c_jax.tasks.prior import PriorConfig, draw_prior_task
from l2c_jax.tasks.tables import Pool, PoolConfig, check_pool, draw_pool_task
from l2c_jax.training import loop
from l2c_jax.training.provenance import provenance, versions
from l2c_jax.training.weights import fingerprint
from l2c_jax.types import Key, PyTree

Tasks: TypeAlias = TaskConfig | PriorConfig | PoolConfig | MixedConfig
"""What a learner is trained on; the last two draw from a pool of tables."""

_DRAW: dict[type, Callable[..., Task]] = {
    TaskConfig: draw_task,
    PriorConfig: draw_prior_task,
    PoolConfig: draw_pool_task,
    MixedConfig: draw_mixed_task,
}


def task_source(tasks: Tasks) -> Callable[..., Task]:
    """What draws the tasks of a configuration: ``draw(key)``, or ``draw(key, pool)``."""
    return partial(_DRAW[type(tasks)], config=tasks)


def check_fit(tasks: Tasks, model: ModelConfig, pool: Pool | None = None) -> None:
    """Refuse a model that cannot hold the tasks, and a pool that cannot give them.

    Raises:
      ValueError: if the tasks have more clusters than the model, or other dimensions in the raw
        frame; if they are drawn from tables and the pool of tables does not suit them, or is
        missing, or given without need.
    """
    tables = tasks.pool if isinstance(tasks, MixedConfig) else tasks
    if isinstance(tables, PoolConfig) != (pool is not None):
        raise ValueError("a pool goes with a PoolConfig or a MixedConfig, and only with them")
    if isinstance(tables, PoolConfig) and pool is not None:
        check_pool(pool, tables)
    if tasks.num_clusters > model.num_clusters:
        raise ValueError(
            f"the tasks have up to {tasks.num_clusters} clusters, the model only "
            f"{model.num_clusters}: set model.num_clusters"
        )
    if tasks.dimensions != model.dimensions and model.frame == "raw":
        raise ValueError(
            f"the tasks have {tasks.dimensions} dimensions, the model {model.dimensions}: "
            "set model.dimensions"
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
    return jax.make_mesh((len(devices),), ("tasks",), devices=devices)


def make_advance(
    key: Key,
    source: Callable[..., Task],
    model: ModelConfig,
    training: TrainConfig,
    data: tuple = (),
) -> loop.Advance:
    """The jitted chunk of iterations that the outer loop calls; it reuses the state's memory.

    The batch is shared over the devices of :func:`task_mesh`; each has all of the data that the
    source draws from: ``source(key, *data)``.
    """
    mesh = task_mesh(training.batch)
    everywhere = NamedSharding(mesh, P())

    @partial(jax.jit, static_argnames="length", donate_argnames="state")
    def chunk(state: TrainState, data: tuple, length: int) -> tuple[TrainState, Any]:
        def here(state: TrainState, data: tuple) -> tuple[TrainState, Any]:
            def draw(key: Key) -> Task:
                return source(key, *data)

            return iterations(state, key, draw, model, training, length, axis="tasks")

        everyone = jax.shard_map(here, mesh=mesh, in_specs=P(), out_specs=P(), check_vma=False)
        return everyone(state, data)

    # compiled beforehand, so that no logged speed has the compiler's time in it
    like = jax.tree.map(
        lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=everywhere),
        jax.eval_shape(lambda: init_state(jax.random.key(0), model, training)),
    )
    data = jax.device_put(jax.tree.map(np.asarray, data), everywhere)
    usual = min(training.log_every, training.iterations)
    lengths = {usual, training.iterations % usual} - {0}
    compiled = {length: chunk.lower(like, data, length=length).compile() for length in lengths}

    def advance(state: PyTree, length: int) -> tuple[PyTree, dict[str, Any]]:
        if any(leaf.sharding != everywhere for leaf in jax.tree.leaves(state)):
            state = jax.device_put(jax.tree.map(np.asarray, state), everywhere)
        state, info = compiled[length](state, data)
        loss, error = np.asarray(info.loss), np.asarray(info.error)
        return state, {
            "loss": float(loss.mean()),
            "error": float(error[:, -1].mean()),
            "error_by_pass": [round(float(e), 5) for e in error.mean(axis=0)],
        }

    return advance


def measured_error(
    learner: Learner,
    source: Callable[..., Task],
    *,
    seed: int,
    data: tuple = (),
    count: int = 200,
) -> dict[str, float]:
    """Mean error up to relabelling on fresh tasks, for one visiting order a pass.

    A learner that was never told the number of clusters is not told it here either.

    Args:
      learner: with parameters and model.
      source: draws one task: ``source(key, *data)``.
      seed: of the tasks; they are drawn apart from every training run's.
      data: what the source draws from.
      count: how many tasks.

    Returns:
      ``mean`` and ``stderr`` over tasks, and ``n``.
    """
    key_tasks, key_read = jax.random.split(jax.random.fold_in(jax.random.key(seed), 1_000_003))
    training = learner.header["training"]

    @jax.jit
    def draw(keys: Key, data: tuple) -> Task:
        return jax.vmap(lambda key: source(key, *data))(keys)

    tasks = draw(jax.random.split(key_tasks, count), data)
    probabilities = assign_tasks(
        learner.params,
        key_read,
        tasks,
        model=learner.model,
        passes=training["passes"],
        orders=1,
        told=training["untold"] < 1,
    )
    errors_of = jax.jit(jax.vmap(partial(matched_error, num_clusters=learner.model.num_clusters)))
    errors = np.asarray(errors_of(tasks.labels, probabilities.argmax(axis=-1), tasks.mask))
    stderr = float(errors.std(ddof=1) / np.sqrt(count)) if count > 1 else 0.0
    return {"mean": float(errors.mean()), "stderr": stderr, "n": count}


def fit(
    tasks: Tasks,
    model: ModelConfig,
    training: TrainConfig,
    *,
    pool: Pool | None = None,
    start: Learner | None = None,
    folder: str | Path | None = None,
    resume: bool = False,
    progress: bool = True,
    on_log: Callable[[dict[str, Any]], None] | None = None,
) -> tuple[Learner, bool]:
    """Train a learner.

    Args:
      tasks: what to learn from.
      model: the learner's shape.
      training: how; its seed decides everything random.
      pool: the tables, for tasks that are drawn from some; the story names it by its fingerprint.
      start: a learner of the same shape to begin from, with a fresh optimiser, instead of random
        parameters. The story, in ``run.json`` and in the learner's header, names its weights by
        their fingerprint.
      folder: for checkpoints and log, see :func:`l2c_jax.training.loop.run`.
      resume: go on from the newest checkpoint there.
      progress: show a bar.
      on_log: called with every logged record.

    Returns:
      The learner, its error on fresh tasks in its header, and whether training was finished
      (False: a signal asked to stop, and the run can be resumed).

    Raises:
      ValueError: if model, tasks and pool do not fit each other, or the start has another shape.
      l2c_jax.training.loop.DivergedError: if the loss is not finite.
      l2c_jax.training.loop.RunExistsError: if the folder holds another run.
    """
    check_fit(tasks, model, pool)
    if start is not None and start.model != model:
        raise ValueError(f"the learner to start from is of shape {start.model}, not {model}")
    made_with = {**provenance(), "versions": versions()}
    source, data = task_source(tasks), () if pool is None else (pool,)
    key_init, key_run = jax.random.split(jax.random.key(training.seed))
    story: dict[str, Any] = {
        "tasks": dataclasses.asdict(tasks),
        "model": dataclasses.asdict(model),
        "training": dataclasses.asdict(training),
    }
    if pool is not None:
        story["pool"] = fingerprint(pool)
    state = init_state(key_init, model, training)
    if start is not None:
        story["start"] = fingerprint(start.params)
        state = state._replace(params=jax.tree.map(jnp.array, start.params))  # chunk reuses them
    state, done, seconds = loop.run(
        lambda: make_advance(key_run, source, model, training, data),
        state,
        loop.LoopConfig(
            iterations=training.iterations,
            log_every=training.log_every,
            checkpoint_every=training.checkpoint_every,
            points_per_iteration=training.batch * tasks.num_points * training.passes,
        ),
        folder=folder,
        story=story,
        resume=resume,
        progress=progress,
        on_log=on_log,
    )
    params = jax.tree.map(np.asarray, state.params)
    learner = Learner(
        params,
        model,
        {**story, **made_with, "iterations": done, "minutes": round(seconds / 60, 1)},
    )
    if done < training.iterations:
        return learner, False
    learner.header["error"] = measured_error(learner, source, seed=training.seed, data=data)
    return learner, True
