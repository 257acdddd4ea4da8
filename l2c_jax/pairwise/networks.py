"""The two networks of this wing, behind ``init`` and ``apply``: similarity and clustering.

Batch norm makes them stateful: its running averages are ``Variables.batch_stats``, which every
call takes and returns. With ``train=True`` a batch is normalised by its own statistics and the
averages move; with ``train=False`` by the averages, and they stay.
"""

from typing import NamedTuple

import flax.linen as nn
import jax.numpy as jnp

from l2c_jax.pairwise.backbones import UNIFORM, Trunk, TrunkNetwork, batch_norm
from l2c_jax.pairwise.pair_head import PairHead
from l2c_jax.types import Array, Key, PyTree


class Variables(NamedTuple):
    """All arrays of a network."""

    params: PyTree  # what gradients train
    batch_stats: PyTree  # running means and variances of every batch norm


class _SimilarityNetwork(nn.Module):
    """Two batches to log-odds of "same" for every pair."""

    config: Trunk

    def setup(self) -> None:
        self.trunk = TrunkNetwork(self.config)
        self.head = PairHead(4 * self.config.features)

    def __call__(self, first: Array, second: Array | None, train: bool) -> Array:
        left = self.trunk(first, train)
        right = left if second is None else self.trunk(second, train)
        return self.head(left, right, train)

    def features(self, points: Array, train: bool) -> Array:
        return self.trunk(points, train)

    def terms(self, first: Array, second: Array, train: bool) -> tuple[Array, Array]:
        return self.head.terms(first, second, train)

    def log_odds(self, first: Array, second: Array) -> Array:
        return self.head.log_odds(first, second)


class _ClusterNetwork(nn.Module):
    """Points to logits of clusters."""

    config: Trunk
    num_clusters: int

    @nn.compact
    def __call__(self, points: Array, train: bool) -> Array:
        features = TrunkNetwork(self.config, name="trunk")(points, train)
        width = max(1, self.config.features // 2)
        hidden = nn.Dense(width, use_bias=False, kernel_init=UNIFORM, name="hidden")(features)
        hidden = nn.relu(batch_norm(train, "norm")(hidden))
        return nn.Dense(self.num_clusters, kernel_init=UNIFORM, name="logits")(hidden)


def _initial(network: nn.Module, key: Key, *inputs: object) -> Variables:
    collections = network.init(key, *inputs)
    return Variables(collections["params"], collections["batch_stats"])


def _applied(
    network: nn.Module, variables: Variables, inputs: tuple, train: bool, method: str
) -> tuple[PyTree, PyTree]:
    """The result, and the batch statistics after it."""
    result, changed = network.apply(
        variables._asdict(), *inputs, train, mutable=["batch_stats"], method=method
    )
    return result, changed["batch_stats"]


def init_similarity(key: Key, trunk: Trunk) -> Variables:
    """Random variables of a similarity network; its head has 4 F hidden units.

    Args:
      key: consumed.
      trunk: which network.

    Returns:
      Named arrays, float32.

    Example:
      >>> import jax
      >>> from l2c_jax.pairwise.backbones import MLP
      >>> variables = init_similarity(jax.random.key(0), MLP(columns=2, hidden=(8,)))
      >>> variables.params["head"]["terms"]["first"].shape
      (8, 32)
    """
    point = jnp.zeros((1, *trunk.shape))
    return _initial(_SimilarityNetwork(trunk), key, point, None, False)


def pair_log_odds(
    variables: Variables, first: Array, second: Array | None = None, *, trunk: Trunk, train: bool
) -> tuple[Array, PyTree]:
    """The similarity network: log-odds of "same" for every pair of two batches.

    Args:
      variables: of :func:`init_similarity`.
      first: ``[N, ...]``.
      second: ``[M, ...]``; ``None`` pairs the first batch with itself.
      trunk: which network, static.
      train: how batch norm normalises, static.

    Returns:
      ``[N, M]``, and the new batch statistics.

    Example:
      >>> import jax
      >>> from l2c_jax.pairwise.backbones import MLP
      >>> trunk = MLP(columns=2, hidden=(8,))
      >>> variables = init_similarity(jax.random.key(0), trunk)
      >>> points = jax.random.normal(jax.random.key(1), (5, 2))
      >>> pair_log_odds(variables, points, trunk=trunk, train=True)[0].shape
      (5, 5)
    """
    network = _SimilarityNetwork(trunk)
    return _applied(network, variables, (first, second), train, "__call__")


def features(variables: Variables, points: Array, *, trunk: Trunk, train: bool) -> Array:
    """The trunk of a similarity network alone: ``[N, ...]`` to ``[N, F]``."""
    network = _SimilarityNetwork(trunk)
    return _applied(network, variables, (points,), train, "features")[0]


def pair_terms(
    variables: Variables, first: Array, second: Array, *, trunk: Trunk, train: bool
) -> tuple[Array, Array]:
    """Features ``[N, F]``, ``[M, F]`` to terms ``[N, H]``, ``[M, H]``: all but the pairs."""
    network = _SimilarityNetwork(trunk)
    return _applied(network, variables, (first, second), train, "terms")[0]


def log_odds_of_terms(variables: Variables, first: Array, second: Array, *, trunk: Trunk) -> Array:
    """Terms of any part of two batches to their log-odds ``[N, M]``."""
    network = _SimilarityNetwork(trunk)
    log_odds = network.apply(variables._asdict(), first, second, method="log_odds")
    return jnp.asarray(log_odds)


def init_clusters(key: Key, trunk: Trunk, num_clusters: int) -> Variables:
    """Random variables of a constrained clustering network.

    Args:
      key: consumed.
      trunk: which network.
      num_clusters: K.

    Returns:
      Named arrays, float32.

    Example:
      >>> import jax
      >>> from l2c_jax.pairwise.backbones import MLP
      >>> variables = init_clusters(jax.random.key(0), MLP(columns=2, hidden=(8,)), 3)
      >>> variables.params["logits"]["kernel"].shape
      (4, 3)
    """
    point = jnp.zeros((1, *trunk.shape))
    return _initial(_ClusterNetwork(trunk, num_clusters), key, point, False)


def cluster_logits(
    variables: Variables, points: Array, *, trunk: Trunk, num_clusters: int, train: bool
) -> tuple[Array, PyTree]:
    """The constrained clustering network: trunk, linear F/2, batch norm, ReLU, linear K.

    Args:
      variables: of :func:`init_clusters`.
      points: ``[N, ...]``.
      trunk: which network, static.
      num_clusters: K, static.
      train: how batch norm normalises, static.

    Returns:
      ``[N, K]``, to be put through a softmax, and the new batch statistics.
    """
    network = _ClusterNetwork(trunk, num_clusters)
    return _applied(network, variables, (points,), train, "__call__")
