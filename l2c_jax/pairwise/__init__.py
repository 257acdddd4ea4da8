"""The pairwise wing: learning to cluster through pairwise similarity (Hsu, Lv & Kira 2018).

Three steps, three functions: :func:`learn_similarity` from labelled examples,
:func:`predict_similarity` on other data, :func:`reconstruct_clusters` there.
"""

from l2c_jax.pairwise.backbones import MLP, VGGS, default_trunk
from l2c_jax.pairwise.constrained import (
    ClusterConfig,
    Reconstruction,
    assign_clusters,
    reconstruct_clusters,
)
from l2c_jax.pairwise.learned import Similarity, load_similarity, save_similarity
from l2c_jax.pairwise.losses import kcl, mcl, pair_cross_entropy
from l2c_jax.pairwise.partition import Partition, fit_assignments, partition
from l2c_jax.pairwise.predict import PairFunction, predict_similarity
from l2c_jax.pairwise.sampling import draw_batch, draw_episode, index_by_class, pair_labels
from l2c_jax.pairwise.similarity import SimilarityConfig, learn_similarity

__all__ = [
    "MLP",
    "VGGS",
    "ClusterConfig",
    "PairFunction",
    "Partition",
    "Reconstruction",
    "Similarity",
    "SimilarityConfig",
    "assign_clusters",
    "default_trunk",
    "draw_batch",
    "draw_episode",
    "fit_assignments",
    "index_by_class",
    "kcl",
    "learn_similarity",
    "load_similarity",
    "mcl",
    "pair_cross_entropy",
    "pair_labels",
    "partition",
    "predict_similarity",
    "reconstruct_clusters",
    "save_similarity",
]
