"""All numbers of the recurrent learner: its shape, its training, its inference."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from l2c_jax.preprocessing.principal import KINDS, Kind


class Cell(NamedTuple):
    """A recurrent cell: three pure functions for one task.

    The two cells of this library are :data:`l2c_jax.recurrent.lstm.STACKED` and
    :data:`l2c_jax.recurrent.slots.SLOTS`; any other may be given as
    ``ModelConfig(architecture=Cell(...))``.
    """

    init: Callable[[Any, "ModelConfig"], Any]
    """``init(key, config) -> params``, a pytree of arrays."""
    clear: Callable[[Any, "ModelConfig"], Any]
    """``clear(params, config) -> carry``, the carry before a task, a pytree of arrays."""
    step: Callable[[Any, Any, Any, "ModelConfig"], tuple[Any, Any]]
    """``step(params, carry, point, config) -> (carry, score)``: ``[D]`` (or ``[D + K]`` with
    ``condition_on_num_clusters``) to ``[K]``."""


@dataclass(frozen=True)
class ModelConfig:
    """The learner's shape, and the preprocessing of its points."""

    dimensions: int = 2
    """D, width of a point. Wider data keep their first principal axes."""
    num_clusters: int = 2
    """K, width of the output: the number of clusters, or the largest possible number."""
    hidden: tuple[int, ...] = (64, 64, 64)
    """H of each layer before the last, which has K units. Architecture "slots": H of its cell."""
    architecture: str | Cell = "stacked"
    """"stacked": four LSTM layers with one state per task, as in the paper. "slots": one LSTM cell
    per cluster, all with the same weights (ours, :mod:`l2c_jax.recurrent.slots`); it has one
    hidden layer and its scores are logits, so that ``logit_scale`` is 1. Or a :class:`Cell`."""
    feedback: bool = True
    """Whether the previous score is part of the input, as in the paper."""
    preprocessing: Kind = "principal"
    """"principal" axes; "clipped", the same of clipped columns, for tables; "raw", as in the
    paper. See :mod:`l2c_jax.preprocessing.principal`."""
    logit_scale: float = 5.0
    """Factor of the score before the softmax. Scores of the stacked architecture lie in (-1, 1).
    1 is the paper's; it caps every probability: at .881 for K=2, .787 for K=3, .596 for K=6."""
    condition_on_num_clusters: bool = False
    """Whether the number of clusters k <= K is an input: K one-hot columns, and scores beyond k
    are masked. Zeros and no mask stand for an unknown number."""

    def __post_init__(self) -> None:
        if self.dimensions < 1 or self.num_clusters < 1:
            raise ValueError("dimensions and num_clusters must be at least 1")
        if not self.hidden or min(self.hidden) < 1:
            raise ValueError("hidden needs at least one layer of at least 1 unit")
        if self.preprocessing not in KINDS:
            raise ValueError(f"preprocessing must be one of {KINDS}, got {self.preprocessing!r}")
        if not self.logit_scale > 0:
            raise ValueError("logit_scale must be positive")
        if not isinstance(self.architecture, Cell):
            if self.architecture not in ("stacked", "slots"):
                raise ValueError(
                    f'architecture must be "stacked", "slots" or a Cell, got {self.architecture!r}'
                )
            one_layer = len(self.hidden) == 1 and self.feedback and self.logit_scale == 1
            if self.architecture == "slots" and not one_layer:
                raise ValueError(
                    'architecture "slots" needs one hidden layer, feedback, and a logit_scale of 1'
                )


@dataclass(frozen=True)
class TrainConfig:
    """How the learner is trained. The paper gives none of these numbers."""

    iterations: int = 2000
    """Iterations of Algorithm 1, each with new tasks."""
    batch: int = 32
    """B, tasks per iteration."""
    epochs: int = 2
    """E, passes over each task."""
    learning_rate: float = 5e-3
    """Adam's step size at the start; it decreases linearly to 0."""
    clip: float = 1.0
    """Largest global norm of the gradient."""
    classification_weight: float = 1.0
    """The paper's lambda: weight of the classification loss. The local loss has 1 - lambda."""
    num_neighbors: int = 3
    """Nearest neighbors in the local loss."""
    label_assignment: Literal["canonical", "hungarian"] = "canonical"
    """Numbering of the clusters in the targets: sorted along the first axis, as in the paper, or
    the one of least loss for each task and epoch."""
    k_dropout: float = 0.0
    """Share of the tasks for which the number of clusters is not given to a learner that has it
    as an input (``ModelConfig.condition_on_num_clusters``)."""
    random_rotation_prob: float = 0.0
    """Share of the tasks that are rotated at random after preprocessing. A learner of many
    clusters is otherwise slow to do more than cut the axes into the same pieces for every
    task."""
    diffusion_prob: float = 0.0
    """Share of the tasks whose points are coordinates of a random walk
    (:mod:`l2c_jax.preprocessing.diffusion`), the first k - 1 for k clusters, instead of those of
    ``ModelConfig.preprocessing``."""
    paths_prob: float = 0.0
    """The same with coordinates of path distances (:mod:`l2c_jax.preprocessing.paths`)."""
    ranks_prob: float = 0.0
    """Share of the tasks whose columns are ranks (:mod:`l2c_jax.preprocessing.ranks`)."""
    update: Literal["epoch", "iteration"] = "epoch"
    """When the optimizer steps: after every epoch, as in the paper, or once per iteration, with
    gradients through all epochs."""
    frozen_loss_weight: float = 0.0
    """Share of the classification loss that is computed after the epoch, for all points with the
    carry frozen, as in ``predict``. The rest is computed on the scores during the epoch. If it is
    above 0, labels are assigned to the frozen scores, and the local loss and the logged error are
    computed on them."""
    window: int | None = None
    """Steps per window of long sequences: only the first carry of a window is stored, so that
    memory grows with N / window + window. None: one window."""
    truncate: bool = False
    """Stop gradients between windows."""
    seed: int = 0
    """Everything random follows from it: parameters, tasks, orders."""
    log_every: int = 10
    """Iterations per logged line; they run as one call on the device."""
    checkpoint_every: int = 500
    """Iterations between checkpoints."""

    def __post_init__(self) -> None:
        counts = (self.iterations, self.batch, self.epochs, self.log_every, self.checkpoint_every)
        if min(counts) < 1:
            raise ValueError(
                "iterations, batch, epochs, log_every and checkpoint_every must be at least 1"
            )
        if not (self.learning_rate > 0 and self.clip > 0):
            raise ValueError("learning_rate and clip must be positive")
        for name in (
            *("classification_weight", "k_dropout", "random_rotation_prob"),
            *("diffusion_prob", "paths_prob", "ranks_prob", "frozen_loss_weight"),
        ):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must lie in [0, 1]")
        if self.diffusion_prob + self.paths_prob + self.ranks_prob > 1:
            raise ValueError("diffusion_prob, paths_prob and ranks_prob must sum to at most 1")
        if self.window is not None and self.window < 1:
            raise ValueError("window must be at least 1")
        if self.truncate and self.window is None:
            raise ValueError("truncate needs a window")
        if self.num_neighbors < 1:
            raise ValueError("num_neighbors must be at least 1")
        if self.label_assignment not in ("canonical", "hungarian"):
            raise ValueError(
                f'label_assignment must be "canonical" or "hungarian", '
                f"got {self.label_assignment!r}"
            )
        if self.update not in ("epoch", "iteration"):
            raise ValueError(f'update must be "epoch" or "iteration", got {self.update!r}')


@dataclass(frozen=True)
class InferenceConfig:
    """How a trained learner reads a data set (Algorithm 2)."""

    epochs: int = 2
    """E, passes over the data."""
    orders: int = 16
    """M, members of the ensemble, each with random orders of its own."""
    top_fraction: float | None = None
    """Share of the members that are kept, those of largest confidence: the mean over points of
    max_k log p(k | x). None: a quarter for the architecture "slots", all for others."""
    points_per_epoch: int | None = None
    """Points read in an epoch, another random sample each time; None: all."""

    def __post_init__(self) -> None:
        if min(self.epochs, self.orders) < 1:
            raise ValueError("epochs and orders must be at least 1")
        if self.top_fraction is not None and not 0 < self.top_fraction <= 1:
            raise ValueError("top_fraction must lie in (0, 1]")
        if self.points_per_epoch is not None and self.points_per_epoch < 1:
            raise ValueError("points_per_epoch must be at least 1")

    def kept(self, config: ModelConfig) -> int:
        """How many of the members are kept."""
        fraction = self.top_fraction
        if fraction is None:
            fraction = 0.25 if config.architecture == "slots" else 1.0
        return max(1, int(self.orders * fraction))
