"""How many clusters? A small head on what the learner remembers: P(k | X).

It looks at the carry after a reading in which the learner was not told the number, and at how
many points the learner then gives to each cluster.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from l2c_jax.types import Array, Key


class CountParams(NamedTuple):
    """A perceptron with one hidden layer."""

    hidden_kernel: Array  # [F, H]
    hidden_bias: Array  # [H]
    output_kernel: Array  # [H, K]
    output_bias: Array  # [K]


def num_features(units: int, num_clusters: int) -> int:
    """F: hidden and cell state of every unit, the shares of K clusters, and the certainty."""
    return 2 * units + num_clusters + 1


def init_count(key: Key, units: int, hidden: int, num_clusters: int) -> CountParams:
    """Random parameters.

    Args:
      key: consumed.
      units: of all the learner's layers together.
      hidden: H.
      num_clusters: K.

    Returns:
      Small random kernels, zero biases, float32.
    """
    key_hidden, key_output = jax.random.split(key)
    features = num_features(units, num_clusters)
    return CountParams(
        jax.random.normal(key_hidden, (features, hidden)) / features**0.5,
        jnp.zeros(hidden),
        jax.random.normal(key_output, (hidden, num_clusters)) / hidden**0.5,
        jnp.zeros(num_clusters),
    )


def count_features(state: Array, answer: Array, mask: Array) -> Array:
    """What the head sees of one reading; the numbering of the clusters does not matter to it.

    Args:
      state: ``[units, 2]``, hidden and cell state of the learner.
      answer: ``[N, K]``, probabilities of the clusters.
      mask: ``[N]`` bool.

    Returns:
      ``[F]``.
    """
    real = mask.astype(answer.dtype)
    count = jnp.maximum(real.sum(), 1)
    shares = jnp.sort(real @ answer / count, descending=True)
    certainty = real @ answer.max(axis=1) / count
    return jnp.concatenate([jnp.tanh(state).ravel(), shares, certainty[None]])


def count_log_probabilities(params: CountParams, features: Array) -> Array:
    """Logarithms of P(k | X) for k = 1 ... K, from M readings.

    Args:
      params: the head.
      features: ``[M, F]``, from :func:`count_features`.

    Returns:
      ``[K]``; the logits are averaged over the readings.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> head = init_count(jax.random.key(0), units=5, hidden=4, num_clusters=3)
      >>> answer = jnp.full((6, 3), 1 / 3)
      >>> seen = count_features(jnp.zeros((5, 2)), answer, jnp.ones(6, bool))
      >>> float(jnp.exp(count_log_probabilities(head, seen[None])).sum().round(5))
      1.0
    """
    hidden = jax.nn.relu(features @ params.hidden_kernel + params.hidden_bias[None, :])
    logits = hidden @ params.output_kernel + params.output_bias[None, :]
    return jax.nn.log_softmax(logits.mean(axis=0))
