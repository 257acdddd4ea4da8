"""The steps of learning to cluster as experiments take them: G shipped, every run resumed."""

from collections.abc import Callable
from typing import Literal, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from experiments.harness import RUNS, WEIGHTS
from experiments.kept import Answer
from l2c_jax.pairwise.backbones import Trunk
from l2c_jax.pairwise.constrained import ClusterConfig, reconstruct_clusters
from l2c_jax.pairwise.learned import Similarity, load_similarity, save_similarity
from l2c_jax.pairwise.networks import features
from l2c_jax.pairwise.similarity import SimilarityConfig, learn_similarity
from l2c_jax.types import ArrayLike

Loss: TypeAlias = Literal["kcl", "mcl"]

Examples: TypeAlias = tuple[np.ndarray, np.ndarray, Trunk]
"""Points ``[N, ...]``, their labels ``[N]`` and the trunk that reads them."""


def shipped_similarity(
    name: str, examples: Callable[[], Examples], training: SimilarityConfig, *, retrain: bool
) -> Similarity:
    """G from its weight file; or learned and put there, going on where a run was stopped.

    Args:
      name: of the weight file, and of the run.
      examples: what to learn from; read only if need be.
      training: how.
      retrain: learn it anew.

    Returns:
      G.

    Raises:
      SystemExit: if a signal stopped the training.
    """
    path = WEIGHTS / f"{name}.safetensors"
    if path.exists() and not retrain:
        return load_similarity(path)
    points, labels, trunk = examples()
    learned, finished = learn_similarity(
        points, labels, trunk, training, folder=RUNS / name, resume=True
    )
    if not finished:
        raise SystemExit(f"stopped; the same command goes on ({RUNS / name})")
    save_similarity(path, learned)
    return learned


def clustered(
    similarity: Similarity | ArrayLike,
    points: np.ndarray,
    config: ClusterConfig,
    trunk: Trunk | None = None,
    *,
    progress: bool = True,
) -> Answer:
    """Step 3, the constrained network.

    Args:
      similarity: G, or answers ``[N, N]``.
      points: ``[N, ...]``.
      config: how.
      trunk: of the network, if it is not G's.
      progress: show a bar.

    Returns:
      ``labels [N]`` and ``probabilities [N, K]`` float16.

    Raises:
      SystemExit: if a signal stopped it.
    """
    found, finished = reconstruct_clusters(similarity, points, trunk, config, progress=progress)
    if not finished:
        raise SystemExit("stopped; the same command goes on after the last whole clustering")
    return {"labels": found.labels, "probabilities": found.probabilities.astype(np.float16)}


_features = jax.jit(features, static_argnames=("trunk", "train"))


def adapted_features(similarity: Similarity, points: np.ndarray) -> np.ndarray:
    """``[N, F]`` float64 features by G's trunk, batch norm by the statistics of these points."""
    read = _features(similarity.variables, jnp.asarray(points), trunk=similarity.trunk, train=True)
    return np.asarray(read, np.float64)
