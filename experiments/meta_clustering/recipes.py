"""The learners of this package: for each weight file, the recipe that makes it.

``python -m experiments.meta_clustering.train NAME`` makes one of them.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from experiments.lib.learners import Recipe, load, train, train_file
from experiments.lib.paths import RUNS, WEIGHTS
from experiments.lib.runner import Options
from l2c_jax.recurrent.config import ModelConfig, TrainConfig
from l2c_jax.recurrent.learner import Learner
from l2c_jax.tasks.gaussian import GaussianTasks

SEEDS = (0, 1, 2)
"""Training seeds of Table 1's learners."""
TABLE1 = Recipe(
    GaussianTasks(),
    ModelConfig(),
    TrainConfig(iterations=20_000, batch=32, epochs=2, label_assignment="hungarian"),
)
TABLE1_PAPER = Recipe(
    TABLE1.tasks,
    replace(TABLE1.model, preprocessing="raw", logit_scale=1.0),
    replace(TABLE1.training, label_assignment="canonical", classification_weight=0.9),
)
"""The method as in the paper: raw coordinates, labels sorted by the clusters' first coordinate,
scores that are not scaled, and a loss with a local part."""
FIGURE3 = Recipe(
    GaussianTasks(num_points=150, num_clusters=5, min_clusters=1, theta=4.0, num_swirls=1),
    ModelConfig(num_clusters=5),
    TrainConfig(iterations=16_000, batch=32, epochs=2, label_assignment="hungarian", log_every=50),
)
_LONG = TrainConfig(
    iterations=12_000, batch=32, epochs=2, label_assignment="hungarian", log_every=50
)
# overlapping, strongly anisotropic clusters: as hard as the real data
TABLE2: Mapping[str, Recipe[GaussianTasks]] = {
    "Iris": Recipe(
        GaussianTasks(
            *(150, 4, 3),
            theta=1.5,
            alpha=1.0,
            beta=2.0,
            anisotropy=1.2,
            mean_anisotropy=2.0,  # means almost on a line
            shared_anisotropy=1.2,  # clusters elongated in the same direction
            num_swirls=0,
        ),
        ModelConfig(dimensions=4, num_clusters=3),
        _LONG,
    ),
    "UKM": Recipe(
        GaussianTasks(*(100, 5, 2), theta=1.0, alpha=0.7, beta=1.3, anisotropy=1.5, num_swirls=0),
        ModelConfig(dimensions=5, num_clusters=2),
        _LONG,
    ),
    "MNIST": Recipe(
        GaussianTasks(*(1000, 2, 2), theta=2.0, alpha=0.7, beta=1.3, anisotropy=1.5, num_swirls=0),
        ModelConfig(dimensions=2, num_clusters=2),
        replace(_LONG, iterations=6_000, batch=8),
    ),
}
DEMO = Recipe(
    GaussianTasks(
        num_points=150,
        min_points=100,
        dimensions=4,
        min_dimensions=2,
        num_clusters=3,
        min_clusters=2,
        theta=2.0,
        alpha=1.0,
        beta=2.0,
        anisotropy=2.0,
        num_swirls=0,
    ),
    ModelConfig(dimensions=4, num_clusters=3, condition_on_num_clusters=True),
    TrainConfig(iterations=10_000, batch=32, epochs=2, label_assignment="hungarian"),
)

RECIPES: Mapping[str, Recipe[GaussianTasks]] = {
    **{f"table1_seed{seed}": TABLE1.with_seed(seed) for seed in SEEDS},
    **{f"table1_paper_seed{seed}": TABLE1_PAPER.with_seed(seed) for seed in SEEDS},
    **{f"table2_{name.lower()}": recipe for name, recipe in TABLE2.items()},
    "figure3": FIGURE3,
    "demo": DEMO,
}
"""Every recipe by the name of its weight file."""


def weight_file(name: str) -> Path:
    """The weight file of a recipe; "demo" is released from ``runs/`` into the package."""
    return (RUNS if name == "demo" else WEIGHTS) / f"{name}.safetensors"


def make(name: str) -> Path:
    """Train the learner of a recipe and write its weight file; resumes.

    Raises:
      SystemExit: if a signal stopped the training.
    """
    path = weight_file(name)
    train_file(path, RECIPES[name], folder=RUNS / name)
    return path


def learner(name: str, options: Options) -> Learner:
    """The learner of a recipe, from its weight file.

    Args:
      name: of the recipe.
      options: in smoke runs the learner is a small one, trained for a few iterations now;
        ``retrain``: it is trained first. A missing file is made, too.

    Returns:
      The learner.

    Raises:
      SystemExit: if a signal stopped the training.
    """
    if options.smoke:
        return train(RECIPES[name].quick(), progress=False)
    path = weight_file(name)
    if options.retrain or not path.exists():
        make(name)
    return load(path, options)
