"""Deep Embedded Clustering: an autoencoder trained on the data set that it clusters.

Xie, Girshick & Farhadi, *Unsupervised Deep Embedding for Clustering Analysis*, ICML 2016; section
and equation numbers here are theirs. J is the width of the embedding.

Differences from the paper: the networks are smaller, in proportion to small tables; the
autoencoder is pretrained end to end, first with masked inputs and then without, where the paper
pretrains layer by layer with dropout and then fine-tunes without; Adam instead of plain gradient
descent.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from sklearn.cluster import KMeans

from experiments.lib.baselines.dec_assignment import (
    divergence,
    soft_assignment,
    target_distribution,
)
from experiments.lib.baselines.dec_networks import (
    Autoencoder,
    DECConfig,
    decoder_of,
    encoder_of,
    init,
)
from l2c_jax.types import Array, ArrayLike, Key, PyTree


class Clusterer(NamedTuple):
    """What the second phase trains."""

    encoder: PyTree  # D -> J
    centres: Array  # [K, J]


class Refinement(NamedTuple):
    """State of the second phase between two refreshes of the target distribution."""

    clusterer: Clusterer
    opt_state: optax.OptState
    assignment: Array  # [N, K], q of every point
    changed: Array  # [] share of the labels that changed since the refresh before
    refreshes: Array  # [] int32, how many there were


def scaled(points: np.ndarray, *, centre: bool) -> np.ndarray:
    """Points such that :math:`\\frac{1}{D} \\|x\\|^2` is 1 on average (section 4.1).

    One factor for the whole data set: columns are not standardised.

    Args:
      points: ``[N, D]``.
      centre: move them to mean zero first.

    Returns:
      ``[N, D]`` float64; zeros if all points are equal and centred, or zero.

    Example:
      >>> scaled(np.array([[1.0, 7.0], [3.0, 3.0]]), centre=False).round(3).tolist()
      [[0.243, 1.698], [0.728, 0.728]]
    """
    points = np.asarray(points, np.float64)
    points = points / (np.abs(points).max() or 1)  # so that no square over- or underflows
    if centre:
        points = points - points.mean(axis=0)
    return points / (np.sqrt((points**2).mean()) or 1)


def pretrain(key: Key, points: Array, count: Array | int, config: DECConfig) -> Autoencoder:
    """The first phase: an autoencoder by squared error, first from masked inputs (equation 9).

    Args:
      key: consumed.
      points: ``[N, D]`` in DEC's scale, of which the first ``count`` are real.
      count: real points.
      config: widths and lengths, static.

    Returns:
      The trained weights.
    """
    key_init, key_batches, key_masks = jax.random.split(key, 3)
    encoder, decoder = encoder_of(config), decoder_of(config, points.shape[1])
    weights = init(key_init, points.shape[1], config)
    adam = optax.flatten(optax.adam(config.learning_rate))

    def loss(weights: Autoencoder, clean: Array, masked: Array) -> Array:
        restored: Any = decoder.apply(weights.decoder, encoder.apply(weights.encoder, masked))
        return ((restored - clean) ** 2).mean()

    def update(state: tuple, drawn: tuple[Array, Key, Array]) -> tuple:
        weights, opt_state = state
        chosen, key_mask, keep = drawn
        batch = points[chosen]
        masked = batch * jax.random.bernoulli(key_mask, keep, batch.shape) / keep
        gradient = jax.grad(loss)(weights, batch, masked)
        change, opt_state = adam.update(gradient, opt_state)
        return (optax.apply_updates(weights, change), opt_state), None

    updates = config.pretraining + config.finetuning
    chosen = jax.random.randint(key_batches, (updates, config.batch), 0, count)
    keep = jnp.where(jnp.arange(updates) < config.pretraining, 1 - config.dropout, 1.0)
    drawn = (chosen, jax.random.split(key_masks, updates), keep)
    return jax.lax.scan(update, (weights, adam.init(weights)), drawn)[0][0]


def refine(
    key: Key, clusterer: Clusterer, points: Array, count: Array | int, config: DECConfig
) -> Refinement:
    """The second phase: encoder and centres by :math:`KL(P \\| Q)` (sections 3.1.2 and 3.1.3).

    Args:
      key: consumed.
      clusterer: the pretrained encoder and the first centres.
      points: ``[N, D]`` in DEC's scale, of which the first ``count`` are real.
      count: real points.
      config: lengths, static.

    Returns:
      The state after the last refresh; its ``assignment`` has the labels.
    """
    mask = jnp.arange(points.shape[0]) < count
    adam = optax.flatten(optax.adam(config.learning_rate))

    def assign(clusterer: Clusterer, points: Array) -> Array:
        embedded: Any = encoder_of(config).apply(clusterer.encoder, points)
        return soft_assignment(embedded, clusterer.centres)

    def loss(clusterer: Clusterer, batch: Array, target: Array) -> Array:
        return divergence(target, assign(clusterer, batch))

    def refresh(state: Refinement) -> Refinement:
        target = target_distribution(state.assignment, mask)
        key_batches = jax.random.fold_in(key, state.refreshes)
        batches = jax.random.randint(key_batches, (config.interval, config.batch), 0, count)

        def update(inner: tuple, chosen: Array) -> tuple:
            clusterer, opt_state = inner
            gradient = jax.grad(loss)(clusterer, points[chosen], target[chosen])
            change, opt_state = adam.update(gradient, opt_state)
            return (optax.apply_updates(clusterer, change), opt_state), None

        inner = (state.clusterer, state.opt_state)
        (clusterer, opt_state), _ = jax.lax.scan(update, inner, batches)
        assignment = assign(clusterer, points)
        moved = (assignment.argmax(axis=1) != state.assignment.argmax(axis=1)) & mask
        return Refinement(
            clusterer, opt_state, assignment, moved.sum() / count, state.refreshes + 1
        )

    def unsettled(state: Refinement) -> Array:
        return (state.refreshes < config.refreshes) & (state.changed >= config.tolerance)

    first = Refinement(
        clusterer,
        adam.init(clusterer),
        assign(clusterer, points),
        jnp.array(jnp.inf),
        jnp.int32(0),
    )
    return jax.lax.while_loop(unsettled, refresh, first)


def padded(points: np.ndarray) -> np.ndarray:
    """Points followed by zeros, up to 64, 128, 256, ... rows.

    Data sets of similar size share their compiled programs. Updates draw from the real points
    alone, so padding only widens the assignment at each refresh.

    Args:
      points: ``[N, D]``.

    Returns:
      float32, as wide.

    Example:
      >>> [len(padded(np.ones((n, 2)))) for n in (1, 64, 65, 200)]
      [64, 64, 128, 256]
    """
    size = max(64, 1 << (len(points) - 1).bit_length())
    return np.pad(points.astype(np.float32), ((0, size - len(points)), (0, 0)))


@partial(jax.jit, static_argnames="config")
def _embed(key: Key, points: Array, count: Array, config: DECConfig) -> tuple[PyTree, PyTree]:
    """The pretrained encoder, and the points in its embedding ``[N, J]``."""
    encoder = pretrain(key, points, count, config).encoder
    return encoder, encoder_of(config).apply(encoder, points)


_refine = jax.jit(refine, static_argnames="config")


def deep_embedded_clustering(
    points: ArrayLike, num_clusters: int, seed: int, **parameters: Any
) -> np.ndarray:
    """Deep Embedded Clustering; trains new networks for every data set.

    Pretrain an autoencoder, find centres by k-means in its embedding, then train encoder and
    centres until the labels settle. Data sets of the same D, K and padded size share their
    compiled programs.

    Args:
      points: ``[N, D]``. Scaled by one factor as the paper does, see :func:`scaled`; columns are
        not standardised.
      num_clusters: k.
      seed: of weights, batches, masks and the starts of k-means.
      **parameters: fields of :class:`DECConfig`.

    Returns:
      ``[N]`` int labels in ``0..k-1``; a cluster may end up empty.

    Raises:
      ValueError: if points are not a finite matrix with at least one row and column, or k does
        not lie in ``1..N``.
    """
    points = np.asarray(points, np.float64)
    if points.ndim != 2 or points.size == 0:
        raise ValueError(
            f"points must be a matrix [N, D] with at least 1 row and 1 column, "
            f"got shape {points.shape}"
        )
    if not np.isfinite(points).all():
        raise ValueError("points must be finite, got NaN or infinity")
    count = len(points)
    if not 1 <= num_clusters <= count:
        raise ValueError(f"num_clusters must lie in 1..N={count}, got {num_clusters}")
    config = DECConfig(**parameters)
    key_pretrain, key_refine = jax.random.split(jax.random.key(seed))
    ready = jnp.asarray(padded(scaled(points, centre=config.centre)))
    encoder, embedded = _embed(key_pretrain, ready, count, config)
    kmeans = KMeans(num_clusters, n_init=config.n_init, random_state=seed)
    centres = kmeans.fit(np.asarray(embedded)[:count]).cluster_centers_
    clusterer = Clusterer(encoder, jnp.asarray(centres, jnp.float32))
    found = _refine(key_refine, clusterer, ready, count, config)
    return np.asarray(found.assignment)[:count].argmax(axis=1)
