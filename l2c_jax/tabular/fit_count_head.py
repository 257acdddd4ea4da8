"""Training the head for the number of clusters, on a learner that stays as it is."""

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P
from tqdm import tqdm

from l2c_jax.preprocessing.principal import preprocess
from l2c_jax.recurrent.config import InferenceConfig
from l2c_jax.recurrent.learner import Learner
from l2c_jax.tabular.clusterer import TabularConfig
from l2c_jax.tabular.count_head import CountHead, count_log_probs, init_count_head
from l2c_jax.tabular.features import table_features
from l2c_jax.tabular.model import TabularModel
from l2c_jax.tasks.base import TaskDistribution
from l2c_jax.types import Array, Key


@dataclass(frozen=True)
class CountHeadConfig:
    """How the head is trained."""

    hidden: int = 64
    """H."""
    tasks: int = 16_384
    """How many tasks the learner reads; the last tenth is held out to measure the head."""
    tasks_per_call: int = 32
    """Tasks read in one call."""
    reading_epochs: int = 2
    """E, epochs of the learner over each task."""
    epochs: int = 100
    """Epochs of the head over the features."""
    batch: int = 256
    """B, tasks per step of the head."""
    learning_rate: float = 2e-3
    """AdamW's step size at the start; it decreases to 0 along a cosine."""
    weight_decay: float = 1e-2
    """AdamW's."""
    seed: int = 0
    """Parameters, tasks and orders follow from it."""

    def __post_init__(self) -> None:
        counts = (self.hidden, self.tasks_per_call, self.reading_epochs, self.epochs, self.batch)
        if min(counts) < 1 or self.tasks < 10:
            raise ValueError(
                "hidden, tasks_per_call, reading_epochs, epochs and batch must be at least 1, "
                "tasks at least 10"
            )
        if not self.learning_rate > 0 or self.weight_decay < 0:
            raise ValueError("learning_rate must be positive, weight_decay not negative")


def fit_count_head(
    learner: Learner,
    distribution: TaskDistribution,
    config: CountHeadConfig,
    *,
    progress: bool = True,
) -> TabularModel:
    """Train a head for the number of clusters.

    Args:
      learner: trained with ``condition_on_num_clusters``; it is not changed.
      distribution: of the tasks.
      config: how.
      progress: show a bar.

    Returns:
      The model. Its learner's metadata say under ``extra["count_head"]`` how the head was trained
      and, on the tasks held out, the mean of -log P(k | X) at the true k in nats and how often
      the most probable k was right.

    Raises:
      ValueError: if the learner has no input for the number of clusters.
    """
    shape = learner.config
    if not shape.condition_on_num_clusters:
        raise ValueError("the learner needs condition_on_num_clusters, to read a task for each k")
    key_init, key_tasks, key_order = jax.random.split(
        jax.random.fold_in(jax.random.key(config.seed), 7), 3
    )
    key_head = jax.random.split(key_init)[1]
    head = init_count_head(key_head, shape.dimensions, config.hidden, shape.num_clusters)
    read = list(_read(learner, key_tasks, distribution, config, progress=progress))
    features, counts = (np.concatenate(parts)[: config.tasks] for parts in zip(*read, strict=True))
    learned = config.tasks - config.tasks // 10
    mean, spread = features[:learned].mean(axis=0), features[:learned].std(axis=0) + 1e-3
    scaled = jnp.asarray((features - mean) / spread)
    head = _descend(head, scaled[:learned], jnp.asarray(counts[:learned]), key_order, config)
    logs = np.asarray(jax.vmap(count_log_probs, (None, 0))(head, scaled[learned:]))
    truth = counts[learned:]
    measured = {
        **dataclasses.asdict(config),
        "nats": float(-logs[np.arange(len(truth)), truth - 1].mean()),
        "exact": float((logs.argmax(axis=1) + 1 == truth).mean()),
    }
    kernel = head.hidden_kernel / spread[:, None]  # the scaling becomes a part of the head
    head = head._replace(hidden_kernel=kernel, hidden_bias=head.hidden_bias - mean @ kernel)
    extra = {**learner.metadata.extra, "count_head": measured}
    metadata = dataclasses.replace(learner.metadata, extra=extra)
    learner = dataclasses.replace(learner, metadata=metadata)
    return TabularModel(learner, jax.tree.map(np.asarray, head))


def _read(
    learner: Learner,
    key: Key,
    distribution: TaskDistribution,
    config: CountHeadConfig,
    *,
    progress: bool,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Features ``[B, F]`` and true numbers ``[B]``, until there are enough."""
    shape, table = learner.config, TabularConfig()
    points_read = table.inference.points_per_epoch
    reading = InferenceConfig(
        epochs=config.reading_epochs,
        orders=table.count_orders,
        top_fraction=1.0,
        points_per_epoch=points_read,
    )

    def one(learner: Learner, key: Key) -> tuple[Array, Array]:
        key_task, key_read = jax.random.split(key)
        task = distribution.sample(key_task)
        member = jax.nn.one_hot(task.labels, shape.num_clusters) * task.mask[:, None]
        points = preprocess(task.points, task.mask, shape.preprocessing, shape.dimensions)
        features = table_features(learner, key_read, points, task.mask, reading)
        return features, (member.sum(axis=0) > 0).sum()

    devices = jax.local_devices()[: math.gcd(config.tasks_per_call, jax.local_device_count())]
    mesh = jax.make_mesh((len(devices),), ("tasks",), (AxisType.Auto,), devices=devices)
    replicated, sharded = NamedSharding(mesh, P()), NamedSharding(mesh, P("tasks"))
    learner = jax.device_put(learner.without_metadata(), replicated)
    several = jax.jit(
        jax.shard_map(
            jax.vmap(one, (None, 0)),
            mesh=mesh,
            in_specs=(P(), P("tasks")),
            out_specs=P("tasks"),
            check_vma=False,
        )
    )
    with tqdm(total=config.tasks, desc="number of clusters", disable=not progress) as bar:
        for start in range(0, config.tasks, config.tasks_per_call):
            keys = jax.random.split(jax.random.fold_in(key, start), config.tasks_per_call)
            features, counts = several(learner, jax.device_put(keys, sharded))
            yield np.asarray(features), np.asarray(counts)
            bar.update(min(config.tasks_per_call, config.tasks - start))


def _descend(
    head: CountHead, features: Array, counts: Array, key: Key, config: CountHeadConfig
) -> CountHead:
    """The head after all epochs."""
    size = min(config.batch, len(features))
    steps = len(features) // size
    schedule = optax.cosine_decay_schedule(config.learning_rate, config.epochs * steps)
    adam = optax.adamw(schedule, weight_decay=config.weight_decay)

    def loss(head: CountHead, chosen: Array) -> Array:
        logs = jax.vmap(count_log_probs, (None, 0))(head, features[chosen])
        return -jnp.take_along_axis(logs, counts[chosen][:, None] - 1, axis=1).mean()

    def step(state: tuple, chosen: Array) -> tuple[tuple, None]:
        head, opt_state = state
        updates, opt_state = adam.update(jax.grad(loss)(head, chosen), opt_state, head)
        return (optax.apply_updates(head, updates), opt_state), None

    def epoch(state: tuple, key: Key) -> tuple[tuple, None]:
        order = jax.random.permutation(key, len(features))[: steps * size]
        return jax.lax.scan(step, state, order.reshape(steps, size))[0], None

    run = jax.jit(partial(jax.lax.scan, epoch))
    return run((head, adam.init(head)), jax.random.split(key, config.epochs))[0][0]
