"""The number of clusters: merges by mean similarity, and the threshold that is fitted."""

import numpy as np
import pytest

from l2c_jax.pairwise.merging import fit_threshold, merge_path, merge_path_of


def noisy(classes: np.ndarray, seed: int, wrong: float = 0.15) -> np.ndarray:
    """G that is wrong for a share of the pairs, which it does not know well."""
    rng = np.random.default_rng(seed)
    same = classes[:, None] == classes[None, :]
    said = same ^ (rng.random(same.shape) < wrong)
    return np.where(said, 1 - 0.4 * rng.random(same.shape), 0.4 * rng.random(same.shape))


def divided(classes: np.ndarray, parts: int, seed: int) -> np.ndarray:
    """Every class in several clusters, and a few points in a wrong one."""
    rng = np.random.default_rng(seed)
    labels = classes * parts + rng.integers(0, parts, len(classes))
    wrong = rng.random(len(classes)) < 0.05
    return np.where(wrong, rng.permutation(labels), labels)


@pytest.mark.parametrize("k", [2, 5, 12])
def test_a_threshold_of_other_classes_finds_the_number(k):
    known = np.repeat(np.arange(6), 30)
    threshold = fit_threshold([merge_path(divided(known, 3, 1), noisy(known, 1))], [6])
    new = np.repeat(np.arange(k), 30)
    path = merge_path(divided(new, 4, 2), noisy(new, 2))
    assert len(path.clusters) == 4 * k
    assert path.count(threshold) == k
    groups = path.groups(threshold)
    assert sorted(set(groups)) == list(range(k))
    for number in range(k):  # every class is one cluster again
        assert len(set(groups[4 * number : 4 * number + 4])) == 1


def test_levels_are_the_mean_similarity_of_what_is_merged():
    labels = np.array([4, 4, 4, 7, 7, 9])
    matrix = np.random.default_rng(0).random((6, 6))
    path = merge_path(labels, matrix)
    assert path.clusters.tolist() == [4, 7, 9]
    first, second = (labels == path.clusters[place] for place in path.merges[0])
    expected = (matrix[first][:, second].mean() + matrix[second][:, first].mean()) / 2
    assert path.levels[0] == pytest.approx(expected)
    rest = labels != path.clusters[min(set(range(3)) - set(path.merges[0].tolist()))]
    joined = (matrix[rest][:, ~rest].mean() + matrix[~rest][:, rest].mean()) / 2
    assert path.levels[1] == pytest.approx(joined)


def test_numbers_of_clusters_grow_with_the_threshold():
    classes = np.repeat(np.arange(5), 8)
    path = merge_path(divided(classes, 3, 0), noisy(classes, 0))
    counts = [path.count(threshold) for threshold in np.linspace(0, 1, 50)]
    assert counts == sorted(counts)
    assert counts[0] == 1
    assert [number for number, _ in path.candidates] == list(range(len(path.clusters), 0, -1))
    for number, end in path.candidates[:-1]:
        assert path.count(end + 1e-9) >= number


def test_names_and_order_of_the_points_do_not_matter():
    classes = np.repeat(np.arange(4), 6)
    labels, matrix = divided(classes, 2, 0), noisy(classes, 0)
    path = merge_path(labels, matrix)
    order = np.random.default_rng(0).permutation(len(labels))
    again = merge_path(100 - labels[order], matrix[order][:, order])
    np.testing.assert_allclose(again.levels, path.levels)


def test_the_threshold_of_several_data_sets_has_the_smallest_error_over_all():
    paths = [merge_path(np.arange(3), np.array(m)) for m in (
        [[1, 0.9, 0.1], [0.9, 1, 0.1], [0.1, 0.1, 1]],
        [[1, 0.6, 0.2], [0.6, 1, 0.2], [0.2, 0.2, 1]],
    )]  # fmt: skip
    assert 0.6 < fit_threshold(paths, [2, 3]) < 0.9
    assert 0.2 < fit_threshold(paths, [2, 2]) < 0.6
    assert fit_threshold(paths, [3, 3]) > 0.9
    assert fit_threshold(paths, [1, 1]) < 0.1
    with pytest.raises(ValueError, match="as many numbers as paths"):
        fit_threshold(paths, [2])


def test_one_cluster_stays_one():
    path = merge_path([3, 3], np.ones((2, 2)))
    assert path.count(0.0) == path.count(1.0) == 1
    assert path.groups(0.5).tolist() == [0]
    assert fit_threshold([path], [1]) == 0.5


def test_shapes_that_do_not_fit_are_refused():
    for labels, matrix in (([], np.zeros((0, 0))), ([0, 1], np.zeros((3, 3)))):
        with pytest.raises(ValueError, match="N at least 1"):
            merge_path(labels, matrix)


def test_a_sample_of_many_points_has_every_cluster():
    points = np.concatenate([np.zeros(400), np.full(2, 5.0), [9.0]])[:, None]
    labels = np.concatenate([np.arange(400) % 2, [2, 2], [3]])

    def near(a, b):
        return np.exp(-((a[:, None] - b[None]) ** 2).sum(axis=-1))

    path = merge_path_of(near, points, labels, most=50)
    assert path.clusters.tolist() == [0, 1, 2, 3]
    assert path.groups(0.5).tolist() == [0, 0, 1, 2]
    matrix = near(points, points)
    assert merge_path_of(matrix, points, labels, most=50).groups(0.5).tolist() == [0, 0, 1, 2]
