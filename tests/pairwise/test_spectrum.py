"""The number of classes by the spectrum of G's answers."""

import numpy as np
import pytest

from l2c_jax.pairwise.merging import fit_threshold
from l2c_jax.pairwise.spectrum import REGULARIZER, spectrum_of, spectrum_of_answers


def noisy(classes: np.ndarray, seed: int) -> np.ndarray:
    """G that is wrong for 20 % of the similar pairs and 1 % of the others."""
    rng = np.random.default_rng(seed)
    same = classes[:, None] == classes[None, :]
    wrong = rng.random(same.shape) < np.where(same, 0.2, 0.01)
    return np.where(same ^ wrong, 0.99, 0.01)


def test_perfect_answers_have_an_eigenvalue_for_each_class():
    classes = np.repeat(np.arange(4), [3, 5, 10, 30])
    found = spectrum_of_answers(classes[:, None] == classes[None, :])
    sizes = np.array([30, 10, 5, 3])
    np.testing.assert_allclose(found.levels[:4], sizes / (sizes + REGULARIZER))
    np.testing.assert_allclose(found.levels[4:], 0, atol=1e-12)


@pytest.mark.parametrize("k", [2, 6, 15])
def test_a_threshold_of_other_classes_finds_the_number(k):
    known = np.repeat(np.arange(8), 20)
    threshold = fit_threshold([spectrum_of_answers(noisy(known, 1))], [8])
    new = np.repeat(np.arange(k), np.random.default_rng(0).integers(14, 27, k))
    assert spectrum_of_answers(noisy(new, 2)).count(threshold) == k


def test_points_are_sampled_and_any_function_is_a_similarity():
    points = np.repeat(np.arange(3.0), 900)[:, None]

    def same(a, b):
        return (a[:, None, 0] == b[None, :, 0]).astype(float)

    found = spectrum_of(same, points)
    assert len(found.levels) == 2000
    assert found.count(0.5) == 3
    assert found.count(2.0) == 1


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match=r"\[N, N\]"):
        spectrum_of_answers(np.zeros((2, 3)))
