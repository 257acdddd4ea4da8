"""Training the judge on readings of labelled tasks (:mod:`l2c_jax.tabular.judge_examples`)."""

import dataclasses
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from l2c_jax.recurrent.learner import Learner
from l2c_jax.tabular.judge import Judge, assess, init_judge
from l2c_jax.tabular.judge_examples import (
    Examples,
    JudgeConfig,
    drawn_tables,
    join_examples,
    read_examples,
)
from l2c_jax.tabular.model import TabularModel
from l2c_jax.tabular.views import VIEWS
from l2c_jax.tasks.base import TaskDistribution
from l2c_jax.types import Array, Key

_PIECE = 100
"""Steps in one call."""


def fit_judge(
    examples: Examples,
    dimensions: int,
    config: JudgeConfig = JudgeConfig(),  # noqa: B008  frozen
    weights: np.ndarray | None = None,
) -> Judge:
    """Train a judge.

    Args:
      examples: T tasks, with candidates for 1 ... K clusters.
      dimensions: D, width of the views.
      config: of the training.
      weights: ``[T]``, how often each task is drawn; ``None``: all alike.

    Returns:
      The judge, float32 NumPy.
    """
    key_init, key_train = jax.random.split(jax.random.key(config.seed))
    num_clusters = examples.scores.shape[2]
    judge = init_judge(key_init, dimensions, num_clusters, config.hidden, config.networks)
    own, table = examples.features.own, examples.features.table
    axes = tuple(range(own.ndim - 1))
    judge = judge._replace(
        own_mean=jnp.asarray(own.mean(axis=axes)),
        own_scale=jnp.asarray(1 / np.maximum(own.std(axis=axes), 1e-3)),
        table_mean=jnp.asarray(table.mean(axis=0)),
        table_scale=jnp.asarray(1 / np.maximum(table.std(axis=0), 1e-3)),
    )
    weights = np.ones(len(examples.counts)) if weights is None else weights
    ends = np.cumsum(weights / weights.sum()).astype(np.float32)
    return jax.tree.map(np.asarray, _descend(judge, examples, ends, key_train, config))


def judge_loss(judge: Judge, example: Examples, true_count_weight: float) -> Array:
    """Cross-entropy of the expected index, and of the number of clusters, of one task."""
    num_clusters = example.scores.shape[1]
    counts = jnp.arange(1, num_clusters + 1, dtype=jnp.int32)
    verdict = assess(judge, example.features, counts, num_clusters)
    target = jnp.clip(example.scores, 0, 1)
    quality = jnp.clip(verdict.quality, 1e-6, 1 - 1e-6)
    entropy = -(target * jnp.log(quality) + (1 - target) * jnp.log1p(-quality))
    true = counts == example.counts
    weight = jnp.where(true, true_count_weight, 1.0)
    weight = jnp.where(counts <= example.limits, weight, 0)
    of_quality = (entropy.mean(axis=(0, 2)) * weight).sum() / weight.sum()
    logs = jnp.where(counts <= example.limits, verdict.count_log_probs, -1e9)
    of_count = jnp.where(true, jax.nn.log_softmax(logs), 0).sum()
    return of_quality - of_count


def _descend(
    judge: Judge, examples: Examples, ends: np.ndarray, key: Key, config: JudgeConfig
) -> Judge:
    """The judge after all iterations; what was measured of the features stays."""
    from tqdm import tqdm

    size = len(examples.counts)
    trained = judge.quality, judge.number
    state = trained, _optimizer(config).init(trained)
    piece = min(_PIECE, config.iterations)
    for start in tqdm(range(0, config.iterations, piece), desc="judge"):
        key_piece = jax.random.fold_in(key, start)
        shape = (min(piece, config.iterations - start), min(config.batch, size))
        chosen = np.searchsorted(ends, np.asarray(jax.random.uniform(key_piece, shape)))
        chosen = np.minimum(chosen, size - 1)
        batches = jax.tree.map(lambda leaf: leaf[chosen], examples)  # noqa: B023
        state = _advance(judge, state, batches, replace(config, seed=0))  # one for all seeds
    return judge._replace(quality=state[0][0], number=state[0][1])


def _optimizer(config: JudgeConfig) -> Any:
    import optax

    schedule = optax.cosine_decay_schedule(config.learning_rate, config.iterations)
    return optax.adamw(schedule, weight_decay=config.weight_decay)


@partial(jax.jit, static_argnames=("config",))
def _advance(judge: Judge, state: tuple, batches: Examples, config: JudgeConfig) -> tuple:
    """The state after one step for each batch; one program for any number of examples."""
    adam = _optimizer(config)

    def loss(trained: tuple, batch: Examples) -> Array:
        whole = judge._replace(quality=trained[0], number=trained[1])
        one = partial(judge_loss, whole, true_count_weight=config.true_count_weight)
        return jax.vmap(one)(batch).mean()

    def step(state: tuple, batch: Examples) -> tuple[tuple, None]:
        trained, opt_state = state
        gradient = jax.grad(loss)(trained, batch)
        updates, opt_state = adam.update(gradient, opt_state, trained)
        moved = jax.tree.map(jnp.add, trained, updates)
        return (moved, opt_state), None

    return jax.lax.scan(step, state, batches)[0]


def measured(judge: Judge, examples: Examples) -> dict[str, float]:
    """How well a judge does on tasks that it was not trained on.

    Args:
      judge: trained.
      examples: T tasks.

    Returns:
      ``exact`` and ``within one``: how often the number of clusters is the true one; ``nats``:
      mean of -log P(k | X); ``view``: mean index of the view that it chooses for the true number,
      and that of the ``best view`` and of each view to compare.
    """
    num_clusters = examples.scores.shape[2]
    counts = jnp.arange(1, num_clusters + 1, dtype=jnp.int32)

    def one(example: Examples) -> tuple[Array, Array]:
        verdict = assess(judge, example.features, counts, num_clusters)
        logs = jnp.where(counts <= example.limits, verdict.count_log_probs, -1e9)
        return verdict.quality, jax.nn.log_softmax(logs)

    quality, logs = jax.tree.map(np.asarray, jax.jit(jax.vmap(one))(examples))
    every = np.arange(len(quality))
    inside = examples.counts <= num_clusters
    true = np.minimum(examples.counts, num_clusters) - 1
    found = logs.argmax(axis=1)
    views = examples.scores[every, :, true].mean(axis=-1)  # [T, V]
    chosen = quality[every, :, true].mean(axis=-1).argmax(axis=1)
    joint = quality.mean(axis=3).reshape(len(quality), -1).argmax(axis=1)
    by_quality = examples.scores.mean(axis=3).reshape(len(quality), -1)[every, joint]
    view_at = quality[every, :, found].mean(axis=-1).argmax(axis=1)
    by_count = examples.scores[every, view_at, found].mean(axis=-1)
    return {
        "exact": float((found == true)[inside].mean()),
        "within one": float((abs(found - true) <= 1)[inside].mean()),
        "nats": float(-logs[every, true][inside].mean()),
        "view": float(views[every, chosen].mean()),
        "best view": float(views.max(axis=1).mean()),
        **{view: float(views[:, v].mean()) for v, view in enumerate(VIEWS)},
        "found by number": float(by_count.mean()),
        "found by quality": float(by_quality.mean()),
    }


def train_judge(
    learner: Learner,
    distribution: TaskDistribution,
    config: JudgeConfig = JudgeConfig(),  # noqa: B008  frozen
) -> TabularModel:
    """Draw tasks, read them, and train a judge for a learner.

    Args:
      learner: with ``condition_on_num_clusters``.
      distribution: of the tasks.
      config: of reading and training.

    Returns:
      The learner with its judge; the metadata say under ``extra["judge"]`` how it was trained and
      how well it does on the tasks held out.

    Raises:
      ValueError: if the learner has no input for the number of clusters.
    """
    if not learner.config.condition_on_num_clusters:
        raise ValueError("a judge needs a learner with condition_on_num_clusters")
    from tqdm import tqdm

    tables = drawn_tables(jax.random.key(config.seed), distribution, config.tasks)
    bar = tqdm(read_examples(learner, tables, config), desc="reading", total=config.tasks)
    return with_judge(learner, join_examples(bar), config)


def with_judge(
    learner: Learner,
    examples: Examples,
    config: JudgeConfig,
    more: Examples | None = None,
    more_share: float = 0.0,
) -> TabularModel:
    """Train a judge on examples of a learner; see :func:`train_judge`.

    Args:
      learner: that read the tasks.
      examples: an eighth is held out and measured.
      config: of the training.
      more: other examples, all learned from.
      more_share: how often a task is one of them.

    Returns:
      The learner with its judge.
    """
    learned = len(examples.counts) - max(1, len(examples.counts) // 8)
    first = jax.tree.map(lambda leaf: leaf[:learned], examples)
    rest = jax.tree.map(lambda leaf: leaf[learned:], examples)
    weights = np.full(learned, (1 - more_share) / learned)
    if more is not None:
        added = len(more.counts)
        first = join_examples([first, more])
        weights = np.concatenate([weights, np.full(added, more_share / added)])
    judge = fit_judge(first, learner.config.dimensions, config, weights)
    entry = {**dataclasses.asdict(config), "tasks": learned, **measured(judge, rest)}
    extra = {**learner.metadata.extra, "judge": entry}
    metadata = replace(learner.metadata, extra=extra)
    return TabularModel(replace(learner, metadata=metadata), judge)
