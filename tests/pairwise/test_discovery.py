"""A discovery: merged outputs of a network, references instead of it, and its file."""

from dataclasses import replace

import jax
import numpy as np
import pytest

from l2c_jax.pairwise import MLP, Similarity
from l2c_jax.pairwise.constrained import ConstrainedClustering
from l2c_jax.pairwise.discovery import (
    Columns,
    Discovery,
    References,
    discovery_of,
    grouped,
    merged_groups,
)
from l2c_jax.pairwise.discovery_file import is_discovery, load_discovery, save_discovery
from l2c_jax.pairwise.merging import merge_path
from l2c_jax.pairwise.networks import init_clusters, init_similarity
from l2c_jax.pairwise.similarity import SimilarityMetadata, save_similarity
from l2c_jax.preprocessing.encoder import fit_encoder
from l2c_jax.preprocessing.roles import detect_roles
from l2c_jax.training.weights import WeightsError

BACKBONE = MLP(columns=3, hidden=(8,))
POINTS = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
G = Similarity(init_similarity(jax.random.key(0), BACKBONE), BACKBONE)
NETWORK = init_clusters(jax.random.key(1), BACKBONE, 6)


def clustering() -> ConstrainedClustering:
    probabilities = np.random.default_rng(1).dirichlet(np.full(6, 0.3), 40).astype(np.float32)
    labels = probabilities.argmax(axis=1).astype(np.int32)
    return ConstrainedClustering(labels, probabilities, len(set(labels)), NETWORK, BACKBONE)


def test_groups_are_numbered_by_size_and_each_has_a_point():
    found = clustering()
    answers = (found.labels[:, None] // 2 == found.labels[None, :] // 2).astype(float)
    groups = merged_groups(found, merge_path(found.labels, answers), 0.5)
    labels = grouped(found.probabilities, groups).argmax(axis=1)
    sizes = np.bincount(labels)
    assert sizes.tolist() == sorted(sizes, reverse=True)
    assert sizes.min() > 0
    for output in range(0, 6, 2):
        assert groups[output] == groups[output + 1]


def test_a_group_that_is_never_the_most_probable_goes_away():
    probabilities = np.array([[0.4, 0.3, 0.3], [0.4, 0.3, 0.3], [0.1, 0.8, 0.1]], np.float32)
    labels = np.array([0, 0, 1], np.int32)
    found = ConstrainedClustering(labels, probabilities, 2, NETWORK, BACKBONE)
    path = merge_path(np.array([0, 1, 2]), np.eye(3))
    path = path._replace(merges=np.array([[1, 2], [0, 1]]), levels=np.array([0.9, 0.1]))
    # 1 and 2 together are more probable than 0 everywhere
    assert merged_groups(found, path, 0.5) == (-1, 0, 0)


def test_without_a_threshold_nothing_is_merged():
    found = clustering()
    discovery, path = discovery_of(G, POINTS, found, None)
    assert discovery.num_clusters == found.num_clusters == len(path.clusters)


@pytest.mark.parametrize("kind", ["network", "distance", "similarity"])
def test_a_file_gives_the_same_answers(tmp_path, kind):
    cells = [np.arange(5.0), np.array(list("aabba"), object)]
    roles = detect_roles(["size", "kind"], cells)
    references = {
        "network": None,
        "distance": References(POINTS[:4], np.array([0, 1, 2, 2], np.int32), 0.7),
        "similarity": References(POINTS[:4], np.array([0, 1, 2, 2], np.int32), 0.0),
    }[kind]
    metadata = SimilarityMetadata(merging={"threshold": 0.25, "classes": 2, "found": 2})
    found = Discovery(
        *(replace(G, metadata=metadata), NETWORK, BACKBONE, (0, -1, 1, 0, 2, -1), references),
        columns=Columns(fit_encoder(roles, cells), roles),
        how={"seed": 3},
    )
    path = tmp_path / "d.safetensors"
    save_discovery(path, found)
    again = load_discovery(path)
    assert is_discovery(path)
    assert again.num_clusters == found.num_clusters == 3
    assert (again.groups, again.how) == (found.groups, found.how)
    assert again.similarity.metadata.merging == metadata.merging
    assert again.columns is not None
    assert again.columns.roles == roles
    answer = found.probabilities(POINTS)
    np.testing.assert_array_equal(again.probabilities(POINTS), answer)
    np.testing.assert_allclose(answer.sum(axis=1), 1)
    np.testing.assert_allclose(again.probabilities(POINTS[7:9]), answer[7:9], rtol=1e-5)


def test_distances_choose_the_nearest_reference():
    references = References(np.eye(3, dtype=np.float32), np.array([1, 0, 1], np.int32), 0.5)
    found = Discovery(G, NETWORK, BACKBONE, (0,) * 6, references)
    np.testing.assert_array_equal(found.probabilities(np.eye(3)).argmax(axis=1), [1, 0, 1])


def test_another_file_is_refused(tmp_path):
    save_similarity(tmp_path / "g.safetensors", G)
    assert not is_discovery(tmp_path / "g.safetensors")
    with pytest.raises(WeightsError, match="expected a discovery, found weights of kind 'simil"):
        load_discovery(tmp_path / "g.safetensors")
