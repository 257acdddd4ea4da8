"""The similarity network and the constrained clustering network, as init and apply functions.

Both are a backbone and a head; ``params`` and ``batch_stats`` of :class:`Variables` have one
entry for each. Every apply function returns the new batch statistics: with ``train=True`` batch
norm uses the statistics of the batch and moves the running averages; with ``train=False`` it uses
the running averages and leaves them unchanged.
"""

import flax.linen as nn
import jax.numpy as jnp

from l2c_jax.pairwise.backbones import Backbone
from l2c_jax.pairwise.layers import UNIFORM, Variables, apply_module, batch_norm, init_module
from l2c_jax.pairwise.pair_head import PairHead
from l2c_jax.pairwise.points import as_float
from l2c_jax.types import Array, Key, PyTree


class _ClusterHead(nn.Module):
    """Features ``[N, F]`` to logits ``[N, K]``: linear F/2, batch norm, ReLU, linear K."""

    num_clusters: int

    @nn.compact
    def __call__(self, features: Array, train: bool) -> Array:
        width = max(1, features.shape[1] // 2)
        hidden = nn.Dense(width, use_bias=False, kernel_init=UNIFORM, name="hidden")(features)
        hidden = nn.relu(batch_norm(train, "norm")(hidden))
        return nn.Dense(self.num_clusters, kernel_init=UNIFORM, name="logits")(hidden)


def _pair_head(backbone: Backbone) -> PairHead:
    return PairHead(4 * backbone.features)


def _part(variables: Variables, name: str) -> Variables:
    """The variables of the backbone or of the head."""
    return Variables(variables.params[name], variables.batch_stats[name])


def _joined(backbone: Variables, head: Variables) -> Variables:
    """The variables of a network, from those of its parts."""
    parts = {"backbone": backbone, "head": head}
    return Variables(
        {name: part.params for name, part in parts.items()},
        {name: part.batch_stats for name, part in parts.items()},
    )


def _apply_backbone(
    variables: Variables, points: Array, backbone: Backbone, train: bool
) -> tuple[Array, PyTree]:
    part = _part(variables, "backbone")
    found, stats = backbone.apply(part, as_float(points), train)
    return found.astype(jnp.float32), stats


def init_similarity(key: Key, backbone: Backbone) -> Variables:
    """Random variables of a similarity network; its head has 4 F hidden units.

    Args:
      key: consumed.
      backbone: static.

    Returns:
      Named arrays, float32.

    Example:
      >>> import jax
      >>> from l2c_jax.pairwise.backbones import MLP
      >>> variables = init_similarity(jax.random.key(0), MLP(columns=2, hidden=(8,)))
      >>> variables.params["head"]["terms"]["first"].shape
      (8, 32)
    """
    features = jnp.zeros((1, backbone.features), jnp.float32)
    head = init_module(_pair_head(backbone), key, features, features, False, scope="head")
    return _joined(backbone.init(key), head)


def pair_log_odds(
    variables: Variables,
    first: Array,
    second: Array | None = None,
    *,
    backbone: Backbone,
    train: bool,
) -> tuple[Array, PyTree]:
    """The similarity network: log-odds of "same class" for every pair of two batches.

    .. math::
       G(x, y) = \\sigma(z), \\quad z = v^\\top \\mathrm{ReLU}(\\mathrm{BN}(W [f(x); f(y)])) + c

    with the backbone :math:`f`; see :class:`l2c_jax.pairwise.pair_head.PairHead`.

    Args:
      variables: from :func:`init_similarity`.
      first: ``[N, ...]``.
      second: ``[M, ...]``; ``None`` pairs the first batch with itself.
      backbone: static.
      train: which statistics batch norm uses, static.

    Returns:
      z ``[N, M]``, and the new batch statistics.

    References:
      Hsu, Lv & Kira, *Learning to cluster in order to transfer across domains and tasks*, 2018.

    Example:
      >>> import jax
      >>> from l2c_jax.pairwise.backbones import MLP
      >>> backbone = MLP(columns=2, hidden=(8,))
      >>> variables = init_similarity(jax.random.key(0), backbone)
      >>> points = jax.random.normal(jax.random.key(1), (5, 2))
      >>> pair_log_odds(variables, points, backbone=backbone, train=True)[0].shape
      (5, 5)
    """
    left, stats = _apply_backbone(variables, first, backbone, train)
    right = left
    if second is not None:
        later = variables._replace(batch_stats={**variables.batch_stats, "backbone": stats})
        right, stats = _apply_backbone(later, second, backbone, train)
    head = _part(variables, "head")
    log_odds, head_stats = apply_module(_pair_head(backbone), head, left, right, train)
    return log_odds, {"backbone": stats, "head": head_stats}


def features(variables: Variables, points: Array, *, backbone: Backbone, train: bool) -> Array:
    """Features ``[N, F]`` of points ``[N, ...]``, by the backbone of either network."""
    return _apply_backbone(variables, points, backbone, train)[0]


def pair_terms(
    variables: Variables, first: Array, second: Array, *, backbone: Backbone, train: bool
) -> tuple[Array, Array]:
    """Features ``[N, F]``, ``[M, F]`` to the head's terms ``[N, H]``, ``[M, H]``."""
    head, network = _part(variables, "head"), _pair_head(backbone)
    return apply_module(network, head, first, second, train, method="pair_terms")[0]


def log_odds_of_terms(
    variables: Variables, first: Array, second: Array, *, backbone: Backbone
) -> Array:
    """Terms ``[N, H]``, ``[M, H]`` of any rows of two batches to log-odds ``[N, M]``."""
    head = _part(variables, "head")
    return apply_module(_pair_head(backbone), head, first, second, method="log_odds")[0]


def init_clusters(key: Key, backbone: Backbone, num_clusters: int) -> Variables:
    """Random variables of a constrained clustering network.

    Args:
      key: consumed.
      backbone: static.
      num_clusters: K, static.

    Returns:
      Named arrays, float32.

    Example:
      >>> import jax
      >>> from l2c_jax.pairwise.backbones import MLP
      >>> variables = init_clusters(jax.random.key(0), MLP(columns=2, hidden=(8,)), 3)
      >>> variables.params["head"]["logits"]["kernel"].shape
      (4, 3)
    """
    features = jnp.zeros((1, backbone.features), jnp.float32)
    head = init_module(_ClusterHead(num_clusters), key, features, False)
    return _joined(backbone.init(key), head)


def cluster_logits(
    variables: Variables, points: Array, *, backbone: Backbone, train: bool
) -> tuple[Array, PyTree]:
    """The constrained clustering network: backbone, linear F/2, batch norm, ReLU, linear K.

    .. math::
       p(k \\mid x) = \\mathrm{softmax}_k(V \\, \\mathrm{ReLU}(\\mathrm{BN}(U f(x))) + b)

    Args:
      variables: from :func:`init_clusters`; K is the width of the last bias.
      points: ``[N, ...]``.
      backbone: static.
      train: which statistics batch norm uses, static.

    Returns:
      Logits ``[N, K]``, and the new batch statistics.

    References:
      Hsu, Lv & Kira, *Learning to cluster in order to transfer across domains and tasks*, 2018.
    """
    read, stats = _apply_backbone(variables, points, backbone, train)
    network = _ClusterHead(num_clusters_of(variables))
    logits, head_stats = apply_module(network, _part(variables, "head"), read, train)
    return logits, {"backbone": stats, "head": head_stats}


def num_clusters_of(variables: Variables) -> int:
    """K of a constrained clustering network."""
    return variables.params["head"]["logits"]["bias"].shape[0]
