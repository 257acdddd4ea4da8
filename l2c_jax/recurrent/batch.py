"""A batch of tasks as the loss reads them."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp

from l2c_jax.preprocessing.columns import standardize
from l2c_jax.preprocessing.diffusion import diffusion_coordinates, first_coordinates
from l2c_jax.preprocessing.paths import path_coordinates
from l2c_jax.preprocessing.principal import preprocess
from l2c_jax.preprocessing.ranks import masked_ranks
from l2c_jax.recurrent.config import ModelConfig, TrainConfig
from l2c_jax.recurrent.losses import Neighbors, nearest_neighbors
from l2c_jax.tasks.base import Task, random_rotation, sort_labels
from l2c_jax.types import Array, Key


class Batch(NamedTuple):
    """B tasks, as the loss reads them."""

    tasks: Task  # preprocessed; [B, N, D], [B, N], [B, N]
    neighbors: Neighbors | None  # for the local loss, [B, N, J]; None without it
    k_given: Array  # [B] bool, whether the number of clusters is an input


def preprocess_task(task: Task, config: ModelConfig) -> Task:
    """Preprocessed points, and labels sorted along the first axis (section 4.1).

    Args:
      task: one task in any coordinates.
      config: the learner's shape.

    Returns:
      The task; points ``[N, config.dimensions]``.
    """
    points = preprocess(task.points, task.mask, config.preprocessing, config.dimensions)
    return sort_labels(task._replace(points=points), config.num_clusters)


def points_in_view(task: Task, view: str, config: ModelConfig) -> Array:
    """Coordinates of another view (:mod:`l2c_jax.tabular.views`) instead of the points.

    Args:
      task: one task in any coordinates.
      view: ``"ranks"``: principal axes of the columns' ranks; ``"diffusion"``, ``"paths"``: for k
        clusters the first k - 1 coordinates.
      config: the learner's shape.

    Returns:
      ``[N, config.dimensions]``, zeros where masked.
    """
    scaled = preprocess(task.points, task.mask, "columns", task.points.shape[1])
    if view == "ranks":
        varies = (jnp.abs(scaled) > 0).any(axis=0)
        ranks = jnp.where(varies[None, :], masked_ranks(scaled, task.mask), 0)
        return preprocess(standardize(ranks, task.mask), task.mask, "principal", config.dimensions)
    coordinates = {"diffusion": diffusion_coordinates, "paths": path_coordinates}[view]
    found = coordinates(scaled, task.mask, config.dimensions)
    member = jax.nn.one_hot(task.labels, config.num_clusters) * task.mask[:, None]
    count = (member.sum(axis=0) > 0).sum()
    return first_coordinates(found, task.mask, count - 1)


def prepare_batch(
    key: Key, tasks: Task, config: ModelConfig, training: TrainConfig, axis: str | None
) -> tuple[Key, Batch]:
    """Preprocess tasks, rotate some, find neighbors, choose where k is an input.

    Args:
      key: consumed.
      tasks: B tasks in any coordinates.
      config: static.
      training: static.
      axis: the mesh axis inside ``jax.shard_map``; ``tasks`` are then this device's.

    Returns:
      A key for the orders of the points, and the batch.
    """
    size = tasks.mask.shape[0]
    total = size if axis is None else size * jax.lax.axis_size(axis)
    raw, tasks = tasks, jax.vmap(partial(preprocess_task, config=config))(tasks)
    start = 0  # tasks are independent, so the first ones are as good as random ones
    for view in ("diffusion", "paths", "ranks"):
        stop = start + round(getattr(training, f"{view}_prob") * size)
        if stop > start:
            part = jax.tree.map(lambda leaf: leaf[start:stop], raw)  # noqa: B023
            points = jax.vmap(partial(points_in_view, view=view, config=config))(part)
            tasks = tasks._replace(points=tasks.points.at[start:stop].set(points))
        start = stop
    if start:
        tasks = jax.vmap(partial(sort_labels, num_clusters=config.num_clusters))(tasks)
    if training.random_rotation_prob > 0:
        key, key_rotation = jax.random.split(key)
        keys = local_keys(jax.random.split(key_rotation, total), axis)
        prob = training.random_rotation_prob
        tasks = jax.vmap(random_rotation, (0, 0, None))(keys, tasks, prob)
    neighbors = None
    if training.classification_weight < 1:
        find = partial(nearest_neighbors, count=training.num_neighbors)
        neighbors = jax.vmap(find)(tasks.points, tasks.mask)
    k_given = jnp.ones(size, bool)
    if training.k_dropout > 0:
        key, key_dropout = jax.random.split(key)
        keys = local_keys(jax.random.split(key_dropout, total), axis)
        k_given = jax.vmap(partial(jax.random.bernoulli, p=1 - training.k_dropout))(keys)
    return key, Batch(tasks, neighbors, k_given)


def local_keys(keys: Key, axis: str | None) -> Key:
    """Of the keys of all tasks, those of this device's tasks."""
    if axis is None:
        return keys
    share = keys.shape[0] // jax.lax.axis_size(axis)
    return jax.lax.dynamic_slice_in_dim(keys, jax.lax.axis_index(axis) * share, share)
