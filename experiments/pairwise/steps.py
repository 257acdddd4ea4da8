"""The steps of learning to cluster as experiments take them: G from a file, every run resumed."""

from collections.abc import Callable
from typing import Literal, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from experiments.lib.cache import Arrays
from experiments.lib.paths import RUNS, WEIGHTS
from experiments.lib.provenance import UNKNOWN
from experiments.lib.runner import Options
from l2c_jax.pairwise.backbones import Backbone
from l2c_jax.pairwise.config import ConstrainedConfig, SimilarityConfig
from l2c_jax.pairwise.constrained import cluster_by_similarity
from l2c_jax.pairwise.learn import learn_similarity
from l2c_jax.pairwise.networks import features
from l2c_jax.pairwise.similarity import Similarity, load_similarity, save_similarity
from l2c_jax.training.loop import RunOptions
from l2c_jax.types import ArrayLike

Loss: TypeAlias = Literal["kcl", "mcl"]

Examples: TypeAlias = tuple[np.ndarray, np.ndarray, Backbone]
"""Points ``[N, ...]``, their labels ``[N]`` and the backbone for them."""


def learned(examples: Examples, training: SimilarityConfig, name: str) -> Similarity:
    """G, trained to its end in ``runs/``; a run that was stopped goes on.

    Args:
      examples: labelled points and backbone.
      training: how.
      name: of the run.

    Returns:
      G.

    Raises:
      SystemExit: if a signal stopped the training.
    """
    found, finished = learn_similarity(
        *examples, training, run=RunOptions(folder=RUNS / name, resume=True)
    )
    if not finished:
        raise SystemExit(f"stopped; the same command goes on ({RUNS / name})")
    return found


def similarity_of_file(
    name: str, examples: Callable[[], Examples], training: SimilarityConfig, options: Options
) -> Similarity:
    """G from its weight file; trained and put there first if it is missing or to be retrained.

    Args:
      name: of the weight file, and of the run.
      examples: labelled points and backbone; called only to train.
      training: how.
      options: of the run.

    Returns:
      G.

    Raises:
      SystemExit: if a signal stopped the training.
    """
    path = WEIGHTS / f"{name}.safetensors"
    if options.retrain or not path.exists():
        save_similarity(path, learned(examples(), training, name))
    found = load_similarity(path)
    options.weights[path.name] = found.metadata.provenance.get("commit", UNKNOWN)
    return found


def clustered(
    similarity: Similarity | ArrayLike,
    points: np.ndarray,
    config: ConstrainedConfig,
    backbone: Backbone | None = None,
    *,
    progress: bool = True,
) -> Arrays:
    """Labels by a constrained clustering network.

    Args:
      similarity: G, or pairwise predictions ``[N, N]``.
      points: ``[N, ...]``.
      config: how.
      backbone: the backbone of the network; default: G's.
      progress: show a bar.

    Returns:
      ``labels [N]`` and ``probabilities [N, K]`` float16.

    Raises:
      SystemExit: if a signal stopped it.
    """
    found, finished = cluster_by_similarity(
        similarity, points, backbone, config, run=RunOptions(progress=progress)
    )
    if not finished:
        raise SystemExit("stopped; the same command goes on after the last whole clustering")
    return {"labels": found.labels, "probabilities": found.probabilities.astype(np.float16)}


_features = jax.jit(features, static_argnames=("backbone", "train"))


def adapted_features(similarity: Similarity, points: np.ndarray) -> np.ndarray:
    """``[N, F]`` float64 features of G's backbone, batch norm with statistics of these points."""
    found = _features(
        similarity.variables, jnp.asarray(points), backbone=similarity.backbone, train=True
    )
    return np.asarray(found, np.float64)
