"""Step 1 of learning to cluster: learn a similarity from labelled examples."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from l2c_jax.pairwise.augment import augmented
from l2c_jax.pairwise.backbones import Trunk, checked_points, default_trunk
from l2c_jax.pairwise.learned import Similarity, described
from l2c_jax.pairwise.losses import pair_cross_entropy
from l2c_jax.pairwise.networks import Variables, init_similarity, pair_log_odds
from l2c_jax.pairwise.sampling import ClassIndex, draw_episode, index_by_class, pair_labels
from l2c_jax.pairwise.train import (
    TrainState,
    check_crop,
    check_stages,
    descend,
    init_state,
    optimizer,
    run,
)
from l2c_jax.training.loop import LoopConfig
from l2c_jax.training.provenance import provenance, versions
from l2c_jax.training.weights import fingerprint
from l2c_jax.types import Array, ArrayLike, Key


@dataclass(frozen=True)
class SimilarityConfig:
    """How a similarity is learned; the numbers are those of Omniglot."""

    iterations: int = 9600
    """Steps of Adam, each on one episode; 50 epochs of 192."""
    classes: int = 20
    """Classes of an episode; all of them, if there are fewer."""
    per_class: int = 5
    """Points of each class in an episode."""
    learning_rate: float = 1e-3
    """Adam's step size at the start."""
    drops: tuple[float, ...] = (0.6, 0.8)
    """Shares of the training after which the step size is divided by 10."""
    crop: tuple[float, float] = (0.85, 1.0)
    """Least and largest share of an image's area in random resized crops; (1, 1) leaves images
    as they are. Tables are never cropped."""
    seed: int = 0
    """Of everything random: parameters, episodes, crops."""
    log_every: int = 10
    """Steps per logged line; they run as one call on the device."""
    checkpoint_every: int = 500
    """Steps between checkpoints."""

    def __post_init__(self) -> None:
        if min(self.iterations, self.per_class, self.log_every, self.checkpoint_every) < 1:
            raise ValueError(
                "iterations, per_class, log_every and checkpoint_every must be at least 1"
            )
        if self.classes < 2:
            raise ValueError("classes must be at least 2: an episode needs dissimilar pairs")
        check_stages(self.learning_rate, self.drops)
        check_crop(self.crop)


class Examples(NamedTuple):
    """Labelled points on the device."""

    points: Array  # [N, ...] float32 or uint8
    labels: Array  # [N] int32
    by_class: ClassIndex


def _adam(config: SimilarityConfig) -> optax.GradientTransformation:
    return optimizer(config.learning_rate, config.drops, config.iterations)


def similarity_step(
    state: TrainState,
    examples: Examples,
    key: Key,
    trunk: Trunk,
    config: SimilarityConfig,
) -> tuple[TrainState, dict[str, Array]]:
    """One step of Adam on one episode, over all ordered pairs of its points.

    Args:
      state: where to go on.
      examples: what episodes are drawn from.
      key: the run's key; step ``i`` uses ``fold_in(key, i)``.
      trunk: which network, static.
      config: static.

    Returns:
      The new state; loss, share of pairs that were told wrongly, and precision and recall of the
      similar ones.
    """
    key_episode, key_crop = jax.random.split(jax.random.fold_in(key, state.step))
    classes = min(config.classes, examples.by_class.sizes.shape[0])
    chosen = draw_episode(key_episode, examples.by_class, classes, config.per_class)
    points = augmented(key_crop, examples.points[chosen], trunk, config.crop)
    similar = pair_labels(examples.labels[chosen])

    def loss(variables: Variables) -> tuple[Array, tuple]:
        log_odds, batch_stats = pair_log_odds(variables, points, trunk=trunk, train=True)
        said = log_odds > 0
        hits = (said & similar).sum()
        info = {
            "error": (said != similar).mean(),
            "precision": hits / jnp.maximum(said.sum(), 1),
            "recall": hits / similar.sum(),
        }
        return pair_cross_entropy(log_odds, similar), (batch_stats, info)

    return descend(state, _adam(config), loss)


_init = jax.jit(init_similarity, static_argnames="trunk")


def learn_similarity(
    points: ArrayLike,
    labels: ArrayLike,
    trunk: Trunk | None = None,
    config: SimilarityConfig | None = None,
    *,
    folder: str | Path | None = None,
    resume: bool = False,
    progress: bool = True,
    on_log: Callable[[dict[str, Any]], None] | None = None,
) -> tuple[Similarity, bool]:
    """Step 1: learn from labelled examples whether two points are of one class.

    Args:
      points: ``[N, H, W, C]`` images, float or uint8, or a table ``[N, D]``.
      labels: ``[N]``; the classes need not be those of the data to be clustered.
      trunk: the network; ``None`` takes :func:`l2c_jax.pairwise.backbones.default_trunk`.
      config: how; its seed decides everything random. ``None`` takes the defaults.
      folder: for checkpoints and log, see :func:`l2c_jax.training.loop.run`.
      resume: go on from the newest checkpoint there.
      progress: show a bar.
      on_log: called with every logged record.

    Returns:
      The similarity, and whether training was finished (False: a signal asked to stop, and the
      run can be resumed).

    Raises:
      ValueError: if points and trunk do not fit each other, labels are not as many as points,
        of a single class, or too few in a class.
      l2c_jax.training.loop.DivergedError: if the loss is not finite.
      l2c_jax.training.loop.RunExistsError: if the folder holds another run.

    References:
      Hsu, Lv & Kira, *Learning to cluster in order to transfer across domains and tasks*, 2018.

    Example:
      >>> import numpy as np
      >>> from l2c_jax.pairwise.backbones import MLP
      >>> labels = np.arange(40) % 4
      >>> points = np.eye(4)[labels] + 0.1 * np.random.default_rng(0).normal(size=(40, 4))
      >>> config = SimilarityConfig(iterations=2, classes=4)
      >>> learned, finished = learn_similarity(
      ...     points, labels, MLP(columns=4, hidden=(8,)), config, progress=False)
      >>> learned.header["iterations"], finished
      (2, True)
    """
    config = config or SimilarityConfig()
    trunk = trunk or default_trunk(points)
    points, names = checked_points(points, trunk, least=2), np.asarray(labels)
    if names.shape != points.shape[:1]:
        raise ValueError(
            f"labels must be as many as the points, {len(points)}; got shape {names.shape}"
        )
    by_class = index_by_class(names, config.per_class)
    codes = np.unique(names, return_inverse=True)[1].astype(np.int32)
    made_with = {**provenance(), "versions": versions()}
    story = {
        "kind": "similarity",
        "trunk": described(trunk),
        "training": dataclasses.asdict(config),
        "data": fingerprint((points, codes)),
    }
    key_init, key_run = jax.random.split(jax.random.key(config.seed))
    state, done, seconds = run(
        similarity_step,
        (trunk, config),
        init_state(_init(key_init, trunk), _adam(config)),
        Examples(jnp.asarray(points), jnp.asarray(codes), by_class),
        key_run,
        LoopConfig(
            iterations=config.iterations,
            log_every=config.log_every,
            checkpoint_every=config.checkpoint_every,
            points_per_iteration=min(config.classes, len(by_class.sizes)) * config.per_class,
        ),
        story=story,
        folder=folder,
        resume=resume,
        progress=progress,
        on_log=on_log,
    )
    header = {**story, **made_with, "iterations": done, "minutes": round(seconds / 60, 1)}
    variables = jax.tree.map(np.asarray, state.variables)
    return Similarity(variables, trunk, header), done == config.iterations
