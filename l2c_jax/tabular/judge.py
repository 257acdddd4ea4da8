r"""The judge: how good is a partition, and how many clusters are there? Learned, without labels.

From the features :math:`f_{vkm}` of a candidate (view v, k clusters, member m;
:mod:`l2c_jax.tabular.partition_features`), with means :math:`\bar f_{vk}` over members, their mean
over views :math:`\bar f_k` and features :math:`t` of the table,

.. math::
    q_{vkm} &= \sigma(\mathrm{MLP}_1[f_{vkm}, \bar f_{vk}, \bar f_k, t, v, k]) \\
    w_{vk} &\propto \exp(\beta\, \bar q_{vk}), \qquad
        h_k = \sum_v w_{vk} [\bar f_{vk}, g_{vk}] \\
    P(k \mid X) &= \mathrm{softmax}_k\, \mathrm{MLP}_2[h_{k-1}, h_k, h_{k+1}, \bar f_k,
        \bar q_{\cdot k}, t, k]

The means over J networks answer. :math:`q` predicts the adjusted Rand index with the unknown
labels, and :math:`g` is the agreement with the partitions for k - 1 and k + 1 (ours).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from l2c_jax.tabular.partition_features import NESTED, OWN, Features, num_table_features
from l2c_jax.types import Array, Key

VIEWS = 4
"""V; the views of :mod:`l2c_jax.tabular.views`."""
SHARPNESS = 12.0
"""Beta: how much more the better view counts for the number of clusters."""
LIMIT = 4.0
"""Where features in standard deviations are clipped: outside of what was trained, the judge
answers as at the edge."""


class Perceptron(NamedTuple):
    """J networks of two hidden layers."""

    kernel_1: Array  # [J, I, H]
    bias_1: Array  # [J, H]
    kernel_2: Array  # [J, H, H]
    bias_2: Array  # [J, H]
    output: Array  # [J, H]


class Judge(NamedTuple):
    """Weights of the judge; a pytree."""

    own_mean: Array  # [F], of the features in training
    own_scale: Array  # [F], one over their standard deviations
    table_mean: Array  # [T]
    table_scale: Array  # [T]
    quality: Perceptron
    number: Perceptron


class Verdict(NamedTuple):
    """What the judge says of the candidates of a table."""

    quality: Array  # [V, K', M] in (0, 1), expected adjusted Rand index
    count_log_probs: Array  # [K'], log P(k | X)


def init_judge(
    key: Key, dimensions: int, num_clusters: int, hidden: int, networks: int = 1
) -> Judge:
    """Random weights.

    Args:
      key: consumed.
      dimensions: D, width of the views.
      num_clusters: K.
      hidden: H.
      networks: J, whose answers are averaged.

    Returns:
      Small random kernels, zero biases, float32.
    """
    key_quality, key_number = jax.random.split(key)
    own, table = len(OWN), num_table_features(dimensions)
    quality = 3 * own + table + VIEWS + num_clusters
    number = 3 * (own + len(NESTED)) + own + VIEWS + table + num_clusters
    return Judge(
        *(jnp.zeros(own, jnp.float32), jnp.ones(own, jnp.float32)),
        *(jnp.zeros(table, jnp.float32), jnp.ones(table, jnp.float32)),
        _init_perceptron(key_quality, quality, hidden, networks),
        _init_perceptron(key_number, number, hidden, networks),
    )


def number_of_clusters(probabilities: np.ndarray) -> int:
    """The number that is used: is there more than one cluster, and if so, how many?

    Args:
      probabilities: ``[K]``, P(k | X) of 1 ... K clusters.

    Returns:
      1 if it is twice as probable as any other number; else the most probable one above 1, since
      an answer of one cluster says nothing.

    Example:
      >>> number_of_clusters(np.array([0.4, 0.3, 0.2, 0.1]))
      2
    """
    several = probabilities[1:]
    if not several.size or probabilities[0] > 2 * several.max():
        return 1
    return 2 + int(several.argmax())


def assess(judge: Judge, features: Features, counts: Array, num_clusters: int) -> Verdict:
    """Judge all candidates of a table; for ``jit``.

    Args:
      judge: trained.
      features: of V views, K' numbers of clusters, M members.
      counts: ``[K']`` int32, the numbers, one after another.
      num_clusters: K.

    Returns:
      The verdict. P(k | X) is over the K' numbers given.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> judge = init_judge(jax.random.key(0), dimensions=2, num_clusters=3, hidden=4)
      >>> shapes = (VIEWS, 3, 1, len(OWN)), (VIEWS, 3, 2), num_table_features(2)
      >>> features = Features(*(jnp.ones(shape) for shape in shapes))
      >>> assess(judge, features, jnp.arange(1, 4), 3).quality.shape
      (4, 3, 1)
    """
    own = _clipped(features.own, judge.own_mean, judge.own_scale)
    table = _clipped(features.table, judge.table_mean, judge.table_scale)
    one_hot = jax.nn.one_hot(counts - 1, num_clusters, dtype=jnp.float32)  # [K', K]
    mean = own.mean(axis=2)  # [V, K', F]
    views, numbers, members = own.shape[:3]
    shape = (views, numbers, members)

    def everywhere(array: Array, axes: tuple[int, ...]) -> Array:
        return jnp.broadcast_to(jnp.expand_dims(array, axes), (*shape, array.shape[-1]))

    over_views = mean.mean(axis=0)  # [K', F]
    which = jnp.eye(VIEWS, dtype=jnp.float32)[:, None]
    parts = (
        own,
        everywhere(mean, (2,)),
        everywhere(over_views, (0, 2)),
        everywhere(table, (0, 1, 2)),
        everywhere(which, (2,)),
        everywhere(one_hot, (0, 2)),
    )
    joined = jnp.concatenate(parts, axis=-1)
    qualities = jax.nn.sigmoid(jax.vmap(_perceptron, (0, None))(judge.quality, joined))

    of_views = jnp.concatenate([mean, features.nested], axis=-1)
    tables = jnp.broadcast_to(table[None], (numbers, table.size))

    def logits(layers: Perceptron, quality: Array) -> Array:
        quality = jax.lax.stop_gradient(quality.mean(axis=2))  # [V, K']
        weights = jax.nn.softmax(SHARPNESS * quality, axis=0)
        here = jnp.einsum("vk,vkf->kf", weights, of_views)
        before = jnp.pad(here, ((1, 0), (0, 0)))[:-1]
        after = jnp.pad(here, ((0, 1), (0, 0)))[1:]
        parts = (before, here, after, over_views, quality.T, tables, one_hot)
        return _perceptron(layers, jnp.concatenate(parts, axis=-1))

    logs = jax.nn.log_softmax(jax.vmap(logits)(judge.number, qualities), axis=-1)
    networks = jnp.asarray(len(logs), logs.dtype)
    return Verdict(qualities.mean(axis=0), jax.nn.logsumexp(logs, axis=0) - jnp.log(networks))


def _clipped(features: Array, mean: Array, scale: Array) -> Array:
    lead = (None,) * (features.ndim - 1)
    return jnp.clip((features - mean[lead]) * scale[lead], -LIMIT, LIMIT)


def _init_perceptron(key: Key, inputs: int, hidden: int, networks: int) -> Perceptron:
    keys = jax.random.split(key, 3)
    return Perceptron(
        jax.random.normal(keys[0], (networks, inputs, hidden), jnp.float32) / inputs**0.5,
        jnp.zeros((networks, hidden), jnp.float32),
        jax.random.normal(keys[1], (networks, hidden, hidden), jnp.float32) / hidden**0.5,
        jnp.zeros((networks, hidden), jnp.float32),
        jax.random.normal(keys[2], (networks, hidden), jnp.float32) / hidden**0.5,
    )


def _perceptron(layers: Perceptron, inputs: Array) -> Array:
    """One network, ``[..., I]`` to ``[...]``."""
    lead = (None,) * (inputs.ndim - 1)
    hidden = jax.nn.gelu(inputs @ layers.kernel_1 + layers.bias_1[lead])
    hidden = jax.nn.gelu(hidden @ layers.kernel_2 + layers.bias_2[lead])
    return hidden @ layers.output
