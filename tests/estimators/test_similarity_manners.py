"""SimilarityClusterer as a person with scikit-learn's habits uses it: seeds, types, searches."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from l2c_jax.estimators.similarity_clusterer import SimilarityClusterer
from l2c_jax.pairwise import constrained
from l2c_jax.pairwise.predict import evaluate

RNG = np.random.default_rng(0)
LABELS = np.repeat(np.arange(6), 12)
CENTERS = 4 * np.eye(6)[:, :5]
POINTS = CENTERS[LABELS] + 0.3 * RNG.normal(size=(72, 5))
OLD, NEW = LABELS < 3, LABELS >= 3
PIXELS = RNG.integers(0, 256, (12, 16, 16, 1))
KINDS = np.arange(12) % 3

EVERY_RULE = """
import warnings
warnings.simplefilter("ignore")
import numpy as np
from sklearn.utils.estimator_checks import check_estimator
from l2c_jax.estimators.similarity_clusterer import SimilarityClusterer
def near(a, b):
    return np.exp(-((np.asarray(a)[:, None] - np.asarray(b)[None]) ** 2).sum(axis=-1) / 6)
model = SimilarityClusterer(3, similarity=near, epochs=2, batch_size=30)
results = check_estimator(model, on_skip=None, on_fail=None)
print(len(results), *(r["check_name"] for r in results if r["status"] != "passed"))
"""


@pytest.mark.slow
def test_it_keeps_every_rule_of_scikit_learn():
    # in a process of its own: one of the checks wants this setting before anything is imported
    done = subprocess.run(
        [sys.executable, "-c", EVERY_RULE],
        env={**os.environ, "SCIPY_ARRAY_API": "1", "JAX_DISABLE_MOST_OPTIMIZATIONS": "1"},
        capture_output=True,
        text=True,
        check=True,
        timeout=600,
    )
    count, *failed = done.stdout.split()
    assert int(count) > 40
    assert failed == []


def near(first, second):
    """A similarity by distance, in NumPy."""
    return np.exp(-((first[:, None] - second[None]) ** 2).sum(axis=-1) / 6)


def quick(**settings) -> SimilarityClusterer:
    given = {"n_clusters": 3, "iterations": 3, "epochs": 2, "width": 1 / 32} | settings
    return SimilarityClusterer(**given)


def answer(points=POINTS, labels=LABELS, **settings) -> np.ndarray:
    return quick(**settings).fit_similarity(points, labels).fit(points).probabilities_


def test_an_integer_seed_of_any_type_decides_everything():
    found = answer(random_state=2**32 - 1)
    np.testing.assert_array_equal(found, answer(random_state=np.uint64(2**32 - 1)))
    assert not np.array_equal(found, answer(random_state=4))


def test_no_seed_compiles_anew():
    answer(random_state=0)
    compiled = []

    def count(event: str, *_: float, **__: str) -> None:
        if event == "/jax/core/compile/backend_compile_duration":
            compiled.append(event)

    jax.monitoring.register_event_duration_secs_listener(count)
    try:
        answer(random_state=1)
    finally:
        jax.monitoring.unregister_event_duration_listener(count)
    assert compiled == []


def test_a_generator_is_asked_for_a_seed_by_every_fit():
    found = []
    for _ in range(2):
        model = quick(random_state=np.random.RandomState(5), similarity=near)
        found += [model.fit(POINTS).probabilities_, model.fit(POINTS).probabilities_]
    np.testing.assert_array_equal(found[0], found[2])
    np.testing.assert_array_equal(found[1], found[3])
    assert not np.array_equal(found[0], found[1])


def test_without_a_seed_fits_differ():
    found = [quick(random_state=None, similarity=near).fit(POINTS) for _ in range(2)]
    assert not np.array_equal(found[0].probabilities_, found[1].probabilities_)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"n_clusters": 2.5}, TypeError, "n_clusters must be an integer, got 2.5"),
        ({"n_clusters": "auto"}, TypeError, "n_clusters must be an integer, got 'auto'"),
        ({"n_clusters": 0}, ValueError, "n_clusters must be at least 1, got 0"),
        ({"n_clusters": True}, TypeError, "n_clusters must be an integer"),
        ({"epochs": 0}, ValueError, "epochs must be at least 1"),
        ({"iterations": None}, TypeError, "iterations must be an integer"),
        ({"batch_size": 1}, ValueError, "batch_size must be at least 4"),
        ({"width": -1.0}, ValueError, "width must be positive"),
        ({"width": "wide"}, TypeError, "width must be a number"),
        ({"loss": "mse"}, ValueError, "loss must be one of"),
        ({"random_state": "seed"}, ValueError, "random_state: "),
        ({"random_state": -1}, ValueError, "random_state: |Seed must be between"),
    ],
)
def test_impossible_parameters_are_refused_by_name(settings, error, message):
    with pytest.raises(error, match=message):
        quick(similarity=near, **settings).fit(POINTS)


@pytest.mark.parametrize(
    "labels",
    [
        np.where(LABELS == 2, np.nan, LABELS),
        np.array([None if v == 2 else str(v) for v in LABELS], object),
        pd.array([None if v == 2 else v for v in LABELS], dtype="Int64"),
        np.ma.masked_equal(LABELS, 2),
    ],
    ids=["NaN", "None", "NA", "masked"],
)
def test_missing_labels_are_refused_by_the_name_of_the_argument(labels):
    with pytest.raises(ValueError, match="y must not be missing; 12 of 72 are"):
        quick().fit_similarity(POINTS, labels)


def test_labels_may_be_words_booleans_or_a_column():
    for labels in (
        np.array(list("abcdef"))[LABELS],
        LABELS > 2,
        pd.Series(LABELS).astype("category"),
    ):
        assert answer(labels=labels).shape[0] == 72


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (np.where(POINTS > 3, np.nan, POINTS), "X must be finite"),
        (np.where(POINTS > 3, np.inf, POINTS), "X must be finite"),
        (POINTS[0], r"X must be a table \[N, D\] or images \[N, H, W, C\], got .* \(5,\)"),
        (np.zeros((4, 16, 16)), r"got an array of shape \(4, 16, 16\)"),
        (np.zeros((4, 16, 32, 1)), r"square, .* multiple of 16; got .* \(4, 16, 32, 1\)"),
        (np.zeros((4, 28, 28, 1)), r"multiple of 16; got an array of shape \(4, 28, 28, 1\)"),
        (PIXELS + 1000, "integer images must lie in 0 to 255, got 10"),
        (POINTS[:1], "n_samples=1"),
    ],
)
def test_points_that_do_not_fit_are_refused_with_their_shape(points, message):
    with pytest.raises(ValueError, match=message):
        quick(similarity=near).fit(points)


def test_integer_images_of_any_type_mean_the_same():
    black_and_white = np.where(PIXELS > 100, 255, 0)
    expected = answer(black_and_white.astype(np.uint8), KINDS)
    for images in (black_and_white.astype(np.int64), PIXELS > 100):
        np.testing.assert_array_equal(answer(images, KINDS), expected)


@pytest.mark.parametrize("images", [True, False])
def test_an_offset_of_1e8_changes_nothing(images):
    half = RNG.integers(-50, 50, (24, 16, 16, 1) if images else (24, 5)) / 64
    points = np.concatenate([half, -half])  # exact in double precision, with a mean of 0
    labels = np.arange(48) % 3
    model, moved = (quick().fit_similarity(p, labels).fit(p) for p in (points, points + 1e8))
    np.testing.assert_allclose(moved.probabilities_, model.probabilities_, atol=1e-5)
    np.testing.assert_allclose(
        moved.predict_proba(points[:5] + 1e8), model.predict_proba(points[:5]), atol=1e-5
    )


def test_a_function_sees_the_whole_difference_in_spite_of_an_offset():
    seen = []

    def watching(first, second):
        seen.append(near(np.asarray(first), np.asarray(second)))
        return seen[-1]

    quick(similarity=watching).fit(POINTS + 1e8)
    np.testing.assert_allclose(np.concatenate(seen), near(POINTS, POINTS), atol=1e-6)


def test_a_clone_has_the_parameters_and_gives_the_same_answer():
    learned = quick().fit_similarity(POINTS[OLD], LABELS[OLD])
    for similarity in (near, learned.similarity_):
        model = quick(similarity=similarity).fit(POINTS)
        again = clone(model)
        assert not hasattr(again, "labels_")
        np.testing.assert_array_equal(again.fit(POINTS).labels_, model.labels_)


def test_the_number_of_clusters_can_be_searched():
    search = GridSearchCV(
        quick(similarity=near, epochs=40, batch_size=24),
        {"n_clusters": [2, 6]},
        scoring="adjusted_rand_score",
        cv=2,
        error_score="raise",
    )
    order = np.random.default_rng(1).permutation(72)
    search.fit(POINTS[order], LABELS[order])
    assert search.best_params_ == {"n_clusters": 6}


def test_fits_in_threads_give_the_answers_of_fits_in_turn():
    def fitted(seed: int) -> np.ndarray:
        return quick(similarity=near, random_state=seed).fit(POINTS).probabilities_

    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(fitted, range(3)))
    for seed, one in enumerate(found):
        np.testing.assert_array_equal(one, fitted(seed))


def test_columns_of_a_data_frame_are_checked():
    table = pd.DataFrame(POINTS, columns=list("abcde"))
    model = quick(similarity=near).fit(table)
    assert model.feature_names_in_.tolist() == list("abcde")
    with pytest.raises(ValueError, match="feature names"):
        model.predict(table[list("edcba")])
    with pytest.raises(ValueError, match=r"X has 2 features, .* shape \[N, 5\]"):
        model.predict(table[["a", "b"]])


def test_what_a_function_in_jax_returns_stays_on_the_device(monkeypatch):
    def on_device(first, second):
        apart = jnp.asarray(first)[:, None] - jnp.asarray(second)[None]
        return jnp.exp(-(apart**2).sum(axis=-1) / 6)

    found = evaluate(on_device, POINTS)
    assert isinstance(found, jax.Array)
    np.testing.assert_allclose(found, near(POINTS, POINTS), atol=1e-6)
    given = []
    monkeypatch.setattr(
        constrained, "evaluate", lambda *a: given.append(evaluate(*a)) or given[-1]
    )
    model = quick(similarity=on_device).fit(POINTS)
    assert isinstance(given[0], jax.Array)
    np.testing.assert_allclose(
        model.probabilities_, quick(similarity=near).fit(POINTS).probabilities_, atol=1e-5
    )
    with pytest.raises(ValueError, match=r"in \[0, 1\]"):
        quick(similarity=lambda a, b: 2 + on_device(a, b)).fit(POINTS)
