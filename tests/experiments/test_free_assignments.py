"""Free assignments: clusters of a similarity matrix without a network."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.lib.baselines.free_assignments import cluster_by_assignments, fit_assignments
from l2c_jax.metrics import error_rate

LABELS = np.random.default_rng(0).permutation(np.repeat(np.arange(3), [15, 10, 20]))
SAME = LABELS[:, None] == LABELS[None, :]


@pytest.mark.parametrize("loss", ["kcl", "mcl"])
def test_true_pairs_give_the_true_classes_with_a_larger_k(loss):
    found = cluster_by_assignments(SAME, 6, loss=loss, steps=150)
    assert error_rate(LABELS, found.labels) == 0
    assert found.num_clusters == 3
    assert found.probabilities.shape == (45, 6)
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1, rtol=1e-5)


def test_some_wrong_pairs_change_few_labels():
    flipped = np.random.default_rng(1).random(SAME.shape) < 0.15
    found = cluster_by_assignments((SAME ^ flipped).astype(float), 6, steps=150)
    assert error_rate(LABELS, found.labels) <= 0.05


def test_the_seed_decides_and_one_cluster_is_all_there_is_of_one():
    few = SAME[:9, :9]
    first, again = (cluster_by_assignments(few, 1, steps=2, seed=3) for _ in range(2))
    np.testing.assert_array_equal(first.probabilities, again.probabilities)
    assert (first.labels == 0).all()
    fit = jax.jit(lambda key: fit_assignments(key, jnp.asarray(few), num_clusters=2, steps=1))
    assert (fit(jax.random.key(0)) != fit(jax.random.key(1))).any()


@pytest.mark.parametrize(
    ("matrix", "options", "message"),
    [
        (SAME, {"num_clusters": 0}, "at least 1, got 0"),
        (SAME, {"steps": 0}, "at least 1"),
        (SAME, {"loss": "hinge"}, "one of"),
        (SAME[:5], {}, r"shape \[5, 5\], got \[5, 45\]"),
        (np.full((2, 2), 1.5), {}, r"in \[0, 1\]"),
        (np.full((2, 2), np.nan), {}, r"in \[0, 1\]"),
        (1.0, {}, "matrix"),
        (np.zeros((0, 0)), {}, "at least one point"),
    ],
)
def test_impossible_arguments_are_refused(matrix, options, message):
    with pytest.raises(ValueError, match=message):
        cluster_by_assignments(matrix, **options)
