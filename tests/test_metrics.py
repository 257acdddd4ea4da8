"""Error up to relabelling, ARI and NMI, against scikit-learn and SciPy."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from l2c_jax.metrics import (
    adjusted_rand_index,
    contingency,
    error_rate,
    matched_error,
    normalized_mutual_information,
)

METRICS = [error_rate, adjusted_rand_index, normalized_mutual_information]


def labelings(classes: int, clusters: int, size: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """A random labeling and another that agrees with it on some points."""
    rng = np.random.default_rng(classes * 10 + clusters)
    labels = rng.integers(0, classes, size)
    predicted = np.where(
        rng.random(size) < 0.6, labels % clusters, rng.integers(0, clusters, size)
    )
    return labels, predicted


PAIRS = [
    labelings(2, 2),
    labelings(3, 3),
    labelings(5, 2),
    labelings(2, 6),
    labelings(1, 4),
    labelings(4, 1),
    (np.zeros(5), np.zeros(5)),
    (np.zeros(5), np.arange(5)),
    (np.arange(5), np.arange(5)[::-1]),
    (np.array([0]), np.array([3])),
    (np.array(["cat", "dog", "cat", "owl"]), np.array([-1, 0, -1, -1])),
]


@pytest.mark.parametrize(("labels", "predicted"), PAIRS)
def test_ari_is_that_of_scikit_learn(labels, predicted):
    expected = adjusted_rand_score(labels, predicted)
    assert adjusted_rand_index(labels, predicted) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("labels", "predicted"), PAIRS)
def test_nmi_is_that_of_scikit_learn(labels, predicted):
    expected = normalized_mutual_info_score(labels, predicted)
    assert normalized_mutual_information(labels, predicted) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("classes", "clusters"), [(2, 2), (3, 3), (4, 4), (2, 4), (4, 2)])
def test_error_is_the_least_over_all_renamings(classes, clusters):
    labels, predicted = labelings(classes, clusters)
    renamings = itertools.permutations(range(max(classes, clusters)))
    least = min((np.array(names)[predicted] != labels).mean() for names in renamings)
    assert error_rate(labels, predicted) == pytest.approx(least, abs=1e-12)


@pytest.mark.parametrize(("classes", "clusters"), [(2, 2), (3, 3), (6, 6), (6, 2), (2, 6)])
def test_matched_error_is_the_error_rate_of_the_real_points(classes, clusters):
    labels, predicted = labelings(classes, clusters)
    mask = np.random.default_rng(0).random(40) < 0.7
    found = jax.jit(matched_error, static_argnums=3)(labels, predicted, mask, 6)
    assert float(found) == pytest.approx(error_rate(labels[mask], predicted[mask]), abs=1e-6)


def test_matched_error_of_no_points_is_finite():
    nothing = jnp.zeros(4, int)
    assert 0 <= float(matched_error(nothing, nothing, jnp.zeros(4, bool), 2)) <= 1


@pytest.mark.parametrize("metric", METRICS)
def test_renaming_changes_nothing(metric):
    labels, predicted = labelings(4, 4)
    names = np.array(["z", "a", "q", "b"])
    expected = pytest.approx(metric(labels, predicted), abs=1e-12)
    assert metric(names[labels], predicted) == expected
    assert metric(labels, 7 - predicted) == expected


@pytest.mark.parametrize("metric", METRICS)
def test_order_of_the_points_changes_nothing(metric):
    labels, predicted = labelings(3, 4)
    order = np.random.default_rng(0).permutation(40)
    shuffled = metric(labels[order], predicted[order])
    assert shuffled == pytest.approx(metric(labels, predicted), abs=1e-12)


@pytest.mark.parametrize("metric", METRICS)
def test_truth_and_answer_may_change_places(metric):
    labels, predicted = labelings(3, 5)
    assert metric(predicted, labels) == pytest.approx(metric(labels, predicted), abs=1e-12)


def test_contingency_counts_every_pair():
    table = contingency(["a", "b", "a", "a"], [1, 1, 1, 9])
    assert table.tolist() == [[2, 1], [1, 0]]


@pytest.mark.parametrize("metric", [*METRICS, contingency])
@pytest.mark.parametrize(
    ("labels", "predicted"),
    [([0, 1], [0, 1, 1]), ([], []), ([[0, 1]], [[0, 1]]), (0, 0)],
    ids=["lengths", "empty", "table", "number"],
)
def test_shapes_that_do_not_fit_are_refused(metric, labels, predicted):
    with pytest.raises(ValueError, match="vectors of the same length of at least 1, got shapes"):
        metric(labels, predicted)
