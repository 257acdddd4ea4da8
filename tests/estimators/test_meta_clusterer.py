"""The estimator: what its users rely on."""

import importlib
import warnings
from concurrent.futures import ThreadPoolExecutor

import jax
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.base import clone
from sklearn.datasets import make_blobs
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import l2c_jax
from l2c_jax.estimators.meta_clusterer import MetaClusterer
from l2c_jax.metrics import adjusted_rand_index
from l2c_jax.preprocessing.column_options import ColumnOptions
from l2c_jax.tabular import clusterer, load_tabular_model, save_tabular_model
from l2c_jax.tabular.views import VIEWS

ROWS, TRUTH = make_blobs(200, centers=4, n_features=6, cluster_std=0.7, random_state=1)


def fitted(**settings):
    return MetaClusterer(random_state=0, n_orders=4, **settings).fit(ROWS)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    """Programs are not optimised in tests; the tables here are small."""
    monkeypatch.setattr(clusterer, "CHUNK", 32)
    monkeypatch.setattr(clusterer, "_ROWS_JUDGED", 32)


def test_well_separated_clusters_are_found():
    found = fitted(n_clusters=4)
    assert adjusted_rand_index(TRUTH, found.labels_) > 0.9
    assert found.n_clusters_ == 4
    np.testing.assert_array_equal(found.predict(ROWS), found.labels_)
    np.testing.assert_allclose(found.probabilities_.sum(axis=1), 1)
    assert found.n_clusters_proba_ is None
    without = fitted()
    np.testing.assert_allclose(without.n_clusters_proba_.sum(), 1, atol=1e-6)
    assert without.n_clusters_ == 4
    assert without.view_ in VIEWS
    assert 0 < without.expected_index_ < 1


@pytest.mark.parametrize("k", [1, 2, 5, 10])
def test_a_given_number_is_obeyed_exactly(k):
    assert np.unique(fitted(n_clusters=k).labels_).tolist() == list(range(k))


def test_units_origin_and_order_of_the_columns_do_not_matter():
    moved = (1000 + ROWS * np.array([1e-6, 3, 1e9, 1, 0.1, 12]))[:, [3, 1, 0, 5, 4, 2]]
    here, there = fitted(n_clusters=4), MetaClusterer(4, n_orders=4, random_state=0).fit(moved)
    assert adjusted_rand_index(here.labels_, there.labels_) == 1


def test_the_order_of_the_rows_does_not_matter():
    order = np.random.default_rng(0).permutation(len(ROWS))
    there = MetaClusterer(4, n_orders=4, random_state=0).fit(ROWS[order])
    assert adjusted_rand_index(fitted(n_clusters=4).labels_[order], there.labels_) == 1


def test_new_points_are_labelled_by_themselves():
    found = fitted(n_clusters=4)
    together = found.predict_proba(ROWS[:9] + 0.01)
    alone = np.concatenate([found.predict_proba(row[None] + 0.01) for row in ROWS[:9]])
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_it_lives_in_pipelines_and_can_be_cloned():
    pipeline = make_pipeline(StandardScaler(), MetaClusterer(4, n_orders=4, random_state=0))
    labels = pipeline.fit_predict(ROWS)
    np.testing.assert_array_equal(clone(pipeline).fit_predict(ROWS), labels)
    pipeline.set_output(transform="default")
    names = pipeline.fit(ROWS).get_feature_names_out()
    assert list(names) == [f"metaclusterer{i}" for i in range(4)]
    assert pipeline.transform(ROWS).shape == (200, 4)


def test_threads_do_not_disturb_each_other():
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: fitted(n_clusters=3).labels_, range(4)))
    for answer in answers[1:]:
        np.testing.assert_array_equal(answer, answers[0])


def test_a_read_only_memmap_and_float32(tmp_path):
    path = tmp_path / "rows.npy"
    np.save(path, ROWS.astype(np.float32))
    rows = np.load(path, mmap_mode="r")
    assert MetaClusterer(4, n_orders=4, random_state=0).fit(rows).labels_.shape == (200,)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([[np.nan], [np.nan]], "every value of the table is missing"),
        ([[np.inf, 1.0], [0.0, 1.0]], "infinity"),
        ([1.0, 2.0], "2D array"),
        ([["a"], ["b"], ["c"]], "no usable column"),
        ([["1", "2"], ["3", "4x"], ["5", "6"]], "row 1: '4x' is not a finite number"),
        ([[1.0, 2.0]], "n_samples=1 should be >= n_clusters=2"),
    ],
)
def test_bad_tables_are_refused_as_scikit_learn_does(rows, message):
    with pytest.raises(ValueError, match=message):
        MetaClusterer(n_clusters=2).fit(rows)


def test_more_clusters_than_the_weights_know_are_refused():
    with pytest.raises(ValueError, match="at most 10"):
        MetaClusterer(n_clusters=11).fit(ROWS)


def test_predicting_needs_fitting():
    with pytest.raises(NotFittedError):
        MetaClusterer().predict(ROWS)


def test_equal_rows_give_one_cluster_and_a_warning():
    rows = np.ones((20, 3))
    assert MetaClusterer(n_orders=4).fit(rows).labels_.tolist() == [0] * 20
    with pytest.warns(ConvergenceWarning, match="fewer than n_clusters=3"):
        assert MetaClusterer(3, n_orders=4).fit(rows).n_clusters_ == 1


numbers = st.one_of(
    st.floats(-1e300, 1e300, allow_nan=False),
    st.floats(-1, 1, allow_nan=False),
    st.integers(-2, 2).map(float),
    st.sampled_from([0.0, 1e-300, -1e300, 1e300, 5e-324]),
)
tables = st.tuples(st.integers(1, 12), st.integers(1, 5)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=numbers)
)


def any_table_is_clustered(rows, k):
    clusterer = MetaClusterer(k, n_orders=2, random_state=0)
    if k is not None and k > len(rows):
        with pytest.raises(ValueError, match="should be >= n_clusters"):
            clusterer.fit(rows)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        labels = clusterer.fit_predict(rows)
    assert labels.shape == (len(rows),)
    assert np.unique(labels).tolist() == list(range(clusterer.n_clusters_))
    assert clusterer.n_clusters_ <= (k or 10)
    assert np.isfinite(clusterer.probabilities_).all()
    np.testing.assert_allclose(clusterer.probabilities_.sum(axis=1), 1)
    if k is None:
        assert np.isfinite(clusterer.n_clusters_proba_).all()


counts = st.one_of(st.integers(1, 10), st.none(), st.integers(1, 4))  # without k it takes longer
quietly = [
    HealthCheck.too_slow,
    HealthCheck.data_too_large,
    HealthCheck.function_scoped_fixture,  # the same for every table
]


@settings(max_examples=40, deadline=None, suppress_health_check=quietly, derandomize=True)
@given(tables, counts)
def test_any_table_is_clustered(rows, k):
    any_table_is_clustered(rows, k)


@pytest.mark.slow
@settings(max_examples=2000, deadline=None, suppress_health_check=quietly)
@given(tables, counts)
def test_two_thousand_tables_are_clustered(rows, k):
    any_table_is_clustered(rows, k)


def test_a_changed_weight_file_is_read_again(tmp_path):
    path = tmp_path / "weights.safetensors"
    answers = []
    for name in ("demo", "universal"):
        save_tabular_model(path, load_tabular_model(name))
        answers.append(MetaClusterer(2, weights=path, n_orders=2).fit(ROWS)._model)
    assert [model.learner.config.architecture for model in answers] == ["stacked", "slots"]


def test_old_module_names_work_and_say_what_they_are_now():
    for module, name in (
        ("estimator", "MetaClusterer"),
        ("similarity_clusterer", "SimilarityClusterer"),
    ):
        old = importlib.import_module(f"l2c_jax.{module}")
        with pytest.warns(DeprecationWarning, match=r"l2c_jax\.estimators"):
            found = getattr(old, name)
        assert found is getattr(l2c_jax, name)


def test_weights_load_where_double_precision_is_the_default():
    with jax.enable_x64(True):
        labels = MetaClusterer(2, random_state=0, n_orders=2).fit_predict(ROWS)
    assert len(np.unique(labels)) == 2


GROUP = np.arange(60) % 3
MIXED = pd.DataFrame(
    {
        "id": np.random.default_rng(3).permutation(60) + 500,
        "x": GROUP * 5 + np.random.default_rng(0).normal(size=60),
        "y": (GROUP == 1) * 6 + np.random.default_rng(1).normal(size=60),
        "color": np.array(["red", "green", "blue"], object)[GROUP],
        "member": GROUP == 2,
    }
)
MIXED.loc[::20, "x"] = np.nan
MIXED.loc[5, "color"] = None


def mixed_labels(table):
    return MetaClusterer(3, random_state=0, n_orders=2).fit(table).labels_


def test_a_mixed_table_gives_one_partition_from_every_kind_of_frame():
    expected = mixed_labels(MIXED)
    assert adjusted_rand_index(GROUP, expected) > 0.8
    typed = MIXED.convert_dtypes().astype({"color": "category"})
    objects = MIXED.drop(columns="id").to_numpy(object)  # an array has no names that tell
    for table in (typed, pl.from_pandas(MIXED), objects):
        np.testing.assert_array_equal(mixed_labels(table), expected)


def test_missing_values_of_every_kind_are_one():
    numbers = MIXED[["x", "y"]].to_numpy()
    expected = mixed_labels(numbers)
    with_na = numbers.astype(object)
    with_na[np.isnan(numbers)] = pd.NA
    for table in (np.ma.masked_invalid(numbers), with_na, MIXED[["x", "y"]].astype("Float64")):
        np.testing.assert_array_equal(mixed_labels(table), expected)


def test_the_roles_of_the_columns_are_told_and_can_be_said():
    clusterer = MetaClusterer(3, random_state=0, n_orders=2).fit(MIXED)
    kinds = ["identifier", "number", "number", "categorical", "yes/no"]
    assert [role.kind for role in clusterer.column_roles_] == kinds
    chosen = MetaClusterer(3, random_state=0, n_orders=2, columns=ColumnOptions(drop=("color",)))
    assert not clone(chosen).fit(MIXED).column_roles_[3].used


def test_new_rows_of_a_frame_may_miss_values_and_have_new_levels():
    clusterer = MetaClusterer(3, random_state=0, n_orders=2).fit(MIXED)
    new = MIXED.iloc[:4].copy()
    new["color"] = ["red", "violet", None, "blue"]
    probabilities = clusterer.predict_proba(new)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    np.testing.assert_array_equal(clusterer.predict(MIXED), clusterer.labels_)
    with pytest.raises(ValueError, match="feature names"):
        clusterer.predict(MIXED[["x"]])


@pytest.mark.parametrize("value", [2.5, "3", "auto", [3], float("nan"), True, 0, -1])
@pytest.mark.parametrize("name", ["n_clusters", "n_orders", "n_epochs"])
def test_wrong_numbers_are_refused_by_name(name, value):
    with pytest.raises((TypeError, ValueError), match=name):
        MetaClusterer(**{name: value}).fit(ROWS)


@pytest.mark.parametrize("settings", [{"weights": 3}, {"columns": ["x"]}])
def test_other_wrong_parameters_are_refused_by_name(settings):
    with pytest.raises(TypeError, match=next(iter(settings))):
        MetaClusterer(2, **settings).fit(ROWS)


def test_a_cell_that_is_no_number_is_named():
    frame = MIXED[["x", "y"]].astype(object)
    frame.loc[4, "y"] = "many"
    with pytest.raises(ValueError, match="column 'y' holds numbers, but row 4: 'many'"):
        MetaClusterer(2).fit(frame)


def test_a_table_without_any_value_is_refused():
    with pytest.raises(ValueError, match="every value of the table is missing"):
        MetaClusterer(2).fit(np.full((5, 2), np.nan))
