"""Outlier scores and medoids, against loops."""

import numpy as np
import pytest

from l2c_jax.tabular.outliers import fit_surroundings, medoids, outlier_scores

RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(300, 3)) + 6 * np.repeat(np.arange(3), 100)[:, None]
LABELS = np.repeat(np.arange(3), 100)


def scores(rows, labels):
    around = fit_surroundings(rows, labels, int(labels.max()) + 1)
    return outlier_scores(around, rows, labels)


@pytest.mark.parametrize("own_cluster", [False, True])
@pytest.mark.parametrize("distance", [1e2, 1e6, 1e12])
def test_a_row_far_away_is_the_most_outlying_and_belongs_nowhere(distance, own_cluster):
    rows = np.concatenate([ROWS, ROWS[:1] + distance])
    found = scores(rows, np.append(LABELS, 3 if own_cluster else 0))
    assert found.argmax() == 300
    assert found[300] > 1
    assert (found[:300] > 1).sum() <= 2


def test_a_row_between_distant_clusters_belongs_nowhere():
    rows = np.concatenate([ROWS * 0.1 + 8 * LABELS[:, None], [[4.0, 4.0, 4.0]]])
    found = scores(rows, np.append(LABELS, 0))
    assert found.argmax() == 300
    assert found[300] > 1


@pytest.mark.parametrize("width", [1, 2, 10, 40])
def test_few_rows_of_a_normal_distribution_belong_nowhere(width):
    rows = np.random.default_rng(width).normal(size=(1000, width))
    assert (scores(rows, np.zeros(1000, int)) > 1).mean() < 0.01


def test_tables_of_repeated_rows_have_no_outliers_but_far_ones():
    rows = RNG.integers(0, 3, size=(500, 2)).astype(float)
    assert not (scores(rows, np.zeros(500, int)) > 1).any()
    rows[0] = 1000
    found = scores(rows, np.zeros(500, int))
    assert (found > 1).tolist() == [True, *[False] * 499]


@pytest.mark.parametrize("count", [1, 2, 3, 9])
def test_small_and_constant_tables_have_finite_scores(count):
    for rows in (RNG.normal(size=(count, 2)), np.ones((count, 2))):
        found = scores(rows, np.arange(count) % 3)
        assert found.shape == (count,)
        assert np.isfinite(found).all()


def test_each_row_is_scored_by_itself():
    around = fit_surroundings(ROWS, LABELS, 3)
    together = outlier_scores(around, ROWS, LABELS)
    alone = [outlier_scores(around, ROWS[i : i + 1], LABELS[i : i + 1])[0] for i in range(20)]
    np.testing.assert_allclose(alone, together[:20], rtol=1e-4)


def test_units_do_not_matter():
    moved = 1e7 + ROWS * np.array([1e-3, 1.0, 1e5])
    np.testing.assert_allclose(scores(moved, LABELS), scores(ROWS, LABELS), rtol=1e-2)


def test_medoids_have_the_smallest_mean_distance():
    around = fit_surroundings(ROWS, LABELS, 4)
    found = medoids(around, ROWS, LABELS, 4)
    scaled = (ROWS - ROWS.mean(axis=0)) / ROWS.std(axis=0)
    for cluster in range(3):
        mine = np.flatnonzero(cluster == LABELS)
        total = [np.linalg.norm(scaled[mine] - scaled[row], axis=1).sum() for row in mine]
        np.testing.assert_array_equal(found[cluster][0], mine[np.argmin(total)])
        assert sorted(found[cluster]) == mine.tolist()
    assert found[3].size == 0


def test_indicators_keep_their_scale_and_far_numbers_beside_them_are_found():
    colors = np.eye(3)[RNG.integers(0, 3, 400)] / np.sqrt(2 / 3)
    rows = np.concatenate([RNG.normal(size=(400, 2)), colors], axis=1)
    rows[7, 0] = 1e6
    rows[:, 0] = (rows[:, 0] - rows[:, 0].mean()) / rows[:, 0].std()  # as an encoder does
    unit = np.array([False, False, True, True, True])
    around = fit_surroundings(rows, np.zeros(400, int), 1, unit=unit)
    found = outlier_scores(around, rows, np.zeros(400, int))
    assert np.flatnonzero(found > 1).tolist() == [7]
    assert found[7] > 1000
