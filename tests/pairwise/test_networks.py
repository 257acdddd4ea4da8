"""The networks: batch statistics are explicit, parts compose, heads have the printed sizes."""

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

TRUNK = MLP(columns=2, hidden=(6, 4))
RNG = np.random.default_rng(0)
FIRST, SECOND = (RNG.normal(size=(n, 2)).astype(np.float32) for n in (7, 5))
VARIABLES = jax.jit(init_similarity, static_argnums=1)(jax.random.key(0), TRUNK)
compare = jax.jit(pair_log_odds, static_argnames=("trunk", "train"))
assign = jax.jit(cluster_logits, static_argnames=("trunk", "num_clusters", "train"))


@partial(jax.jit, static_argnames="train")
def in_parts(train):
    """The log-odds of the first batch with itself, through the functions that do parts of it."""
    read = features(VARIABLES, FIRST, trunk=TRUNK, train=train)
    terms = pair_terms(VARIABLES, read, read, trunk=TRUNK, train=train)
    return log_odds_of_terms(VARIABLES, *terms, trunk=TRUNK)


def test_heads_have_the_published_sizes():
    def shapes(init):
        return jax.tree.map(lambda x: x.shape, jax.eval_shape(init).params)

    similarity = shapes(lambda: init_similarity(jax.random.key(0), VGGS()))["head"]
    assert similarity["terms"]["first"] == similarity["terms"]["second"] == (1024, 4096)
    assert similarity["kernel"] == (4096, 2)
    clusters = shapes(lambda: init_clusters(jax.random.key(0), VGGS(), 100))
    assert clusters["hidden"]["kernel"] == (1024, 512)
    assert clusters["logits"]["kernel"] == (512, 100)


@pytest.mark.parametrize("train", [True, False])
def test_a_batch_with_itself_and_the_parts_one_by_one_give_the_same(train):
    whole, stats = compare(VARIABLES, FIRST, trunk=TRUNK, train=train)
    np.testing.assert_allclose(in_parts(train), whole, atol=1e-5)
    twice, _ = compare(VARIABLES, FIRST, FIRST, trunk=TRUNK, train=train)
    np.testing.assert_allclose(twice, whole, atol=1e-5)
    changed = jax.tree.map(lambda a, b: bool((a != b).any()), stats, VARIABLES.batch_stats)
    assert set(jax.tree.leaves(changed)) == {train}


def test_out_of_training_a_pair_does_not_depend_on_its_batches():
    whole, _ = compare(VARIABLES, FIRST, SECOND, trunk=TRUNK, train=False)
    part, _ = compare(VARIABLES, FIRST[2:4], SECOND[1:], trunk=TRUNK, train=False)
    np.testing.assert_allclose(part, whole[2:4, 1:], atol=1e-5)


def test_in_training_scaled_and_moved_columns_make_no_difference():
    alike, _ = compare(VARIABLES, FIRST, trunk=TRUNK, train=True)
    moved, _ = compare(VARIABLES, 100 * FIRST + 7, trunk=TRUNK, train=True)
    np.testing.assert_allclose(moved, alike, atol=1e-2)


def test_reordered_points_reorder_clusters_and_pairs():
    order = RNG.permutation(7)
    pairs, _ = compare(VARIABLES, FIRST, trunk=TRUNK, train=True)
    moved, _ = compare(VARIABLES, FIRST[order], trunk=TRUNK, train=True)
    np.testing.assert_allclose(moved, pairs[order][:, order], atol=1e-4)
    variables = jax.jit(init_clusters, static_argnums=(1, 2))(jax.random.key(1), TRUNK, 3)
    logits, stats = assign(variables, FIRST, trunk=TRUNK, num_clusters=3, train=True)
    moved, _ = assign(variables, FIRST[order], trunk=TRUNK, num_clusters=3, train=True)
    assert logits.shape == (7, 3)
    np.testing.assert_allclose(moved, logits[order], atol=1e-4)
    assert (stats["norm"]["mean"] != variables.batch_stats["norm"]["mean"]).any()
