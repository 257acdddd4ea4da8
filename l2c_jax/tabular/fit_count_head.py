"""Training the head that guesses the number of clusters, on a learner that stays as it is."""

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P
from tqdm import tqdm

from l2c_jax.preprocessing.principal import to_frame
from l2c_jax.recurrent.learner import Learner
from l2c_jax.recurrent.model import Params, init
from l2c_jax.recurrent.train import TaskSource
from l2c_jax.tabular.clusterer import COUNT_ORDERS, reading_features
from l2c_jax.tabular.count_head import CountParams, count_log_probabilities
from l2c_jax.types import Array, Key


@dataclass(frozen=True)
class CountConfig:
    """How the head is trained."""

    hidden: int = 64
    """H of the head."""
    tasks: int = 16_384
    """How many tasks the learner reads; the last tenth is held out, to say what was reached."""
    together: int = 32
    """Tasks read in one call."""
    passes: int = 2
    """E, passes of a reading."""
    epochs: int = 100
    """Passes of the head over what was read."""
    batch: int = 256
    """B, tasks per step of the head."""
    learning_rate: float = 2e-3
    """Of AdamW at the start; it falls to 0 along a cosine."""
    weight_decay: float = 1e-2
    """Of AdamW."""
    seed: int = 0
    """Of parameters, tasks and visiting orders."""

    def __post_init__(self) -> None:
        counts = (self.hidden, self.together, self.passes, self.epochs, self.batch)
        if min(counts) < 1 or self.tasks < 10:
            raise ValueError(
                "hidden, together, passes, epochs and batch must be at least 1, tasks at least 10"
            )
        if not self.learning_rate > 0 or self.weight_decay < 0:
            raise ValueError("learning_rate must be positive, weight_decay not negative")


def fit_count(
    learner: Learner, source: TaskSource, config: CountConfig, *, progress: bool = True
) -> Learner:
    """Give a learner a head that guesses the number of clusters.

    Args:
      learner: trained with ``given_clusters``; it is not changed.
      source: draws the tasks.
      config: how.
      progress: show a bar.

    Returns:
      The learner with the head; its header says how it was trained and what it reached on the
      tasks held out: the mean negative logarithm of the probability of the true number, in nats,
      and how often the most probable number was right.

    Raises:
      ValueError: if the learner is never told the number of clusters.
    """
    if not learner.model.given_clusters:
        raise ValueError("only a learner with given_clusters can be told each number in turn")
    model = dataclasses.replace(learner.model, count_hidden=config.hidden)
    key_init, key_tasks, key_order = jax.random.split(
        jax.random.fold_in(jax.random.key(config.seed), 7), 3
    )
    head = init(key_init, model).head
    assert head is not None
    read = list(_read(learner, key_tasks, source, config, progress=progress))
    features, counts = (np.concatenate(parts)[: config.tasks] for parts in zip(*read, strict=True))
    learned = config.tasks - config.tasks // 10
    mean, spread = features[:learned].mean(axis=0), features[:learned].std(axis=0) + 1e-3
    scaled = jnp.asarray((features - mean) / spread)
    head = _descend(head, scaled[:learned], jnp.asarray(counts[:learned]), key_order, config)
    logs = np.asarray(jax.vmap(count_log_probabilities, (None, 0))(head, scaled[learned:]))
    truth = counts[learned:]
    count = {
        **dataclasses.asdict(config),
        "nats": float(-logs[np.arange(len(truth)), truth - 1].mean()),
        "exact": float((logs.argmax(axis=1) + 1 == truth).mean()),
    }
    kernel = head.hidden_kernel / spread[:, None]  # the scaling becomes a part of the head
    head = head._replace(hidden_kernel=kernel, hidden_bias=head.hidden_bias - mean @ kernel)
    params = learner.params._replace(head=jax.tree.map(np.asarray, head))
    return Learner(params, model, {**learner.header, "count": count})


def _read(
    learner: Learner, key: Key, source: TaskSource, config: CountConfig, *, progress: bool
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Features ``[B, F]`` and true numbers ``[B]``, until there are enough of them."""
    model = learner.model
    frozen = learner.params._replace(head=None)

    def one(params: Params, key: Key) -> tuple[Array, Array]:
        key_task, key_read = jax.random.split(key)
        task = source(key_task)
        member = jax.nn.one_hot(task.labels, model.num_clusters) * task.mask[:, None]
        points = to_frame(task.points, task.mask, model.frame, model.dimensions)
        features = reading_features(
            *(params, key_read, points, task.mask),
            model=model,
            passes=config.passes,
            orders=COUNT_ORDERS,
        )
        return features, (member.sum(axis=0) > 0).sum()

    devices = jax.local_devices()[: math.gcd(config.together, jax.local_device_count())]
    mesh = jax.make_mesh((len(devices),), ("tasks",), devices=devices)
    everywhere, parts = NamedSharding(mesh, P()), NamedSharding(mesh, P("tasks"))
    frozen = jax.device_put(frozen, everywhere)
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
        for start in range(0, config.tasks, config.together):
            keys = jax.random.split(jax.random.fold_in(key, start), config.together)
            features, counts = several(frozen, jax.device_put(keys, parts))
            yield np.asarray(features), np.asarray(counts)
            bar.update(min(config.together, config.tasks - start))


def _descend(
    head: CountParams, features: Array, counts: Array, key: Key, config: CountConfig
) -> CountParams:
    """The head after all epochs."""
    size = min(config.batch, len(features))
    steps = len(features) // size
    schedule = optax.cosine_decay_schedule(config.learning_rate, config.epochs * steps)
    adam = optax.adamw(schedule, weight_decay=config.weight_decay)

    def loss(head: CountParams, chosen: Array) -> Array:
        logs = jax.vmap(count_log_probabilities, (None, 0))(head, features[chosen])
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
