"""The checks of the axioms see bad clusterers; distances and changes that are none are refused."""

import itertools
from functools import partial

import numpy as np
import pytest

from experiments.meta_clustering.axioms.checks import (
    applied,
    keeps_consistency,
    keeps_meta_consistency,
    keeps_meta_richness,
    keeps_meta_scale_invariance,
    keeps_richness,
    keeps_scale_invariance,
    same_partition,
    unadapted,
)
from experiments.meta_clustering.axioms.distances import (
    checked,
    consistent_change,
    is_consistent,
    realisations,
    realise,
    scaled,
)
from experiments.meta_clustering.axioms.linkage import meta_single_linkage, single_linkage


def one_cluster(distances):
    return np.zeros(len(distances), int)


def below_the_mean(distances):
    return single_linkage(distance=distances.mean() or 1.0)(distances)


def parity(distances):
    return distances[0].astype(int) % 2


def test_the_checks_see_bad_clusterers():
    line = np.abs(np.subtract.outer(np.arange(4.0), np.arange(4.0)))
    assert not keeps_scale_invariance(parity, line, 2.0)
    assert not keeps_richness(one_cluster, [0, 0, 1])
    assert keeps_richness(one_cluster, [0, 0, 0])
    assert not keeps_consistency(parity, line, lambda d, labels: realise(labels, 0.5, 4.0))
    found = [
        keeps_consistency(
            below_the_mean, realise([0, 0, 1, 2]), partial(consistent_change, seed=s)
        )
        for s in range(20)
    ]
    assert not all(found)


def test_the_checks_see_bad_meta_clusterers():
    line = np.abs(np.subtract.outer(np.arange(4.0), np.arange(4.0)))
    fixed = unadapted(single_linkage(distance=1.5))
    assert not keeps_meta_scale_invariance(fixed, line, 2.0)
    assert not keeps_meta_richness(unadapted(single_linkage(num_clusters=2)), [0, 1, 2])

    def adapts_again(distances):
        """Theorem 1's, but its clusterer sets the threshold anew."""
        return applied(meta_single_linkage(0.75))

    apart, farther = realise([0, 0, 1]), realise([0, 0, 1])
    farther[0, 2] = farther[2, 0] = 10
    assert not keeps_meta_consistency(adapts_again, apart, lambda d, labels: farther)
    assert keeps_meta_consistency(meta_single_linkage(0.75), apart, lambda d, labels: farther)

    def remembers(distances):
        """Gives one cluster to whatever is not what it has seen."""
        return lambda other: np.arange(len(other)) * int((other == distances).all())

    assert not keeps_meta_consistency(remembers, apart, lambda d, labels: 2 * d)


def test_a_change_that_is_not_consistent_is_refused():
    cluster = single_linkage(num_clusters=2)
    for check, clusterer in [
        (keeps_consistency, cluster),
        (keeps_meta_consistency, unadapted(cluster)),
    ]:
        with pytest.raises(ValueError, match="the change is not consistent"):
            check(clusterer, realise([0, 0, 1]), lambda d, labels: 2 * d)


def test_each_pair_decides_whether_a_change_is_consistent():
    labels, distances = np.array([0, 0, 1, 1]), realise([0, 0, 1, 1])
    for i, j in itertools.combinations(range(4), 2):
        for step in (-0.5, 0.5):
            changed = distances.copy()
            changed[i, j] = changed[j, i] = distances[i, j] + step
            assert is_consistent(distances, changed, labels) == (
                (step < 0) == (labels[i] == labels[j])
            )


def test_realisations_are_distances():
    for labels in ([0], [0, 0], [0, 1], [0, 0, 0], [0, 1, 0]):
        found = [checked(distances) for distances in realisations(labels)]
        assert len(found) == 25
        assert all(len(distances) == len(labels) for distances in found)


def test_partitions_do_not_depend_on_names():
    assert same_partition([0, 1, 1], ["b", "a", "a"])
    assert not same_partition([0, 1, 1], [0, 1, 2])
    assert not same_partition([0, 1, 2], [0, 1, 1])
    assert not same_partition([0, 0, 1], [0, 1, 1])


@pytest.mark.parametrize(
    ("distances", "said"),
    [
        (np.zeros((2, 3)), "square table, got shape"),
        (np.zeros((0, 0)), "square table, got shape"),
        ([[0, -1], [-1, 0]], "finite and not negative"),
        ([[0, np.nan], [np.nan, 0]], "finite and not negative"),
        ([[0, 1], [2, 0]], "symmetric"),
        ([[1, 1], [1, 0]], "zero from a point to itself"),
    ],
)
def test_what_is_no_distance_function_is_refused(distances, said):
    with pytest.raises(ValueError, match=said):
        checked(distances)
    with pytest.raises(ValueError, match=said):
        keeps_meta_scale_invariance(meta_single_linkage(), distances, 2.0)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: meta_single_linkage(0.5), "tau must lie between 1/2 and 1, got 0.5"),
        (lambda: meta_single_linkage(1.0), "tau must lie between 1/2 and 1, got 1.0"),
        (lambda: single_linkage(), "give one of"),
        (lambda: single_linkage(num_clusters=2, scale=0.5), "give one of"),
        (lambda: single_linkage(num_clusters=0), "at least 1, got 0"),
        (lambda: single_linkage(num_clusters=4)(realise([0, 1])), "only 2 points"),
        (lambda: single_linkage(distance=0.0), "distance must be positive"),
        (lambda: single_linkage(scale=1.0), "scale must lie between 0 and 1"),
        (lambda: scaled(realise([0, 1]), 0.0), "scale must be positive"),
        (lambda: scaled(realise([0, 1]), np.inf), "scale must be positive"),
        (lambda: realise([0, 1], 2.0, 1.0), "0 < within < between"),
        (lambda: realise([[0, 1]]), "labels must be a vector"),
        (lambda: same_partition([0, 1], [0]), "the same length"),
    ],
)
def test_what_is_out_of_range_is_refused(call, said):
    with pytest.raises(ValueError, match=said):
        call()
