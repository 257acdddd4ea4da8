"""How often a learned similarity is wrong: measured on classes that it was not learned from."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np

from l2c_jax.pairwise.backbones import Backbone
from l2c_jax.pairwise.config import ConstrainedConfig
from l2c_jax.pairwise.layers import Variables
from l2c_jax.pairwise.networks import pair_log_odds
from l2c_jax.pairwise.points import checked_labels, checked_points
from l2c_jax.pairwise.sampling import ClassIndex, draw_episode, index_by_class, pair_labels
from l2c_jax.pairwise.similarity import Similarity
from l2c_jax.training.host import host_call
from l2c_jax.types import Array, ArrayLike, Key

EPISODES, CLASSES, PER_CLASS = 40, 20, 5


def split_classes(labels: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Which points belong to held-out classes, drawn at random.

    Args:
      labels: ``[N]``.
      share: of the classes, rounded; at least 2 are held out and at least 2 are not.
      seed: of the draw.

    Returns:
      ``[N]`` bool.

    Raises:
      ValueError: if there are fewer than 4 classes.

    Example:
      >>> held_out = split_classes(np.array([0, 1, 2, 3, 3, 3]), 0.5, seed=0)
      >>> held_out.shape, bool(held_out[3] == held_out[4])
      ((6,), True)
    """
    names, index = np.unique(labels, return_inverse=True)
    if len(names) < 4:
        raise ValueError(f"held_out needs at least 4 classes, got {len(names)}")
    count = min(max(2, round(share * len(names))), len(names) - 2)
    chosen = np.random.default_rng(seed).permutation(len(names))[:count]
    return np.isin(index, chosen)


@host_call()
def measured_confusion(
    similarity: Similarity, points: ArrayLike, labels: ArrayLike, *, seed: int = 0
) -> dict[str, float]:
    """P(G says similar | similar) and P(G says similar | not) on labeled points.

    G reads class-balanced episodes as a constrained clustering reads its batches: whole, with
    batch norm by their own statistics; pairs of a point with itself do not count.

    Args:
      similarity: G.
      points: ``[N, ...]`` of classes that G was not learned from.
      labels: ``[N]``, at least 2 classes with at least 2 points each.
      seed: of the episodes.

    Returns:
      ``similar`` and ``dissimilar``, the two probabilities, and the number of ``classes``.

    Raises:
      ValueError: if points or labels do not fit.

    Example:
      >>> from l2c_jax.pairwise.backbones import MLP
      >>> from l2c_jax.pairwise.networks import init_similarity
      >>> backbone = MLP(columns=1, hidden=(2,))
      >>> g = Similarity(init_similarity(jax.random.key(0), backbone), backbone)
      >>> found = measured_confusion(g, [[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1])
      >>> 0 <= found["similar"] <= 1 and found["classes"] == 2
      True
    """
    array = checked_points(points, similarity.backbone, least=4)
    names = checked_labels(labels, len(array))
    sizes = np.unique(names, return_counts=True)[1]
    per_class = int(max(2, min(PER_CLASS, sizes.min())))
    by_class = index_by_class(names, per_class)
    codes = np.unique(names, return_inverse=True)[1].astype(np.int32)
    classes = min(CLASSES, len(sizes))
    data = jnp.asarray(array), jnp.asarray(codes), by_class
    totals = np.zeros(4)
    for number in range(EPISODES):
        key = jax.random.fold_in(jax.random.key(seed), number)
        counts = _counts(similarity.variables, key, data, similarity.backbone, classes, per_class)
        totals += np.asarray(counts, np.float64)
    said_similar, similar, said_dissimilar, dissimilar = totals.tolist()
    return {
        "similar": round(said_similar / similar, 6),
        "dissimilar": round(said_dissimilar / dissimilar, 6),
        "classes": len(sizes),
    }


def with_confusion(config: ConstrainedConfig, similarity: object) -> ConstrainedConfig:
    """A configuration with the numbers of the confusion in it.

    Args:
      config: any.
      similarity: G; a learned one knows its confusion, if it was measured.

    Returns:
      The configuration.

    Raises:
      ValueError: if the confusion is ``"held_out"`` and was not measured.
    """
    if config.confusion != "held_out":
        return config
    measured = similarity.metadata.confusion if isinstance(similarity, Similarity) else None
    if measured is None:
        raise ValueError(
            "confusion is 'held_out', but the similarity has none; learn it with held_out > 0, "
            "or give two numbers"
        )
    return replace(config, confusion=(measured["similar"], measured["dissimilar"]))


def _episode_counts(
    variables: Variables,
    key: Key,
    data: tuple[Array, Array, ClassIndex],
    backbone: Backbone,
    classes: int,
    per_class: int,
) -> Array:
    """``[4]``: similar pairs that are said to be, similar pairs, and the same for dissimilar."""
    points, labels, by_class = data
    chosen = draw_episode(key, by_class, classes, per_class)
    said, _ = pair_log_odds(variables, points[chosen], backbone=backbone, train=True)
    similar, own = pair_labels(labels[chosen]), jnp.eye(len(chosen), dtype=bool)
    parts = [(said > 0) & similar, similar, (said > 0) & ~similar, ~similar]
    return jnp.stack([(part & ~own).sum() for part in parts])


_counts = jax.jit(_episode_counts, static_argnames=("backbone", "classes", "per_class"))
