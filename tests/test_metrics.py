"""Metrics against loops over pairs and permutations; relabelling against SciPy."""

import itertools
import math
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from l2c_jax.metrics import (
    METRICS,
    adjusted_rand_index,
    cheapest_relabelling,
    contingency,
    error_rate,
    matched_error,
    normalized_mutual_information,
    scores,
)


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


def ari_of_pairs(labels, predicted) -> float:
    """Hubert & Arabie's index from a loop over pairs of points."""
    pairs = list(itertools.combinations(range(len(labels)), 2))
    one = [labels[i] == labels[j] for i, j in pairs]
    two = [predicted[i] == predicted[j] for i, j in pairs]
    both = sum(a and b for a, b in zip(one, two, strict=True))
    expected = sum(one) * sum(two) / max(len(pairs), 1)
    largest = (sum(one) + sum(two)) / 2
    return 1.0 if largest == expected else (both - expected) / (largest - expected)


def nmi_of_counts(labels, predicted) -> float:
    """Mutual information over the mean entropy from a loop over classes and clusters."""

    def entropy(names) -> float:
        shares = [float(np.mean(names == name)) for name in set(names.tolist())]
        return -sum(share * math.log(share) for share in shares)

    information = 0.0
    for one in set(labels.tolist()):
        for other in set(predicted.tolist()):
            joint = float(np.mean((labels == one) & (predicted == other)))
            if joint:
                apart = float(np.mean(labels == one) * np.mean(predicted == other))
                information += joint * math.log(joint / apart)
    mean = (entropy(labels) + entropy(predicted)) / 2
    return 1.0 if mean == 0 else information / mean


@pytest.mark.parametrize(("labels", "predicted"), PAIRS)
def test_ari_against_a_loop_over_pairs(labels, predicted):
    found = adjusted_rand_index(labels, predicted)
    assert type(found) is float
    assert found == pytest.approx(ari_of_pairs(labels, predicted), abs=1e-12)


@pytest.mark.parametrize(("labels", "predicted"), PAIRS)
def test_nmi_against_a_loop_over_clusters(labels, predicted):
    found = normalized_mutual_information(labels, predicted)
    assert type(found) is float
    assert found == pytest.approx(nmi_of_counts(labels, predicted), abs=1e-12)


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_names_of_clusters_may_be_any_numbers(metric):
    labels, predicted = labelings(3, 4)
    assert metric(labels / 2 + 0.1, predicted) == metric(labels, predicted)


def test_scores_are_the_metrics_by_name():
    labels, predicted = labelings(3, 4)
    expected = {name: metric(labels, predicted) for name, metric in METRICS.items()}
    assert scores(labels, predicted) == expected
    assert list(expected) == ["error", "ARI", "NMI"]


def test_importing_the_metrics_does_not_import_scikit_learn():
    code = "import sys, l2c_jax, l2c_jax.metrics; assert 'sklearn' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


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


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_renaming_changes_nothing(metric):
    labels, predicted = labelings(4, 4)
    names = np.array(["z", "a", "q", "b"])
    expected = pytest.approx(metric(labels, predicted), abs=1e-12)
    assert metric(names[labels], predicted) == expected
    assert metric(labels, 7 - predicted) == expected


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_order_of_the_points_changes_nothing(metric):
    labels, predicted = labelings(3, 4)
    order = np.random.default_rng(0).permutation(40)
    shuffled = metric(labels[order], predicted[order])
    assert shuffled == pytest.approx(metric(labels, predicted), abs=1e-12)


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_truth_and_answer_may_change_places(metric):
    labels, predicted = labelings(3, 5)
    assert metric(predicted, labels) == pytest.approx(metric(labels, predicted), abs=1e-12)


def test_contingency_counts_every_pair():
    table = contingency(["a", "b", "a", "a"], [1, 1, 1, 9])
    assert table.tolist() == [[2, 1], [1, 0]]


@pytest.mark.parametrize("metric", [*METRICS.values(), contingency, scores])
@pytest.mark.parametrize(
    ("labels", "predicted"),
    [([0, 1], [0, 1, 1]), ([], []), ([[0, 1]], [[0, 1]]), (0, 0)],
    ids=["lengths", "empty", "table", "number"],
)
def test_shapes_that_do_not_fit_are_refused(metric, labels, predicted):
    with pytest.raises(ValueError, match="vectors of the same length of at least 1, got shapes"):
        metric(labels, predicted)


SIZES = range(1, 9)


def costs(size: int, tasks: int = 20) -> np.ndarray:
    return np.random.default_rng(size).normal(size=(tasks, size, size)).astype(np.float32)


@pytest.mark.parametrize("size", SIZES)
def test_cost_is_that_of_scipy(size):
    tables = costs(size)
    found = jax.jit(jax.vmap(cheapest_relabelling))(tables)
    for table, names in zip(tables, np.array(found), strict=True):
        assert sorted(names) == list(range(size))
        least = table[linear_sum_assignment(table)].sum()
        np.testing.assert_allclose(table[np.arange(size), names].sum(), least, rtol=1e-5)


@pytest.mark.parametrize("size", [3, 6])
def test_one_task_at_a_time_gives_the_same(size):
    tables = costs(size, 3)
    together = jax.jit(jax.vmap(cheapest_relabelling))(tables)
    alone = [jax.jit(cheapest_relabelling)(table) for table in tables]
    np.testing.assert_array_equal(together, alone)


@pytest.mark.parametrize("size", [3, 6])
def test_ties_still_give_a_permutation(size):
    assert sorted(
        jax.jit(cheapest_relabelling)(np.zeros((size, size), np.float32)).tolist()
    ) == list(range(size))


@pytest.mark.parametrize("size", [3, 6])
def test_no_gradient_flows_through_the_choice(size):
    def cost_of_choice(table):
        return jnp.float32(cheapest_relabelling(table)).sum() + table.sum()

    np.testing.assert_array_equal(jax.jit(jax.grad(cost_of_choice))(costs(size)[0]), 1)


@pytest.mark.parametrize("shape", [(2, 3), (3,), (2, 2, 2)])
def test_costs_that_are_no_square_are_refused(shape):
    with pytest.raises(ValueError, match=r"square matrix \[K, K\]"):
        cheapest_relabelling(jnp.zeros(shape))
