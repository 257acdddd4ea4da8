"""Which method is trusted with new rows: the one that agrees with held-out classes."""

import jax
import numpy as np
import pytest

from l2c_jax.estimators.embedding import embed
from l2c_jax.estimators.partition_methods import METHODS, choose_method, k_means
from l2c_jax.pairwise import MLP, Similarity
from l2c_jax.pairwise.discovery import reference_probabilities
from l2c_jax.pairwise.held_out import HeldOut
from l2c_jax.pairwise.merging import merge_path
from l2c_jax.pairwise.networks import init_similarity

BACKBONE = MLP(columns=2, hidden=(4,))
G = Similarity(init_similarity(jax.random.key(0), BACKBONE), BACKBONE)  # knows nothing
CLASSES = np.repeat(np.arange(3), 20)
RNG = np.random.default_rng(0)


def held_out(points: np.ndarray, labels: np.ndarray) -> HeldOut:
    same = (CLASSES[:, None] == CLASSES[None, :]).astype(float)
    return HeldOut(points.astype(np.float32), CLASSES, labels, merge_path(labels, same))


def test_the_network_is_chosen_where_it_alone_finds_the_classes():
    points = RNG.normal(size=(60, 2))  # no clusters
    labels = 2 * CLASSES + RNG.integers(0, 2, 60)  # of 3 classes in 6 clusters
    choice = choose_method(G, held_out(points, labels))
    assert choice.method == "network"
    assert choice.agreement["network"] == 1
    assert set(choice.agreement) == {"network", *METHODS}


def test_k_means_is_chosen_where_it_alone_finds_the_classes():
    points = 9 * np.eye(3)[CLASSES][:, :2] + RNG.normal(size=(60, 2)) / 9
    choice = choose_method(G, held_out(points, RNG.integers(0, 5, 60)))
    assert choice.method == "k-means"
    assert choice.agreement["k-means"] == 1


def test_without_held_out_classes_nothing_is_compared():
    assert choose_method(G, None) == ("network", {})


@pytest.mark.parametrize("name", METHODS)
def test_every_method_gives_each_cluster_a_reference(name):
    points = RNG.normal(size=(30, 2)).astype(np.float32)
    references = METHODS[name](G, points, 4, 0)
    assert sorted(set(references.clusters)) == [0, 1, 2, 3]
    found = reference_probabilities(G, references, points)
    assert found.shape == (30, 4)
    np.testing.assert_allclose(found.sum(axis=1), 1)


def test_k_means_puts_a_point_to_the_nearest_mean():
    points = np.repeat([[0.0, 0.0], [5.0, 5.0]], 10, axis=0) + RNG.normal(size=(20, 2)) / 9
    found = reference_probabilities(G, k_means(G, points, 2, 0), points).argmax(axis=1)
    assert len(set(found[:10])) == len(set(found[10:])) == 1
    assert found[0] != found[10]


def test_an_embedding_has_a_place_for_every_point():
    assert embed(RNG.normal(size=(12, 5)), 0).shape == (12, 2)
    assert embed(np.zeros((6, 3)), 0).shape == (6, 2)
