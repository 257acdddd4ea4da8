"""How often clusterers of points satisfy the axioms; the learned one as a meta-clusterer."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from tqdm import tqdm

from experiments.lib.records import Record, record
from experiments.meta_clustering.axioms.checks import same_partition
from experiments.meta_clustering.axioms.distances import is_consistent
from l2c_jax.metrics import error_rate
from l2c_jax.preprocessing import preprocess
from l2c_jax.recurrent.config import InferenceConfig, ModelConfig
from l2c_jax.recurrent.inference import align_members
from l2c_jax.recurrent.learner import Learner
from l2c_jax.recurrent.model import clear, log_probabilities, rollout
from l2c_jax.tasks.base import reading_order
from l2c_jax.types import Array, Key

DECADES = 3.0  # scales are 10 to the power of a uniform number in [-DECADES, DECADES]
SHRINK = 0.5  # clusters shrink by a uniform factor in [SHRINK, 1]
SEPARATIONS: tuple[float, ...] = (4.0, 16.0, 64.0, 256.0)  # in standard deviations of a cluster

SCALE, RICH, CONSISTENT, META = (
    "keeps scale invariance",
    "keeps richness",
    "keeps consistency",
    "keeps meta consistency",
)
BALANCED, AGAIN = "keeps richness of balanced partitions", "keeps its answer when asked again"
SHARE = "share of points: "

Labels = Callable[[np.ndarray, int], np.ndarray]
"""Points ``[B, N, D]`` and a seed, of orders or starts, to labels ``[B, N]``."""

Adapted = Callable[[np.ndarray, np.ndarray, int], np.ndarray]
"""The same for :math:`M[d](d')`: points of d, points of d', a seed."""


@partial(jax.jit, static_argnames="config")
def _adapted(
    learner: Learner, keys: Key, first: Array, points: Array, config: InferenceConfig
) -> Array:
    params, model, epochs = learner.params, learner.config, config.epochs

    def one_order(key: Key, first: Array, points: Array) -> Array:
        mask = jnp.ones(first.shape[0], bool)
        order = jax.vmap(reading_order, (0, None))(jax.random.split(key, epochs), mask)
        inputs = jnp.stack([first] * (epochs - 1) + [points])

        def one_epoch(carry: Any, this: tuple[Array, Array]) -> tuple[Any, Array]:
            return rollout(params, carry, *this, model)

        scores = jax.lax.scan(one_epoch, clear(params, model), (inputs, order))[1][-1]
        return jnp.exp(log_probabilities(scores, model.logit_scale))

    def one_task(inputs: tuple[Key, Array, Array]) -> Array:
        key, first, points = inputs
        many = jax.vmap(one_order, (0, None, None))
        answers = many(jax.random.split(key, config.orders), first, points)
        permutations = align_members(answers, jnp.ones(first.shape[0], bool))
        aligned = jnp.take_along_axis(answers, permutations[:, None, :], axis=2)
        return aligned.mean(axis=0).argmax(axis=-1)

    return jax.lax.map(one_task, (keys, first, points), batch_size=max(1, 512 // config.orders))


@partial(jax.jit, static_argnames="config")
def _preprocessed(points: Array, config: ModelConfig) -> Array:
    mask = jnp.ones(points.shape[1], bool)
    one = partial(preprocess, kind=config.preprocessing, dimensions=config.dimensions)
    return jax.vmap(lambda points: one(points, mask))(points)


def adapted_labels(
    learner: Learner,
    first: np.ndarray,
    points: np.ndarray,
    seed: int,
    *,
    orders: int,
    own_preprocessing: bool = False,
) -> np.ndarray:
    """:math:`M[d](d')` of the learned clusterer: adapted to one data set, it labels another.

    The state of the LSTM after reading a data set is the adapted clusterer (section 3.3). All
    epochs but the last read the first data set; the last epoch goes on from that state and reads
    and labels the other points. If both data sets are the same, this is Algorithm 2.

    Args:
      learner: M.
      first: ``[B, N, D]``, the points of d.
      points: ``[B, N, D]``, the points of d'.
      seed: of the orders.
      orders: number of orders, averaged.
      own_preprocessing: fit the preprocessing of the points of d' to themselves; otherwise they
        get the preprocessing that was fitted to d.

    Returns:
      ``[B, N]`` labels.
    """
    model = learner.config
    first, points = np.asarray(first, np.float32), np.asarray(points, np.float32)
    preprocessed = np.asarray(_preprocessed(first, model))
    if own_preprocessing:
        moved = np.asarray(_preprocessed(points, model))
    elif points is first or (points == first).all():
        moved = preprocessed
    else:  # preprocessing is an affine map: solve for it from the first points and their images
        ones = np.ones((*first.shape[:2], 1))
        maps = np.linalg.pinv(np.concatenate([first, ones], axis=2)) @ preprocessed
        moved = (np.concatenate([points, ones], axis=2) @ maps).astype(np.float32)
    keys = jax.random.split(jax.random.key(seed), len(first))
    training = learner.metadata.training
    epochs = training.epochs if training is not None else 2
    config = InferenceConfig(epochs=epochs, orders=orders)
    return np.asarray(_adapted(learner.without_metadata(), keys, preprocessed, moved, config))


def distances_of(points: np.ndarray) -> np.ndarray:
    """``[N, N]`` Euclidean distances, in double precision."""
    points = np.asarray(points, np.float64)
    return np.sqrt(((points[:, None, :] - points[None, :, :]) ** 2).sum(axis=-1))


def spread(points: np.ndarray, labels: np.ndarray, shrink: float) -> np.ndarray:
    """Points whose distances are a consistent change of those of the given points.

    Each cluster shrinks towards its mean. The means move away from the centre of all points, by
    about the least factor at which no distance between clusters is smaller than before.

    Args:
      points: ``[N, D]``.
      labels: the partition, ``[N]``.
      shrink: factor, in (0, 1).

    Returns:
      ``[N, D]`` float32; the change of the distances is checked to be consistent.

    Raises:
      ValueError: if it does not become consistent, as when two clusters have the same mean.
    """
    table, distances = np.asarray(points, np.float64), distances_of(points)
    names, cluster = np.unique(labels, return_inverse=True)
    means = np.stack([table[labels == name].mean(axis=0) for name in names])[cluster]
    away = means - table.mean(axis=0)
    for growth in (0.0, *2.0 ** np.arange(-8, 12.25, 0.25)):
        moved = (means + growth * away + shrink * (table - means)).astype(np.float32)
        if is_consistent(distances, distances_of(moved), labels):
            return moved
    raise ValueError("no consistent change was found: do two clusters have the same mean?")


def spreads(points: np.ndarray, answers: np.ndarray, seed: int) -> np.ndarray:
    """``[B, N, D]``: every task, changed consistently with its partition ``[B, N]``."""
    shrinks = np.random.default_rng([seed, 1]).uniform(SHRINK, 1, len(points))
    return np.stack([spread(*one) for one in zip(points, answers, shrinks, strict=True)])


def targets(seed: int, count: int, size: int) -> dict[str, np.ndarray]:
    """``[B, N]`` random partitions into two: all sizes, or all partitions, equally probable."""
    rng = np.random.default_rng([seed, 2])
    first = rng.integers(1, size, count)[:, None]
    any_size = rng.permuted(np.arange(size)[None, :] < first, axis=1)
    return {RICH: any_size.astype(int), BALANCED: rng.integers(0, 2, (count, size))}


def separated(labels: np.ndarray, separation: float, seed: int) -> np.ndarray:
    """``[B, N, 2]`` points of two round Gaussians with given labels at a given distance."""
    rng = np.random.default_rng([seed, 3])
    angle = rng.uniform(0, 2 * np.pi, (len(labels), 1))
    means = separation * np.stack([np.cos(angle), np.sin(angle)], axis=-1)  # [B, 1, 2]
    return labels[:, :, None] * means + rng.standard_normal((*labels.shape, 2))


def agreement(one: np.ndarray, other: np.ndarray) -> dict[str, np.ndarray]:
    """``[B]``: whether two labelings are the same partition, and the share of equal labels."""
    pairs = list(zip(one, other, strict=True))
    return {
        "": np.array([same_partition(*pair) for pair in pairs], float),
        SHARE: np.array([1 - error_rate(*pair) for pair in pairs]),
    }


def by_smaller_cluster(wanted: np.ndarray, returned: np.ndarray) -> list[list[int]]:
    """By size of the smaller cluster, in tenths of the points: tenth, returned, tried."""
    ones = wanted.mean(axis=1)
    tenth = np.minimum((10 * np.minimum(ones, 1 - ones)).astype(int), 4)
    return [[int(t), int(returned[tenth == t].sum()), int((tenth == t).sum())] for t in range(5)]


def point_records(
    method: str,
    label: Labels,
    points: np.ndarray,
    *,
    seed: int,
    separations: tuple[float, ...] = SEPARATIONS,
    adapted: dict[str, Adapted] | None = None,
) -> list[Record]:
    """How often a clusterer satisfies each axiom, on tasks and on realised partitions.

    Args:
      method: its name.
      label: the clusterer.
      points: ``[B, N, 2]``, tasks.
      seed: of all random numbers.
      separations: of the Gaussians that realise a partition; a partition counts as returned if
        it is the answer for one of them.
      adapted: for a meta-clusterer, variants of M[d](d') by name.

    Returns:
      Records.
    """
    count, size, _ = points.shape
    row = partial(record, "axioms", seed=seed)
    powers = np.random.default_rng([seed, 0]).uniform(-DECADES, DECADES, (count, 1, 1))
    answers = label(points, seed)
    changed = spreads(points, answers, seed)
    others = {
        (method, SCALE): partial(label, 10**powers * points, seed),
        (method, CONSISTENT): partial(label, changed, seed),
        (method, AGAIN): partial(label, points, seed + 1),
    }
    for name, adapted_label in (adapted or {}).items():
        others[name, META] = partial(adapted_label, points, changed, seed)
    records = []
    for (name, metric), other in tqdm(others.items(), desc=f"{method}, tasks"):
        for prefix, values in agreement(answers, other()).items():
            records.append(row(f"swirls, D=2, K=2, N={size}", name, prefix + metric, values))
    for metric, wanted in targets(seed, count, size).items():
        hits = [
            agreement(wanted, label(separated(wanted, separation, seed), seed))[""]
            for separation in tqdm(separations, desc=f"{method}, {metric}")
        ]
        returned = np.max(hits, axis=0)
        extra = {
            "separations": separations,
            "returned_by_separation": [float(values.mean()) for values in hits],
            "returned_by_smaller_cluster": by_smaller_cluster(wanted, returned),
        }
        records.append(row(f"two Gaussians, N={size}", method, metric, returned, extra=extra))
    return records
