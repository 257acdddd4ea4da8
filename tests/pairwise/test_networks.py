"""The networks: explicit batch statistics, parts that compose, sizes and symmetries."""

from functools import partial

import jax
import numpy as np
import pytest

from l2c_jax.pairwise.backbones import MLP, VGGS
from l2c_jax.pairwise.networks import (
    cluster_logits,
    features,
    init_clusters,
    init_similarity,
    log_odds_of_terms,
    pair_log_odds,
    pair_terms,
)

BACKBONE = MLP(columns=2, hidden=(6, 4))
pytestmark = pytest.mark.optimized
RNG = np.random.default_rng(0)
FIRST, SECOND = (RNG.normal(size=(n, 2)).astype(np.float32) for n in (7, 5))
VARIABLES = jax.jit(init_similarity, static_argnums=1)(jax.random.key(0), BACKBONE)
compare = jax.jit(pair_log_odds, static_argnames=("backbone", "train"))
assign = jax.jit(cluster_logits, static_argnames=("backbone", "train"))


@partial(jax.jit, static_argnames="train")
def in_parts(train):
    """Log-odds of the first batch with itself, by the functions that compute parts."""
    read = features(VARIABLES, FIRST, backbone=BACKBONE, train=train)
    terms = pair_terms(VARIABLES, read, read, backbone=BACKBONE, train=train)
    return log_odds_of_terms(VARIABLES, *terms, backbone=BACKBONE)


def test_heads_have_the_published_sizes():
    def shapes(init):
        return jax.tree.map(lambda x: x.shape, jax.eval_shape(init).params)

    similarity = shapes(lambda: init_similarity(jax.random.key(0), VGGS()))["head"]
    assert similarity["terms"]["first"] == similarity["terms"]["second"] == (1024, 4096)
    assert similarity["kernel"] == (4096, 2)
    clusters = shapes(lambda: init_clusters(jax.random.key(0), VGGS(), 100))["head"]
    assert clusters["hidden"]["kernel"] == (1024, 512)
    assert clusters["logits"]["kernel"] == (512, 100)


@pytest.mark.parametrize("train", [True, False])
def test_a_batch_with_itself_and_the_parts_one_by_one_give_the_same(train):
    whole, stats = compare(VARIABLES, FIRST, backbone=BACKBONE, train=train)
    np.testing.assert_allclose(in_parts(train), whole, atol=1e-5)
    twice, _ = compare(VARIABLES, FIRST, FIRST, backbone=BACKBONE, train=train)
    np.testing.assert_allclose(twice, whole, atol=1e-5)
    changed = jax.tree.map(lambda a, b: bool((a != b).any()), stats, VARIABLES.batch_stats)
    assert set(jax.tree.leaves(changed)) == {train}


def test_out_of_training_a_pair_does_not_depend_on_its_batches():
    whole, _ = compare(VARIABLES, FIRST, SECOND, backbone=BACKBONE, train=False)
    part, _ = compare(VARIABLES, FIRST[2:4], SECOND[1:], backbone=BACKBONE, train=False)
    np.testing.assert_allclose(part, whole[2:4, 1:], atol=1e-5)


def double(tree):
    return jax.tree.map(lambda x: np.asarray(x, np.float64), tree)


def test_in_training_scaled_and_translated_columns_make_no_difference():
    with jax.enable_x64(True):
        large = 1e4 * FIRST.astype(np.float64)  # so that EPSILON is nothing beside its variance
        found, _ = compare(double(VARIABLES), large, backbone=BACKBONE, train=True)
        moved, _ = compare(double(VARIABLES), 100 * large + 7, backbone=BACKBONE, train=True)
    assert found.dtype == np.float64
    np.testing.assert_allclose(moved, found, atol=1e-9)


def test_reordered_points_reorder_clusters_and_pairs():
    order = RNG.permutation(7)
    pairs, _ = compare(VARIABLES, FIRST, backbone=BACKBONE, train=True)
    moved, _ = compare(VARIABLES, FIRST[order], backbone=BACKBONE, train=True)
    np.testing.assert_allclose(moved, pairs[order][:, order], atol=1e-5)
    variables = jax.jit(init_clusters, static_argnums=(1, 2))(jax.random.key(1), BACKBONE, 3)
    logits, stats = assign(variables, FIRST, backbone=BACKBONE, train=True)
    moved, _ = assign(variables, FIRST[order], backbone=BACKBONE, train=True)
    assert logits.shape == (7, 3)
    np.testing.assert_allclose(moved, logits[order], atol=1e-5)
    old = variables.batch_stats["head"]["norm"]["mean"]
    assert (stats["head"]["norm"]["mean"] != old).any()
