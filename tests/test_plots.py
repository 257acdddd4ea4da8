"""Pictures are drawn, and colors follow the truth."""

import numpy as np
import pytest

from l2c_jax import plots

RNG = np.random.default_rng(0)
POINTS, LABELS = RNG.normal(size=(30, 2)), np.arange(30) % 3


def test_predicted_clusters_get_the_numbers_of_the_classes_they_match():
    predicted = np.array([7, 5, 9])[LABELS]
    np.testing.assert_array_equal(plots.renamed_like(LABELS, predicted), LABELS)
    more = np.where(np.arange(30) == 0, 1, predicted)  # a cluster that matches no class
    assert plots.renamed_like(LABELS, more)[0] == 3


def test_partitions_are_drawn(tmp_path):
    answers = {"truth": LABELS, "learned": np.roll(LABELS, 1)}
    plots.partitions(tmp_path / "picture.png", [("data", POINTS, answers)])
    assert (tmp_path / "picture.png").stat().st_size > 5_000


@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("title", ["table.csv", "50 % of $ {money}_x.csv"])
def test_memberships_are_drawn_whatever_the_title(k, title, tmp_path):
    probabilities = RNG.dirichlet(np.ones(k), size=30)
    plots.memberships(tmp_path / "picture.png", POINTS, probabilities, title=title)
    assert (tmp_path / "picture.png").stat().st_size > 5_000
