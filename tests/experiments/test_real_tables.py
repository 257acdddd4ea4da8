"""Tables 3 and 4: splits by family, settings of baselines, weights of other tables, the page."""

from dataclasses import replace

import jax
import numpy as np
import pytest

from experiments.lib.baselines import BASELINES
from experiments.lib.curriculum import MODEL, START
from experiments.lib.learners import Recipe
from experiments.lib.runner import Options
from experiments.lib.splits import SHARE, SPLITS, Setting, family, split
from experiments.tables import comparison, comparison_page, table3, table4, training
from experiments.tables.baseline_rows import (
    KNOWN_K,
    BaselineRow,
    draw_from_tables,
    errors,
    measured,
)
from l2c_jax.recurrent.learner import Learner, Metadata, save_learner
from l2c_jax.recurrent.model import init
from l2c_jax.tasks.tables import DrawnTable, make_pool
from l2c_jax.training.weights import content_hash

NAMES = [
    *(f"volcanoes-{letter}{n}" for letter in "abc" for n in range(5)),
    *(f"analcatdata_{n}" for n in range(4)),
    *("irish", "irish_1696", "flare", "solar_flare_1", "wine", "wine-quality-red", "iris"),
    *(f"alone {letter}" for letter in "abcdefghijklmno"),
]
SETTING = replace(table3.SETTINGS[0], num_points=12, dimensions=4)
OPTIONS = Options(smoke=False, seed=0, out=None, retrain=False)


@pytest.mark.parametrize("seed", [0, 1])
def test_families_are_apart_and_tests_of_about_a_tenth(seed):
    tests = []
    for number in range(SPLITS):
        training, test = split(NAMES, seed, number)
        assert sorted(training + test) == sorted(NAMES)
        assert not {family(name) for name in training} & {family(name) for name in test}
        assert SHARE * len(NAMES) - 0.5 <= len(test) <= 2 * SHARE * len(NAMES) + 1
        tests += test
    assert len(set(tests)) == len(tests)  # the splits test other tables


def test_few_tables_are_all_tested_once():
    names = ["a", "b", "wine-quality-red", "wine_quality_white", "c", "d"]
    tests = [split(names, 3, number)[1] for number in range(SPLITS)]
    assert sorted(name for test in tests for name in test) == sorted(names)


def test_one_family_cannot_be_split():
    with pytest.raises(ValueError, match="one family"):
        split(["irish", "irish_1696"], 0, 0)


@pytest.mark.parametrize("setting", [*table3.SETTINGS, *table4.SETTINGS], ids=lambda s: s.slug)
def test_settings_are_those_of_the_paper(setting: Setting):
    least = setting.least_clusters
    entry = {"d": setting.dimensions, "k": least, "class_counts": [5] * least}
    assert setting.suits(entry)
    assert setting.suits({**entry, "k": least + 3})
    assert not setting.suits({**entry, "k": least - 1})
    assert not setting.suits({**entry, "d": setting.dimensions + 1})
    assert setting.known_k == (setting in table3.SETTINGS)
    assert setting.paper is not None
    assert set(setting.paper) <= {one.row for one in KNOWN_K} | {
        "k-means",
        *comparison.LEARNED,
    }
    tables = list(comparison.invented_tables())
    pool = make_pool([(t.points, t.labels) for t in tables], setting.dimensions)
    if least <= 4:
        assert setting.tasks(pool).num_clusters == setting.num_clusters


def test_every_baseline_has_a_row():
    others = {"Genie"}  # compared in experiments.universal
    assert {one.method for one in KNOWN_K} == set(BASELINES) - others
    assert len({one.row for one in KNOWN_K}) == len(KNOWN_K)


def test_training_never_draws_a_test_table():
    tables = list(comparison.invented_tables())
    options = replace(OPTIONS, smoke=True)
    own = comparison.make_split(SETTING, tables, 1, options)
    names = [table.name for table in tables]
    training, test = (np.asarray(pool.weights) > 0 for pool in (own.training.pool, own.test_pool))
    assert (training != test).all()
    assert [name for name, there in zip(names, test, strict=True) if there] == own.test_names
    assert set(np.flatnonzero(test)) >= set(own.test.table.tolist())
    assert set(np.flatnonzero(training)) >= set(own.tuning.table.tolist())
    again = comparison.make_split(SETTING, tables, 1, options)
    assert content_hash(again.test) == content_hash(own.test)


def two_tasks() -> DrawnTable:
    tables = [(table.points, table.labels) for table in comparison.invented_tables()]
    return draw_from_tables(jax.random.key(0), SETTING.tasks(make_pool(tables, 4)), 2)


def test_settings_are_chosen_on_tuning_tasks_and_the_oracle_on_each_test_task():
    drawn = two_tasks()
    grid = tuple(
        {"columns": columns, "eps": eps} for columns in ("raw", "standardised") for eps in (0.1, 2)
    )
    row = BaselineRow("DBSCAN", "DBSCAN", grid)
    table = np.array([errors(row, given, drawn, SETTING, 0).errors for given in grid])
    found = measured(row, drawn, drawn, SETTING, 0)
    assert found["parameters"] == grid[int(table.mean(axis=1).argmin())]
    assert np.mean(found["errors"]) == table.mean(axis=1).min()
    best = measured(replace(row, oracle=True), drawn, drawn, SETTING, 0)
    assert best["errors"] == table.min(axis=0).tolist()
    assert len(measured(replace(row, tasks=1), drawn, drawn, SETTING, 0)["errors"]) == 1


def test_a_baseline_that_fails_has_put_all_points_into_one_cluster():
    found = errors(KNOWN_K[0], {"columns": "raw", "n_init": -1}, two_tasks(), SETTING, 0)
    assert found.failures == 2
    assert found.errors == [0.5, 0.5]


def test_weights_of_other_tables_are_not_used(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "RUNS", tmp_path)
    tables = [(table.points, table.labels) for table in comparison.invented_tables()]
    own = training.TrainingTables(SETTING, 0, make_pool(tables, 4), ["a", "b"])
    tasks = training.tasks_of(training.MIXED, own)
    recipe = Recipe(tasks, MODEL, replace(training.MIXED.training, seed=0, k_dropout=0.0))
    path = training.weight_file(training.MIXED, own, 0)
    path.parent.mkdir(parents=True)
    header = training.run_config(recipe, own, None)
    metadata = Metadata.from_json(header)
    save_learner(path, Learner(init(jax.random.key(0), MODEL), MODEL, metadata))

    def found(variant, tables):
        return training.learner_of(variant, tables, None, OPTIONS)

    assert found(training.MIXED, own) is not None
    assert found(training.MIXED, own._replace(names=["a", "c"])) is None
    assert found(training.MIXED, own._replace(number=1)) is None
    assert found(training.REAL, own) is None


def test_the_committed_start_has_the_model_of_these_trainings():
    start = training.start_learner(OPTIONS)
    if not START.exists():
        assert start is None
        return
    assert start is not None
    assert start.config == MODEL
    assert start.metadata.iterations > 0
    assert start.metadata.tasks


def results(learned: list[float]) -> list[dict]:
    """Two tasks in each of some splits; k-means makes .3 errors, standardised .4."""
    rows = {"k-means (raw)": 0.3, "k-means (standardised)": 0.4}
    return [
        {
            **{row: {"errors": [error, error + 0.1 * n]} for row, error in rows.items()},
            "DEC": {"errors": [0.35]},
            "learned (real)": None,
            "learned (real + synthetic)": {"errors": [error, error + 0.1 * n], "orders": 2},
        }
        for n, error in enumerate(learned)
    ]


@pytest.mark.parametrize(
    ("learned", "said"),
    [
        ([0.2, 0.21, 0.19], "is below that of k-means at"),
        ([0.2, 0.4, 0.31], "is below that of k-means nowhere; is not distinguishable from it at"),
        ([0.41, 0.42, 0.41], "is below that of k-means nowhere; is above it at"),
    ],
)
def test_the_page_says_where_k_means_is_not_beaten(learned, said):
    tables = list(comparison.invented_tables())
    column = comparison.Column("table3", SETTING, tables, [["t"]] * 3, 0)
    records = list(comparison.summarise(column, results(learned)))
    by = {(entry["method"], entry["metric"]): entry for entry in records}
    own = by["learned (real + synthetic)", "error above k-means (raw)"]
    assert own["mean"] == pytest.approx(np.mean(learned) - 0.3)
    assert own["n"] == 3
    assert by["k-means (raw)", "error"]["paper"] == 0.38
    assert ("learned (real)", "error") not in by
    page = comparison_page.render("Title", records, "A note.")
    assert f"*learned (real + synthetic)* {said} {SETTING.title}" in page
    assert "weights are missing: learned (real), learned (synthetic)" in page
    assert "6 tables of 6 families" in page
    assert "DEC on the first 1 of them." in page
