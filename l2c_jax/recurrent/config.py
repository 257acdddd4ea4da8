"""How the recurrent learner is trained, in numbers."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class TrainConfig:
    """How the learner is trained. The paper gives none of these numbers."""

    iterations: int = 2000
    """Iterations of Algorithm 1, each with new tasks."""
    batch: int = 32
    """B, tasks per iteration."""
    passes: int = 2
    """E, passes over each task ("epochs")."""
    learning_rate: float = 5e-3
    """Adam's step size at the start; it falls linearly to 0."""
    clip: float = 1.0
    """Largest global norm of the gradient."""
    lam: float = 1.0
    """Weight of the classification loss; the local loss has 1 - lam."""
    neighbours: int = 3
    """Nearest neighbours in the local loss."""
    labels: Literal["sorted", "matched"] = "sorted"
    """Which numbering of the clusters the learner has to learn: sorted along the first axis, as
    printed, or the cheapest one per task and pass."""
    untold: float = 0.0
    """Share of the tasks whose number of clusters is kept from a learner that is otherwise told
    it (ModelConfig.given_clusters), so that it can also do without."""
    turned: float = 0.0
    """Share of the tasks whose frame is turned at random: a learner of many clusters is otherwise
    slow to do more than cut the frame into the same pieces for every task."""
    update: Literal["pass", "iteration"] = "pass"
    """When Adam steps: after every pass, as printed, or once per iteration, with gradients
    through all passes."""
    recall: float = 0.0
    """Share of the classification loss that is taken after the pass, of all points with the carry
    frozen, as tables are labelled in the end; the rest is of the scores on the way. If it is
    above 0, frozen scores are what labels are matched to, the local loss is of, and the logged
    error tells."""
    window: int | None = None
    """Steps per window, for long sequences: only a window's first carry is stored, so memory grows
    with N / window + window. None: one window."""
    truncate: bool = False
    """Let no gradient cross from a window to the one before."""
    seed: int = 0
    """Of everything random: parameters, tasks, visiting orders."""
    log_every: int = 10
    """Iterations per logged line; they run as one call on the device."""
    checkpoint_every: int = 500
    """Iterations between checkpoints."""

    def __post_init__(self) -> None:
        counts = (self.iterations, self.batch, self.passes, self.log_every, self.checkpoint_every)
        if min(counts) < 1:
            raise ValueError(
                "iterations, batch, passes, log_every and checkpoint_every must be at least 1"
            )
        if not (self.learning_rate > 0 and self.clip > 0):
            raise ValueError("learning_rate and clip must be positive")
        if not 0 <= self.lam <= 1:
            raise ValueError("lam must lie in [0, 1]")
        if not 0 <= self.untold <= 1:
            raise ValueError("untold must lie in [0, 1]")
        if not 0 <= self.turned <= 1:
            raise ValueError("turned must lie in [0, 1]")
        if not 0 <= self.recall <= 1:
            raise ValueError("recall must lie in [0, 1]")
        if self.window is not None and self.window < 1:
            raise ValueError("window must be at least 1")
        if self.truncate and self.window is None:
            raise ValueError("truncate needs a window")
        if self.neighbours < 1:
            raise ValueError("neighbours must be at least 1")
        if self.labels not in ("sorted", "matched"):
            raise ValueError(f'labels must be "sorted" or "matched", got {self.labels!r}')
        if self.update not in ("pass", "iteration"):
            raise ValueError(f'update must be "pass" or "iteration", got {self.update!r}')
