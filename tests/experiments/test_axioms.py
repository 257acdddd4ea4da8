"""The axioms of section 3.3: Theorem 1, Kleinberg's counter-examples, checks that can fail."""

import itertools
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from experiments.meta_clustering.axioms.checks import (
    applied,
    keeps_consistency,
    keeps_meta_consistency,
    keeps_meta_richness,
    keeps_meta_scale_invariance,
    keeps_richness,
    keeps_scale_invariance,
    same_partition,
)
from experiments.meta_clustering.axioms.distances import (
    checked,
    consistent_change,
    is_consistent,
    realise,
)
from experiments.meta_clustering.axioms.linkage import meta_single_linkage, single_linkage

LARGEST = 7
PAIRS = LARGEST * (LARGEST - 1) // 2
# Products of these with distances below 2^20 are exact, so that ties stay ties.
TAUS = st.sampled_from([k / 16 for k in range(9, 16)])
SCALES = st.integers(1, 2**12).map(lambda m: m / 64)
SEEDS = st.integers(0, 2**32 - 1)
cases = partial(settings, deadline=None, derandomize=True, database=None)


def distance_functions(least: int = 1) -> st.SearchStrategy[np.ndarray]:
    """Whole numbers from 1 to 16, so that many are equal; most are no metric."""

    def build(drawn: bytes) -> np.ndarray:
        size = least + drawn[0] % (LARGEST + 1 - least)
        table = np.zeros((size, size))
        rows, columns = np.triu_indices(size, 1)
        table[rows, columns] = 1 + np.frombuffer(drawn, np.uint8)[1 : rows.size + 1] % 16
        return table + table.T

    return st.binary(min_size=PAIRS + 1, max_size=PAIRS + 1).map(build)


def partitions(least: int = 1) -> st.SearchStrategy[np.ndarray]:
    """Labels of 1 to 7 points."""
    drawn = st.binary(min_size=least, max_size=LARGEST)
    return drawn.map(lambda labels: np.frombuffer(labels, np.uint8) % len(labels))


def all_partitions(size: int) -> list[tuple[int, ...]]:
    """Every partition of a few points, once: labels in order of appearance."""
    every = itertools.product(range(size), repeat=size)
    return [
        labels
        for labels in every
        if all(labels[n] <= max(labels[:n], default=-1) + 1 for n in range(size))
    ]


def whole_change(distances: np.ndarray, labels: np.ndarray, seed: int) -> np.ndarray:
    """A consistent change that keeps distances whole, moves them by little and makes ties."""
    table = np.triu(np.random.default_rng(seed).integers(0, 6, distances.shape), 1)
    within = labels[:, None] == labels[None, :]
    step = np.where(within, -(table + table.T), table + table.T)
    return np.maximum(distances + step, 1) * (1 - np.eye(len(labels)))


def changes(seed: int):
    """One of the two kinds of change, by the seed."""
    return partial(whole_change if seed % 2 else consistent_change, seed=seed)


# Theorem 1


@cases(max_examples=1_200)
@given(distance_functions(), TAUS, SCALES)
def test_theorem_1_meta_scale_invariance(distances, tau, scale):
    assert keeps_meta_scale_invariance(meta_single_linkage(tau), distances, scale)


@cases(max_examples=200)
@given(SEEDS, st.integers(1, 12), st.floats(0.5, 1, exclude_min=True, exclude_max=True))
def test_theorem_1_meta_scale_invariance_of_any_numbers(seed, size, tau):
    rng = np.random.default_rng(seed)
    table = rng.random((size, size)) ** 4
    distances = np.triu(table, 1) + np.triu(table, 1).T
    scale = 2.0 ** rng.integers(-60, 60)  # the only scales that round nothing
    assert keeps_meta_scale_invariance(meta_single_linkage(tau), distances, scale)


@cases(max_examples=1_000)
@given(partitions(least=3), TAUS)
def test_theorem_1_meta_richness(labels, tau):
    assert keeps_meta_richness(meta_single_linkage(tau), labels, [realise(labels)])


@cases(max_examples=1_200)
@given(distance_functions(), TAUS, SEEDS)
def test_theorem_1_meta_consistency(distances, tau, seed):
    assert keeps_meta_consistency(meta_single_linkage(tau), distances, changes(seed))


@pytest.mark.parametrize("size", [1, 3, 4, 5])
def test_theorem_1_meta_richness_of_every_partition(size):
    found = all_partitions(size)
    assert len(found) == {1: 1, 3: 5, 4: 15, 5: 52}[size]  # Bell's numbers
    for labels in found:
        distances = realise(labels)
        assert (distances[:, :, None] <= distances[:, None, :] + distances[None, :, :]).all()
        assert keeps_meta_richness(meta_single_linkage(0.51), labels, [distances])
        assert keeps_meta_richness(meta_single_linkage(0.99), labels, [distances])


@cases(max_examples=100)
@given(st.floats(1e-300, 1e300), st.floats(0.5, 1, exclude_min=True, exclude_max=True))
def test_two_points_are_never_one_cluster_so_the_theorem_needs_three(distance, tau):
    distances = np.array([[0, distance], [distance, 0]])
    meta = meta_single_linkage(tau)
    assert not keeps_meta_richness(meta, [0, 0], [distances])
    assert keeps_meta_richness(meta, [0, 1], [distances])


def test_the_printed_proof_of_consistency_goes_too_far():
    distances = realise([0, 0, 0])  # as in the proof of richness
    cluster = meta_single_linkage(0.75)(distances)
    np.testing.assert_array_equal(cluster(distances), 0)
    assert distances.max() > 0.75 * 2  # of one cluster, and yet farther apart than lambda
    changed = np.minimum(distances, 1)
    assert is_consistent(distances, changed, [0, 0, 0])
    assert ((changed < 1.5) != (distances < 1.5)).any()  # and yet not the same graph
    np.testing.assert_array_equal(cluster(changed), 0)


@cases(max_examples=200)
@given(distance_functions(), TAUS)
def test_what_theorem_1_builds_is_single_linkage_with_the_scale_rule(distances, tau):
    found = applied(meta_single_linkage(tau))(distances)
    assert same_partition(found, single_linkage(scale=tau)(distances))


# Kleinberg's theorem 2.2: each stopping rule keeps two axioms and breaks the third


@cases(max_examples=150)
@given(distance_functions(), st.integers(1, LARGEST), SCALES, SEEDS)
def test_linkage_to_a_count_breaks_richness_alone(distances, count, scale, seed):
    cluster = single_linkage(num_clusters=min(count, len(distances)))
    assert keeps_scale_invariance(cluster, distances, scale)
    assert keeps_consistency(cluster, distances, changes(seed))
    assert len(set(cluster(distances).tolist())) == min(count, len(distances))


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_linkage_to_a_count_gives_only_partitions_of_that_many(count):
    for labels in all_partitions(4):
        kept = keeps_richness(single_linkage(num_clusters=count), labels)
        assert kept == (len(set(labels)) == count)


@cases(max_examples=150)
@given(distance_functions(least=2), st.integers(1, 16), SEEDS, partitions())
def test_linkage_to_a_distance_breaks_scale_invariance_alone(distances, radius, seed, labels):
    cluster = single_linkage(distance=radius)
    assert keeps_consistency(cluster, distances, changes(seed))
    assert keeps_richness(cluster, labels)
    # small enough it is one cluster, large enough it is none: one of the two differs from d's
    assert not (
        keeps_scale_invariance(cluster, distances, radius / 32)
        and keeps_scale_invariance(cluster, distances, radius)
    )


@cases(max_examples=150)
@given(distance_functions(), st.integers(1, 15), SCALES, partitions(least=3))
def test_linkage_to_a_scale_breaks_consistency_alone(distances, sixteenths, scale, labels):
    alpha = sixteenths / 16
    cluster = single_linkage(scale=alpha)
    assert keeps_scale_invariance(cluster, distances, scale)
    assert keeps_richness(cluster, labels)
    # 0 and 1 are joined, 2 is apart; moved farther from 0 alone, it is near in comparison
    three = np.array([[0, alpha / 2, 1], [alpha / 2, 0, 1], [1, 1, 0]])
    np.testing.assert_array_equal(cluster(three), [0, 0, 1])
    farther = np.array([[0, alpha / 2, 2 / alpha], [alpha / 2, 0, 1], [2 / alpha, 1, 0]])
    assert not keeps_consistency(cluster, three, lambda distances, labels: farther)


# Single linkage itself


def components(distances: np.ndarray, threshold: float) -> list[int]:
    """Connected components by a search, point by point."""
    size = len(distances)
    labels = [-1] * size
    for start in range(size):
        queue = [start] if labels[start] < 0 else []
        while queue:
            here = queue.pop()
            labels[here] = start
            queue += [n for n in range(size) if labels[n] < 0 and distances[here, n] < threshold]
    return labels


@cases(max_examples=150)
@given(distance_functions(least=2), st.integers(1, 17), TAUS)
def test_linkage_below_a_threshold_is_that_of_scipy_and_of_a_search(distances, radius, tau):
    tree = linkage(squareform(distances), "single")
    for cluster, threshold in [
        (single_linkage(distance=radius), radius),
        (single_linkage(scale=tau), tau * distances.max()),
        (meta_single_linkage(tau)(distances), tau * distances.max()),
    ]:
        found = cluster(distances)
        at_most = np.nextafter(threshold, 0)  # SciPy joins up to and including its threshold
        assert same_partition(found, fcluster(tree, at_most, "distance"))
        assert same_partition(found, components(distances, threshold))


@pytest.mark.parametrize("seed", range(20))
def test_linkage_to_a_count_is_that_of_scipy(seed):
    rng = np.random.default_rng(seed)
    distances = squareform(rng.permutation(45) + 1.0)  # ten points, no two pairs alike
    tree = linkage(squareform(distances), "single")
    for count in range(1, 11):
        found = single_linkage(num_clusters=count)(distances)
        assert same_partition(found, fcluster(tree, count, "maxclust"))
        assert set(found.tolist()) == set(range(count))


def test_distances_that_equal_the_threshold_do_not_join():
    distances = np.array([[0.0, 3.0, 4.0], [3.0, 0.0, 4.0], [4.0, 4.0, 0.0]])
    for cluster in (
        single_linkage(distance=3),
        single_linkage(scale=0.75),
        meta_single_linkage(0.75)(distances),
    ):
        assert set(cluster(distances).tolist()) == {0, 1, 2}


# What the axioms speak of


@cases(max_examples=150)
@given(distance_functions(), SEEDS)
def test_consistent_changes_are_consistent_in_every_pair(distances, seed):
    size = len(distances)
    labels = np.random.default_rng(seed).integers(0, 3, size)
    for change in (consistent_change, whole_change):
        changed = checked(change(distances, labels, seed))
        for i, j in itertools.combinations(range(size), 2):
            if labels[i] == labels[j]:
                assert 0 < changed[i, j] <= distances[i, j]
            else:
                assert changed[i, j] >= distances[i, j]
        assert is_consistent(distances, changed, labels)
    np.testing.assert_array_equal(
        consistent_change(distances, labels, seed), consistent_change(distances, labels, seed)
    )
