"""Learning to cluster through pairwise similarity (Hsu, Lv & Kira 2018).

Three steps, three functions:

1. :func:`learn_similarity`: G(x, y) = P(x and y are of one class), from labeled points;
2. :func:`predict_similarity`: G of all pairs of points of other classes;
3. :func:`cluster_by_similarity`: a clustering network p(k | x), fitted to these pairs.
"""

from l2c_jax.pairwise.backbones import MLP, VGGS, Backbone, default_backbone
from l2c_jax.pairwise.config import ConstrainedConfig, PairLoss, SimilarityConfig
from l2c_jax.pairwise.confusion import measured_confusion
from l2c_jax.pairwise.constrained import (
    ConstrainedClustering,
    assign_clusters,
    cluster_by_similarity,
)
from l2c_jax.pairwise.discovery import Discovery
from l2c_jax.pairwise.discovery_file import load_discovery, save_discovery
from l2c_jax.pairwise.held_out import fit_merging
from l2c_jax.pairwise.layers import Variables
from l2c_jax.pairwise.learn import learn_similarity
from l2c_jax.pairwise.losses import kcl, mcl, noisy_mcl, pair_cross_entropy
from l2c_jax.pairwise.merging import MergePath, fit_threshold, merge_path
from l2c_jax.pairwise.predict import PairFunction, predict_similarity
from l2c_jax.pairwise.sampling import draw_batch, draw_episode, index_by_class, pair_labels
from l2c_jax.pairwise.similarity import (
    Similarity,
    SimilarityMetadata,
    load_similarity,
    save_similarity,
)
from l2c_jax.pairwise.spectrum import Spectrum, spectrum_of

__all__ = [
    "MLP",
    "VGGS",
    "Backbone",
    "ConstrainedClustering",
    "ConstrainedConfig",
    "Discovery",
    "MergePath",
    "PairFunction",
    "PairLoss",
    "Similarity",
    "SimilarityConfig",
    "SimilarityMetadata",
    "Spectrum",
    "Variables",
    "assign_clusters",
    "cluster_by_similarity",
    "default_backbone",
    "draw_batch",
    "draw_episode",
    "fit_merging",
    "fit_threshold",
    "index_by_class",
    "kcl",
    "learn_similarity",
    "load_discovery",
    "load_similarity",
    "mcl",
    "measured_confusion",
    "merge_path",
    "noisy_mcl",
    "pair_cross_entropy",
    "pair_labels",
    "predict_similarity",
    "save_discovery",
    "save_similarity",
    "spectrum_of",
]
