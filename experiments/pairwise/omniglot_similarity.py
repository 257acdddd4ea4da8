"""G for Omniglot: whether two drawings show one character, learned on the background alphabets.

    python -m experiments.pairwise.omniglot_similarity            # about an hour
    python -m experiments.pairwise.omniglot_similarity --width 1  # published width: hours
    python -m experiments.pairwise.omniglot_similarity --smoke    # seconds, stores nothing

A run that was stopped goes on with the same command. The backbone has half the published width.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from experiments.lib.paths import RESULTS
from experiments.lib.runner import Options
from experiments.pairwise.omniglot_data import (
    BACKGROUND,
    invented_alphabets,
    joined,
    omniglot_file,
    read_alphabets,
)
from experiments.pairwise.steps import Examples, similarity_of_file
from l2c_jax.pairwise.backbones import VGGS
from l2c_jax.pairwise.config import SimilarityConfig
from l2c_jax.pairwise.learn import learn_similarity
from l2c_jax.pairwise.similarity import Similarity
from l2c_jax.training import runtime
from l2c_jax.training.loop import RunOptions

WIDTH = 0.5
TRAINING = SimilarityConfig()


def backbone_for(images: np.ndarray, width: float) -> VGGS:
    """The published backbone, with the mean and standard deviation of these images.

    Args:
      images: ``[N, S, S, 1]`` uint8.
      width: in shares of the published one.

    Returns:
      The configuration.

    Example:
      >>> backbone = backbone_for(np.eye(16, dtype=np.uint8)[None, ..., None] * 255, 0.5)
      >>> backbone.mean, backbone.scale
      (0.0625, 0.2421)
    """
    mean, scale = float(images.mean() / 255), float(images.std() / 255)
    return VGGS(size=images.shape[1], width=width, mean=round(mean, 4), scale=round(scale, 4))


def examples(width: float) -> Examples:
    """The background alphabets and their backbone."""
    images, labels = joined(read_alphabets(omniglot_file())[:BACKGROUND])
    return images, labels, backbone_for(images, width)


def omniglot_similarity(
    width: float, options: Options, training: SimilarityConfig = TRAINING
) -> Similarity:
    """G of a width, from its weight file or trained now; a run that was stopped goes on.

    Args:
      width: of the backbone, in shares of the published one.
      options: ``retrain`` trains it anew.
      training: how.

    Returns:
      G.

    Raises:
      SystemExit: if a signal stopped the training.
    """
    name = f"omniglot_similarity_width{width:g}"
    return similarity_of_file(name, partial(examples, width), training, options)


def smoke_similarity(seed: int) -> Similarity:
    """G after two steps on invented characters."""
    images, labels = joined(invented_alphabets(2, 4, 4, seed=seed))
    backbone = backbone_for(images, 1 / 32)
    quick = replace(TRAINING, iterations=2, classes=3, per_class=2, log_every=2, seed=seed)
    return learn_similarity(images, labels, backbone, quick, run=RunOptions(progress=False))[0]


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line.

    Args:
      arguments: instead of those of the command line.
    """
    parser = argparse.ArgumentParser(
        prog="python -m experiments.pairwise.omniglot_similarity",
        description=(__doc__ or "").split("\n")[0],
    )
    parser.add_argument("--width", type=float, default=WIDTH, help="of the backbone")
    parser.add_argument("--seed", type=int, default=0, help="of parameters, episodes and crops")
    parser.add_argument("--smoke", action="store_true", help="small and quick, stores nothing")
    options = parser.parse_args(arguments)
    runtime.start()
    if options.smoke:
        learned = smoke_similarity(options.seed)
    else:
        training = replace(TRAINING, seed=options.seed)
        anew = Options(smoke=False, seed=options.seed, out=RESULTS, retrain=True)
        learned = omniglot_similarity(options.width, anew, training)
    print(f"{learned.metadata.iterations} steps, {learned.metadata.minutes} minutes")


if __name__ == "__main__":
    main()
