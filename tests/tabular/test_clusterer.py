"""Any table: sampling, labelling row by row, the number of clusters given, found or left open."""

from dataclasses import replace

import jax
import numpy as np
import pytest

from l2c_jax.preprocessing.principal import apply_preprocessing
from l2c_jax.recurrent.config import InferenceConfig, ModelConfig
from l2c_jax.recurrent.learner import Learner
from l2c_jax.recurrent.model import init
from l2c_jax.tabular import clusterer
from l2c_jax.tabular.clusterer import (
    TabularConfig,
    adapt_table,
    predict_chunks,
    predict_table,
)
from l2c_jax.tabular.ensemble import offsets_to_use_all
from l2c_jax.tabular.judge import init_judge
from l2c_jax.tabular.model import TabularModel
from l2c_jax.tabular.reading import different_places, make_cloud
from l2c_jax.tabular.table import pad_points, sample_rows
from l2c_jax.tabular.views import VIEWS, fit_views

FREE = ModelConfig(dimensions=3, num_clusters=4, hidden=(6,))
GIVEN = replace(FREE, condition_on_num_clusters=True)
ROWS = np.random.default_rng(0).normal(size=(40, 5)) * [1, 2, 3, 4, 5]


SMALL = TabularConfig(InferenceConfig(orders=4, points_per_epoch=32), count_orders=2, max_rows=64)


def model(config: ModelConfig = GIVEN, *, judge: bool = True) -> TabularModel:
    learner = Learner(init(jax.random.key(3), config), config)
    return TabularModel(learner, init_judge(jax.random.key(4), 3, 4, 5) if judge else None)


def labels(owner: TabularModel, rows: np.ndarray, k: int | None = None) -> np.ndarray:
    return predict_table(owner, adapt_table(owner, rows, k, config=SMALL), rows).argmax(axis=1)


def test_a_given_number_of_clusters_is_used_exactly():
    found = labels(model(), ROWS, 3)
    assert np.unique(found).tolist() == [0, 1, 2]


def test_the_number_is_found_by_the_judge_and_never_beyond_the_different_rows():
    rows = np.repeat(ROWS[:2], 5, axis=0)
    fitted = adapt_table(model(), rows, config=SMALL)
    assert fitted.count_probabilities.shape == (4,)
    assert fitted.count_probabilities[2:].tolist() == [0, 0]
    np.testing.assert_allclose(fitted.count_probabilities.sum(), 1)
    assert len(fitted.clusters) == 1 + fitted.count_probabilities.argmax()


@pytest.mark.parametrize("view", VIEWS)
def test_rows_that_were_read_are_labelled_like_new_ones(view):
    owner, config = model(), replace(SMALL, views=(view,))
    fitted = adapt_table(owner, ROWS, 3, config=config)
    assert fitted.view == view
    assert 0 < fitted.expected_index < 1
    whole = predict_table(owner, fitted, ROWS)
    alone = np.concatenate([predict_table(owner, fitted, ROWS[i : i + 1]) for i in range(40)])
    np.testing.assert_allclose(whole, alone, atol=1e-5)


def test_no_table_compiles_anew(monkeypatch):
    monkeypatch.setattr(clusterer, "CHUNK", 64)
    owner, rng, compiled = model(), np.random.default_rng(5), []
    sizes = np.geomspace(20, 5000, 20).astype(int)
    widths = np.geomspace(40, 1, 20).astype(int)

    def count(event: str, *_: float, **__: str) -> None:
        if event == "/jax/core/compile/backend_compile_duration":
            compiled.append(event)

    for k in (None, 2):
        predict_table(owner, adapt_table(owner, ROWS, k, config=SMALL), ROWS)
    jax.monitoring.register_event_duration_secs_listener(count)
    try:
        for index, shape in enumerate(zip(sizes, widths, strict=True)):
            rows = rng.normal(size=shape)
            for k in (None, 1 + index % 4):
                predict_table(owner, adapt_table(owner, rows, k, config=SMALL), rows)
        assert compiled == []
        jax.jit(lambda: 0)()
        assert len(compiled) == 1  # the count counts
    finally:
        jax.monitoring.unregister_event_duration_listener(count)


def test_a_sample_depends_neither_on_units_nor_on_the_order_of_rows():
    order = np.random.default_rng(2).permutation(40)
    one = ROWS[sample_rows(ROWS, 16, np.random.default_rng(0))]
    moved = ROWS[order] * [1e3, 1, 1e-3, 1, 1] + 5
    other = moved[sample_rows(moved, 16, np.random.default_rng(0))]
    np.testing.assert_allclose(other, one * [1e3, 1, 1e-3, 1, 1] + 5, rtol=1e-9)


@pytest.mark.parametrize("columns", [1, 2, 10])
def test_a_sample_has_four_rows_of_a_rare_region(columns):
    for seed in range(5):
        rows = np.random.default_rng(seed).normal(size=(1000, columns))
        rows[:10] += 20 / np.sqrt(columns)
        chosen = sample_rows(rows, 512, np.random.default_rng(seed))
        assert len(set(chosen.tolist())) == 512
        assert (chosen < 10).sum() >= 4


def test_a_learner_without_an_input_for_k_keeps_its_largest_clusters():
    free = model(FREE, judge=False)
    fitted = adapt_table(free, ROWS, 2)
    assert len(fitted.clusters) == 2
    assert predict_table(free, fitted, ROWS).shape == (40, 2)
    assert len(adapt_table(free, ROWS).clusters) == 4


def test_a_large_table_is_sampled_and_every_row_labelled(monkeypatch):
    monkeypatch.setattr(clusterer, "CHUNK", 16)
    owner = model(judge=False)
    fitted = adapt_table(owner, ROWS, 2, config=TabularConfig(max_rows=32))
    whole = predict_table(owner, fitted, ROWS)
    pieces = list(predict_chunks(owner, fitted, [ROWS[:7], ROWS[7:33], ROWS[33:]]))
    np.testing.assert_allclose(whole, np.concatenate(pieces), atol=1e-6)
    np.testing.assert_allclose(whole.sum(axis=1), 1)


def test_raw_learners_read_the_columns_as_they_are():
    raw = ModelConfig(dimensions=5, num_clusters=2, hidden=(6,), preprocessing="raw")
    config = TabularConfig(standardize=False)
    fitted = adapt_table(model(raw, judge=False), ROWS, config=config)
    np.testing.assert_allclose(apply_preprocessing(fitted.preprocessing, ROWS), ROWS, atol=1e-4)


@pytest.mark.optimized
@pytest.mark.parametrize(
    "moved",
    [ROWS * 1e-7, ROWS + 1e7, ROWS * 1e150, ROWS * 10.0 ** np.arange(-6, 4, 2), ROWS[:, ::-1]],
    ids=["small", "far", "huge", "units", "order of columns"],
)
@pytest.mark.parametrize(
    ("kind", "judge"), [("principal", False), ("clipped", False), ("robust", True)]
)
def test_units_offsets_and_order_of_columns_do_not_matter(kind, judge, moved):
    owner = model(replace(GIVEN, preprocessing=kind), judge=judge)
    expected = predict_table(owner, adapt_table(owner, ROWS, 3, config=SMALL), ROWS)
    found = predict_table(owner, adapt_table(owner, moved, 3, config=SMALL), moved)
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("judge", [False, True])
def test_the_order_of_the_rows_does_not_matter(judge):
    owner, order = model(judge=judge), np.random.default_rng(1).permutation(40)
    expected = predict_table(owner, adapt_table(owner, ROWS, 3, config=SMALL), ROWS)
    found = predict_table(owner, adapt_table(owner, ROWS[order], 3, config=SMALL), ROWS[order])
    np.testing.assert_allclose(found, expected[order], atol=1e-5)


@pytest.mark.parametrize(
    "rows",
    [np.zeros((20, 3)), np.full((20, 3), 0.1), np.resize([1e308, -1e308], (20, 3)), ROWS[:1]],
    ids=["zeros", "equal", "huge", "one row"],
)
def test_degenerate_tables_get_an_answer(rows):
    owner = model(FREE, judge=False)
    assert np.isfinite(predict_table(owner, adapt_table(owner, rows), rows)).all()


def test_padded_sizes_are_the_least_of_their_series():
    series = sorted({16, 24, 32, 48, 64, 96, 128, 192, 256, 384})
    for size in range(1, 385):
        points, mask = pad_points(np.ones((size, 1)))
        assert len(points) == next(padded for padded in series if padded >= size)
        assert mask.sum() == size


@pytest.mark.parametrize(
    ("rows", "k", "message"),
    [
        (np.zeros(3), None, "rows and columns"),
        (np.zeros((0, 2)), None, "rows and columns"),
        ([[np.nan, 1.0]], None, "finite"),
        (ROWS, 5, "at most 4"),
        (ROWS, 0, "at least 1"),
        (ROWS[:2], 3, "at most 2"),
    ],
)
def test_bad_input_is_refused(rows, k, message):
    with pytest.raises(ValueError, match=message):
        adapt_table(model(), rows, k)


def test_other_columns_than_the_fitted_ones_are_refused():
    owner = model(judge=False)
    fitted = adapt_table(owner, ROWS, 2)
    with pytest.raises(ValueError, match="4 columns, but the model was fitted on 5"):
        predict_table(owner, fitted, ROWS[:, :4])


def test_weights_that_need_the_number_say_so():
    with pytest.raises(ValueError, match="need the number of clusters, 1 to 4"):
        adapt_table(model(judge=False), ROWS)


def test_fewer_members_are_kept_where_the_configuration_says_so():
    config = replace(
        SMALL, inference=InferenceConfig(orders=8, top_fraction=0.25, points_per_epoch=32)
    )
    for judge in (False, True):
        state = adapt_table(model(judge=judge), ROWS, 2, config=config).state
        assert len(state.permutations) == 2


def test_a_view_in_which_the_rows_coincide_is_not_chosen():
    rows = np.array([[1200.0, 10], [1250, 11], [88000, 12], [91000, 10], [1300, 11], [90500, 12]])
    views, graph, gaps = fit_views(rows, "robust", 2)
    cloud, _ = make_cloud(rows, views, graph, gaps, 16, np.random.default_rng(0))
    assert different_places(cloud, 2).tolist()[::3] == [6, 1]
    fitted = adapt_table(model(), rows, 2, config=SMALL)
    assert fitted.view != "paths"
    assert set(predict_table(model(), fitted, rows).argmax(axis=1)) == {0, 1}


def test_offsets_move_as_little_as_needed():
    logs = np.log(np.random.default_rng(1).dirichlet(np.ones(3), 50))
    assert not offsets_to_use_all(logs).any()
    logs[:, 2] -= 10
    moved = (logs + offsets_to_use_all(logs)).argmax(axis=1)
    assert (moved == 2).sum() == 1
    before = logs.argmax(axis=1)
    assert (before != moved).sum() == 1
