"""SimilarityClusterer: scikit-learn's interface, files, any function, errors."""

import subprocess
import sys

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from l2c_jax.estimators.similarity_clusterer import SimilarityClusterer
from l2c_jax.metrics import error_rate
from l2c_jax.pairwise import save_similarity

RNG = np.random.default_rng(0)
LABELS = np.repeat(np.arange(6), 20)
POINTS = 2 * RNG.normal(size=(6, 5))[LABELS] + 0.3 * RNG.normal(size=(120, 5))
OLD, NEW = LABELS < 3, LABELS >= 3


def near(first, second):
    """A similarity by distance."""
    return np.exp(-((first[:, None] - second[None]) ** 2).sum(axis=-1) / 6)


@pytest.fixture(scope="module")
def model():
    quick = SimilarityClusterer(5, epochs=40, iterations=60, batch_size=60)
    return quick.fit_similarity(POINTS[OLD], LABELS[OLD]).fit(POINTS[NEW])


def test_labels_are_consecutive_and_have_the_largest_probability(model):
    assert sorted(set(model.labels_)) == list(range(model.n_clusters_))
    assert model.probabilities_.shape == (60, model.n_clusters_)
    np.testing.assert_allclose(model.probabilities_.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(model.probabilities_.argmax(axis=1), model.labels_)
    assert model.n_features_in_ == 5


def test_a_prediction_depends_on_its_point_only(model):
    np.testing.assert_array_equal(model.predict(POINTS[NEW]), model.labels_)
    np.testing.assert_array_equal(model.predict(POINTS[NEW][7:9]), model.labels_[7:9])


def test_a_file_of_weights_gives_the_same_labels(model, tmp_path):
    save_similarity(tmp_path / "g.safetensors", model.similarity_)
    again = clone(model).set_params(similarity=str(tmp_path / "g.safetensors"))
    np.testing.assert_array_equal(again.fit_predict(POINTS[NEW]), model.labels_)


def test_without_a_number_similar_clusters_are_merged():
    given = SimilarityClusterer(None, similarity=near, epochs=60, batch_size=60)
    labels = given.fit_predict(POINTS[NEW])
    assert given.n_clusters_ == len(set(labels)) == given.probabilities_.shape[1]
    assert given.n_clusters_ <= len(given.merge_path_.clusters) <= 100
    assert given.merge_path_.count(0.5) >= given.n_clusters_
    np.testing.assert_array_equal(given.predict(POINTS[NEW]), labels)
    np.testing.assert_allclose(given.probabilities_.sum(axis=1), 1)
    assert np.bincount(labels).tolist() == sorted(np.bincount(labels), reverse=True)


def test_without_a_number_the_threshold_is_fitted_on_held_out_classes():
    quick = SimilarityClusterer(None, epochs=10, iterations=20, batch_size=40)
    merging = quick.fit_similarity(POINTS, LABELS).similarity_.metadata.merging
    assert merging["classes"] == 2
    assert 0 <= merging["threshold"] <= 1
    assert quick.similarity_.metadata.confusion["classes"] == 2


def test_any_function_of_two_batches_is_a_similarity():
    quick = SimilarityClusterer(3, similarity=near, epochs=60, batch_size=60)
    assert error_rate(LABELS[NEW], quick.fit_predict(POINTS[NEW])) < 0.4


def test_parameters_come_back():
    parameters = SimilarityClusterer(7, loss="kcl", epochs=3).get_params()
    assert parameters["n_clusters"] == 7
    assert clone(SimilarityClusterer(7, loss="kcl")).loss == "kcl"


@pytest.mark.parametrize(
    ("points", "labels", "message"),
    [
        (POINTS, np.zeros(120), "at least 2 classes, got 1"),
        (POINTS, LABELS[:5], "as long as X, 120"),
        (POINTS, np.arange(120), "at least 2 points"),
        (np.zeros((4, 30, 30, 1)), np.arange(4) // 2, "multiple of 16"),
        (np.zeros((4, 3, 3)), np.arange(4) // 2, r"table \[N, D\] or images"),
        (np.where(POINTS > 3, np.nan, POINTS), LABELS, "finite"),
    ],
)
def test_labeled_points_that_do_not_fit_are_refused(points, labels, message):
    with pytest.raises(ValueError, match=message):
        SimilarityClusterer().fit_similarity(points, labels)


def test_points_of_another_shape_are_refused(model):
    with pytest.raises(ValueError, match=r"shape \[N, 5\]"):
        clone(model).set_params(similarity=model.similarity_).fit(POINTS[:, :2])
    with pytest.raises(ValueError, match=r"shape \[N, 5\]"):
        model.predict(POINTS[:, :2])


def test_without_a_similarity_nothing_can_be_clustered():
    with pytest.raises(NotFittedError, match="fit_similarity"):
        SimilarityClusterer().fit(POINTS)
    with pytest.raises(NotFittedError):
        SimilarityClusterer().predict(POINTS)


def test_importing_it_does_not_import_flax():
    code = "import sys, l2c_jax.estimators.similarity_clusterer; print('flax' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.split() == ["False"]
