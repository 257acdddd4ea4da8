"""The estimators, with scikit-learn's interface."""

from l2c_jax.estimators.meta_clusterer import MetaClusterer
from l2c_jax.estimators.partitions import predict_partition
from l2c_jax.estimators.similarity_clusterer import SimilarityClusterer

__all__ = ["MetaClusterer", "SimilarityClusterer", "predict_partition"]
