"""How a similarity is learned and how a constrained clustering is fitted: frozen dataclasses."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeAlias

from l2c_jax.pairwise.losses import LOSSES, noisy_mcl
from l2c_jax.types import Array

PairLoss: TypeAlias = Callable[[Array, Array], Array]
"""Cluster probabilities ``[N, K]`` and similar pairs ``[N, N]``, bool or with soft targets
probabilities, to a loss ``[]``."""

_ADDED = {"held_out": 0.0, "targets": "hard", "confusion": None}
"""Fields of later versions, which descriptions leave out at the value that changes nothing."""


@dataclass(frozen=True)
class SimilarityConfig:
    """How a similarity is learned; the defaults are those of Hsu, Lv & Kira for Omniglot."""

    iterations: int = 9600
    """Optimizer steps, each on one episode; 50 epochs of 192."""
    classes: int = 20
    """Classes of an episode; all of them, if there are fewer."""
    per_class: int = 5
    """Points of each class in an episode."""
    learning_rate: float = 1e-3
    """Adam's step size at the start."""
    lr_milestones: tuple[float, ...] = (0.6, 0.8)
    """Shares of the training after which the step size is divided by 10."""
    crop: tuple[float, float] = (0.85, 1.0)
    """Least and largest share of an image's area in random resized crops; (1, 1) turns crops
    off. Tables are never cropped."""
    held_out: float = 0.0
    """Share of the classes that G is not learned from, but measured on: the metadata say what
    part of its answers about them is right. 0: none."""
    seed: int = 0
    """Decides everything random: parameters, episodes, crops, held-out classes."""
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
        if not 0 <= self.held_out < 1:
            raise ValueError(f"held_out must be in [0, 1), got {self.held_out}")
        check_schedule(self.learning_rate, self.lr_milestones)
        check_crop(self.crop)


@dataclass(frozen=True)
class ConstrainedConfig:
    """How a constrained clustering is fitted; defaults of Hsu, Lv & Kira for Omniglot."""

    num_clusters: int = 100
    """K, the number of clusters or an upper bound; clusters may stay empty."""
    loss: Literal["kcl", "mcl"] | PairLoss = "mcl"
    """:func:`~l2c_jax.pairwise.losses.mcl`, :func:`~l2c_jax.pairwise.losses.kcl`, or any function
    of probabilities ``[N, K]`` and similar pairs ``[N, N]``."""
    targets: Literal["hard", "soft"] = "hard"
    """What the loss is given as similar pairs: [G > 1/2] (hard), or G itself (soft)."""
    confusion: tuple[float, float] | Literal["held_out"] | None = None
    """How often G says "similar" of similar and of dissimilar pairs, for
    :func:`~l2c_jax.pairwise.losses.noisy_mcl` instead of ``"mcl"``; ``"held_out"``: as it was
    measured when G was learned; ``None``: no correction."""
    epochs: int = 150
    """Passes over the points."""
    batch: int = 100
    """The most points of a batch."""
    learning_rate: float = 1e-3
    """Adam's step size at the start."""
    lr_milestones: tuple[float, ...] = (2 / 3,)
    """Shares of the training after which the step size is divided by 10."""
    crop: tuple[float, float] = (0.85, 1.0)
    """Least and largest share of an image's area in random resized crops; (1, 1) turns crops
    off. Tables are never cropped."""
    adapt: bool = True
    """Batch norm of a learned similarity: by the statistics of each batch (True), which adapts it
    to the points, or by its running averages."""
    seed: int = 0
    """Decides everything random: parameters, batches, crops."""
    log_every: int = 10
    """Steps per logged line; they run as one call on the device."""
    checkpoint_every: int = 500
    """Steps between checkpoints."""

    def __post_init__(self) -> None:
        if self.num_clusters < 1:
            raise ValueError(f"num_clusters must be at least 1, got {self.num_clusters}")
        if self.batch < 2:
            raise ValueError("batch must be at least 2: one point has no pairs")
        if min(self.epochs, self.log_every, self.checkpoint_every) < 1:
            raise ValueError("epochs, log_every and checkpoint_every must be at least 1")
        if not callable(self.loss) and self.loss not in LOSSES:
            raise ValueError(f"loss must be one of {sorted(LOSSES)}, got {self.loss!r}")
        if self.targets not in ("hard", "soft"):
            raise ValueError(f"targets must be 'hard' or 'soft', got {self.targets!r}")
        check_confusion(self.confusion, self.loss)
        check_schedule(self.learning_rate, self.lr_milestones)
        check_crop(self.crop)

    @property
    def pair_loss(self) -> PairLoss:
        """The loss as a function; a confusion ``"held_out"`` has to be replaced before."""
        if isinstance(self.confusion, str):
            raise ValueError("confusion is 'held_out': its two numbers are with the similarity")
        if self.confusion is not None:
            return partial(noisy_mcl, confusion=self.confusion)
        return self.loss if callable(self.loss) else LOSSES[self.loss]


def describe_config(config: SimilarityConfig | ConstrainedConfig) -> dict[str, Any]:
    """A configuration as JSON can hold it; a loss function is written as its name.

    Example:
      >>> describe_config(ConstrainedConfig(loss=max))["loss"]
      'max'
    """
    fields = dataclasses.asdict(config)
    return {
        name: getattr(value, "__qualname__", repr(value)) if callable(value) else value
        for name, value in fields.items()
        if name not in _ADDED or value != _ADDED[name]
    }


def check_confusion(confusion: tuple[float, float] | str | None, loss: object) -> None:
    """Refuse an impossible confusion.

    Raises:
      ValueError: if it is neither ``"held_out"`` nor two different probabilities, or the loss is
        another than ``"mcl"``.
    """
    if confusion is None or confusion == "held_out":
        right = True
    else:
        pair = tuple(confusion)
        right = len(pair) == 2 and all(isinstance(p, int | float) and 0 <= p <= 1 for p in pair)
        right = right and pair[0] != pair[1]
    if not right:
        raise ValueError(
            "confusion must be 'held_out' or P(says similar | similar) and P(says similar | not), "
            f"two different numbers in [0, 1]; got {confusion!r}"
        )
    if confusion is not None and loss != "mcl":
        raise ValueError(f"confusion corrects the loss 'mcl', not {loss!r}")


def check_schedule(learning_rate: float, lr_milestones: Sequence[float]) -> None:
    """Refuse an impossible learning-rate schedule.

    Raises:
      ValueError: if the learning rate is not positive or a milestone lies outside (0, 1).
    """
    if not learning_rate > 0:
        raise ValueError("learning_rate must be positive")
    if not all(0 < share < 1 for share in lr_milestones):
        raise ValueError(
            "lr_milestones are shares of the training, between 0 and 1; "
            f"got {tuple(lr_milestones)}"
        )


def check_crop(crop: tuple[float, float]) -> None:
    """Refuse an impossible range of areas.

    Raises:
      ValueError: if it is not increasing within (0, 1].
    """
    if not 0 < crop[0] <= crop[1] <= 1:
        raise ValueError(f"crop must be a least and a largest share of the area, got {crop}")
