r"""The number of clusters of a table: P(k | X), a perceptron on the features of the table.

.. math:: P(k \mid X) = \mathrm{softmax}(W_2\, \mathrm{relu}(W_1 f + b_1) + b_2)_k

with :math:`f` the features of :func:`l2c_jax.tabular.features.count_features` (ours).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from l2c_jax.recurrent.config import InferenceConfig
from l2c_jax.recurrent.learner import Learner
from l2c_jax.tabular.features import num_features, table_features
from l2c_jax.types import Array, Key


class CountHead(NamedTuple):
    """Weights of the perceptron; a pytree."""

    hidden_kernel: Array  # [F, H], W_1
    hidden_bias: Array  # [H], b_1
    output_kernel: Array  # [H, K], W_2
    output_bias: Array  # [K], b_2


def init_count_head(key: Key, dimensions: int, hidden: int, num_clusters: int) -> CountHead:
    """Random weights.

    Args:
      key: consumed.
      dimensions: D, of preprocessed points.
      hidden: H.
      num_clusters: K.

    Returns:
      Small random kernels, zero biases, float32.
    """
    key_hidden, key_output = jax.random.split(key)
    features = num_features(dimensions, num_clusters)
    return CountHead(
        jax.random.normal(key_hidden, (features, hidden)) / features**0.5,
        jnp.zeros(hidden),
        jax.random.normal(key_output, (hidden, num_clusters)) / hidden**0.5,
        jnp.zeros(num_clusters),
    )


def count_log_probs(head: CountHead, features: Array) -> Array:
    """Logarithms of P(k | X) for k = 1 ... K.

    Args:
      head: trained.
      features: ``[F]``, from :func:`l2c_jax.tabular.features.count_features`.

    Returns:
      ``[K]``.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from l2c_jax.tabular.features import count_features
      >>> head = init_count_head(jax.random.key(0), dimensions=2, hidden=4, num_clusters=3)
      >>> points, answers = jnp.ones((6, 2)), jnp.full((3, 2, 6, 3), 1 / 3)
      >>> features = count_features(points, jnp.ones(6, bool), answers, answers[0])
      >>> float(jnp.exp(count_log_probs(head, features)).sum().round(5))
      1.0
    """
    hidden = jax.nn.relu(features @ head.hidden_kernel + head.hidden_bias)
    return jax.nn.log_softmax(hidden @ head.output_kernel + head.output_bias)


def table_count_log_probs(
    learner: Learner,
    head: CountHead,
    key: Key,
    points: Array,
    mask: Array,
    config: InferenceConfig,
) -> Array:
    """Logarithms of P(k | X) of a table; for ``jit``.

    Args:
      learner: with ``condition_on_num_clusters``.
      head: trained with this learner.
      key: consumed.
      points: ``[N, D]``, preprocessed.
      mask: ``[N]`` bool.
      config: of the reading for each k; static.

    Returns:
      ``[K]``.
    """
    return count_log_probs(head, table_features(learner, key, points, mask, config))
