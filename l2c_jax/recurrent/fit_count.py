"""Training the head that guesses the number of clusters, on a learner that stays as it is."""

import dataclasses
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from tqdm import tqdm

from l2c_jax.recurrent.count import CountParams, count_log_probabilities
from l2c_jax.recurrent.learner import Learner
from l2c_jax.recurrent.model import Params, init
from l2c_jax.recurrent.table import reading_features
from l2c_jax.recurrent.train import TaskSource
from l2c_jax.tasks.frame import to_frame
from l2c_jax.types import Array, Key


@dataclass(frozen=True)
class CountConfig:
    """How the head is trained."""

    hidden: int = 64
    """H of the head."""
    iterations: int = 3000
    """Steps of Adam, each on new tasks."""
    batch: int = 64
    """B, tasks a step."""
    passes: int = 2
    """E, passes of a reading."""
    learning_rate: float = 2e-3
    """At the start; it falls to 0 along a cosine."""
    seed: int = 0
    """Of parameters, tasks and visiting orders."""
    log_every: int = 50
    """Steps in one call."""

    def __post_init__(self) -> None:
        counts = (self.hidden, self.iterations, self.batch, self.passes, self.log_every)
        if min(counts) < 1:
            raise ValueError("hidden, iterations, batch, passes and log_every must be at least 1")
        if not self.learning_rate > 0:
            raise ValueError("learning_rate must be positive")


class CountState(NamedTuple):
    """All that the training needs to go on."""

    params: CountParams
    opt_state: optax.OptState
    step: Array  # [] int32


def fit_count(
    learner: Learner, source: TaskSource, config: CountConfig, *, progress: bool = True
) -> Learner:
    """Give a learner a head that guesses the number of clusters.

    Args:
      learner: trained with ``given_clusters`` and some tasks untold; it is not changed.
      source: draws the tasks.
      config: how.
      progress: show a bar.

    Returns:
      The learner with the head; its header says how it was trained and what it reached: the mean
      negative logarithm of the probability of the true number, in nats, and how often the most
      probable number was right, over the last tenth of the training.

    Raises:
      ValueError: if the learner is never told the number of clusters.
    """
    if not learner.model.given_clusters:
        raise ValueError("only a learner with given_clusters can be asked with k kept from it")
    model = dataclasses.replace(learner.model, count_hidden=config.hidden)
    key_init, key_run = jax.random.split(jax.random.fold_in(jax.random.key(config.seed), 7))
    head = init(key_init, model).head
    assert head is not None
    adam = optax.adam(optax.cosine_decay_schedule(config.learning_rate, config.iterations))
    frozen = Params(learner.params.layers, None)

    def loss(params: CountParams, tasks: tuple[Array, Array]) -> tuple[Array, Array]:
        features, count = tasks
        logs = jax.vmap(count_log_probabilities, (None, 0))(params, features)
        nats = -jnp.take_along_axis(logs, count[:, None] - 1, axis=1).mean()
        return nats, (logs.argmax(axis=1) + 1 == count).mean()

    def one(key: Key) -> tuple[Array, Array]:
        key_task, key_read = jax.random.split(key)
        task = source(key_task)
        member = jax.nn.one_hot(task.labels, model.num_clusters) * task.mask[:, None]
        points = to_frame(task.points, task.mask, model.frame, model.dimensions)
        features = reading_features(
            frozen, key_read, points, task.mask, model=model, passes=config.passes, orders=1
        )
        return features, (member.sum(axis=0) > 0).sum()

    def body(state: CountState, _: None) -> tuple[CountState, tuple[Array, Array]]:
        keys = jax.random.split(jax.random.fold_in(key_run, state.step), config.batch)
        tasks = jax.vmap(one)(keys)
        (nats, right), grads = jax.value_and_grad(loss, has_aux=True)(state.params, tasks)
        updates, opt_state = adam.update(grads, state.opt_state, state.params)
        params = optax.apply_updates(state.params, updates)
        return CountState(params, opt_state, state.step + 1), (nats, right)

    chunk = jax.jit(partial(jax.lax.scan, body, xs=None), static_argnames="length")
    state = CountState(head, adam.init(head), jnp.int32(0))
    history = []
    with tqdm(total=config.iterations, desc="number of clusters", disable=not progress) as bar:
        done = 0
        while done < config.iterations:
            length = min(config.log_every, config.iterations - done)
            state, info = chunk(state, length=length)
            history.append(np.stack(info, axis=1))
            nats, right = history[-1].mean(axis=0)
            bar.set_postfix(nats=f"{nats:.3f}", right=f"{right:.3f}")
            bar.update(length)
            done += length
    last = np.concatenate(history)[-max(1, config.iterations // 10) :].mean(axis=0)
    count = {**dataclasses.asdict(config), "nats": float(last[0]), "exact": float(last[1])}
    params = Params(learner.params.layers, jax.tree.map(np.asarray, state.params))
    return Learner(params, model, {**learner.header, "count": count})
