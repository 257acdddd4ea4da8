"""What goes away still works, and says what replaces it."""

import importlib

import numpy as np
import pytest

import l2c_jax


def test_cluster_answers_as_adapt_and_predict_do():
    points = np.random.default_rng(0).normal(size=(30, 3))
    learner = l2c_jax.load_learner("demo")
    with pytest.warns(DeprecationWarning, match=r"config"):
        config = learner.model
    with pytest.warns(DeprecationWarning, match="adapt_table"):
        found = l2c_jax.cluster(learner.params, config, points, num_clusters=2)
    model = l2c_jax.TabularModel(learner)
    settings = l2c_jax.TabularConfig(l2c_jax.InferenceConfig(), standardize=False)
    fitted = l2c_jax.adapt_table(model, points, 2, config=settings)
    expected = l2c_jax.predict_table(model, fitted, points)
    np.testing.assert_array_equal(found.probabilities, expected)
    assert found.num_clusters == 2


@pytest.mark.parametrize(
    ("module", "name"),
    [("estimator", "MetaClusterer"), ("similarity_clusterer", "SimilarityClusterer")],
)
def test_the_estimators_are_found_under_their_old_modules(module, name):
    old = importlib.import_module(f"l2c_jax.{module}")
    with pytest.warns(DeprecationWarning, match=r"l2c_jax\.estimators"):
        assert getattr(old, name) is getattr(l2c_jax, name)
    with pytest.raises(AttributeError, match="has no attribute"):
        old.nothing  # noqa: B018


@pytest.mark.parametrize("name", ["as_float", "checked_points", "default_trunk", "MLP", "VGGS"])
def test_trunks_are_backbones_now(name):
    old = importlib.import_module("l2c_jax.pairwise.trunks")
    with pytest.warns(DeprecationWarning, match=r"l2c_jax\.pairwise\.(backbones|points)\."):
        assert callable(getattr(old, name))
    with pytest.raises(AttributeError, match="has no attribute"):
        old.nothing  # noqa: B018


def test_metadata_of_a_learner_may_be_a_mapping():
    learner = l2c_jax.load_learner("demo")
    again = l2c_jax.Learner(learner.params, learner.config, {"minutes": 2.0, "own": 1})
    assert again.metadata.minutes == 2.0
    assert again.metadata.extra == {"own": 1}
