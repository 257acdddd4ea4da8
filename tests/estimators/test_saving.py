"""The estimator in a file, and what it says about clusters and rows."""

import copy

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from l2c_jax.estimators import MetaClusterer
from l2c_jax.preprocessing.column_options import ColumnOptions
from l2c_jax.tabular import clusterer
from l2c_jax.training.weights import WeightsError

RNG = np.random.default_rng(0)
GROUP = np.arange(90) % 3
FRAME = pd.DataFrame(
    {
        "x": GROUP * 5 + RNG.normal(size=90),
        "color": np.array(["red", "green", "blue"], object)[GROUP],
        "y": np.where(np.arange(90) % 9, RNG.normal(size=90), np.nan),
        "batch": RNG.normal(size=90),
    }
)
ROWS = FRAME[["x", "batch"]].to_numpy()


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(clusterer, "CHUNK", 64)
    monkeypatch.setattr(clusterer, "_ROWS_JUDGED", 64)


def fitted(table, **settings):
    return MetaClusterer(**{"n_clusters": 3, "n_orders": 2, "random_state": 0} | settings).fit(
        table
    )


@pytest.mark.parametrize(
    "settings",
    [{}, {"n_clusters": None}, {"weights": "demo"}, {"columns": ColumnOptions(drop=("batch",))}],
)
def test_an_estimator_in_a_file_answers_row_for_row(settings, tmp_path):
    before = fitted(FRAME, **settings)
    before.save(tmp_path / "model.safetensors")
    after = MetaClusterer.load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(after.predict_proba(FRAME), before.probabilities_)
    np.testing.assert_array_equal(after.predict(FRAME.iloc[5:9]), before.labels_[5:9])
    assert after.get_params() == before.get_params()
    assert after.column_roles_ == before.column_roles_
    assert after.n_clusters_ == before.n_clusters_
    assert after.view_ == before.view_
    assert after.expected_index_ == before.expected_index_
    assert list(after.get_feature_names_out()) == list(before.get_feature_names_out())
    np.testing.assert_array_equal(after.n_clusters_proba_, before.n_clusters_proba_)
    with pytest.raises(ValueError, match="feature names"):
        after.predict(FRAME[["x", "y"]])
    np.testing.assert_array_equal(clone(after).fit(FRAME).labels_, before.labels_)


def test_frames_of_other_libraries_and_arrays_are_predicted(tmp_path):
    before = fitted(FRAME)
    before.save(tmp_path / "model.safetensors")
    after = MetaClusterer.load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(after.predict(pl.from_pandas(FRAME)), before.labels_)
    array = fitted(ROWS)
    array.save(tmp_path / "model.safetensors")
    again = MetaClusterer.load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(again.predict(ROWS), array.labels_)
    with pytest.raises(ValueError, match="3 features"):
        again.predict(np.zeros((2, 3)))


def test_fewer_clusters_than_asked_for_come_back(tmp_path):
    rows = np.ones((20, 2))
    with pytest.warns(Warning, match="fewer than n_clusters"):
        before = fitted(rows)
    before.save(tmp_path / "model.safetensors")
    after = MetaClusterer.load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(after.predict_proba(rows), before.probabilities_)


def test_a_random_state_that_is_no_number_is_not_kept_but_its_seed_is(tmp_path):
    before = fitted(ROWS, random_state=np.random.RandomState(3))
    before.save(tmp_path / "model.safetensors")
    after = MetaClusterer.load(tmp_path / "model.safetensors")
    assert after.random_state is None
    np.testing.assert_array_equal(after.predict(ROWS), before.labels_)


def test_what_cannot_be_saved_or_read_is_said(tmp_path):
    with pytest.raises(NotFittedError):
        MetaClusterer().save(tmp_path / "model.safetensors")
    with pytest.raises(WeightsError, match="no such"):
        MetaClusterer.load(tmp_path / "model.safetensors")


def test_a_far_row_is_the_most_outlying_whatever_its_probability():
    rows = np.concatenate([ROWS, [[1e6, 0.0]]])
    found = fitted(rows)
    assert found.outlier_scores_.shape == (91,)
    assert found.outlier_scores_.argmax() == 90
    assert found.outlier_scores_[90] > 1
    assert (found.outlier_scores_ > 1).sum() <= 2
    assert sum(profile.outliers for profile in found.cluster_profile_) >= 1


def test_clusters_are_described():
    found = fitted(FRAME)
    assert [profile.cluster for profile in found.cluster_profile_] == [0, 1, 2]
    for profile, medoid in zip(found.cluster_profile_, found.medoid_indices_, strict=True):
        mine = found.labels_ == profile.cluster
        assert found.labels_[medoid] == profile.cluster
        assert profile.size == mine.sum()
        assert profile.confidence == pytest.approx(
            found.probabilities_[mine, profile.cluster].mean()
        )
    again = copy.deepcopy(found)
    assert again.cluster_profile_ == found.cluster_profile_
    np.testing.assert_array_equal(again.predict(FRAME), found.labels_)


def test_more_rows_than_are_described_at_once():
    rows = np.tile(ROWS, (20, 1)) + RNG.normal(scale=0.01, size=(1800, 2))
    found = fitted(rows)
    assert found.outlier_scores_.shape == (1800,)
    np.testing.assert_array_equal(found.labels_[found.medoid_indices_], [0, 1, 2])
    np.testing.assert_allclose(found.predict_proba(rows), found.probabilities_, atol=1e-12)
