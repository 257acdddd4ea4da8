"""Tasks from labelled tables: the right rows, in the right columns, from the right tables."""

from dataclasses import replace

import jax
import numpy as np
import pytest

from l2c_jax.tasks.description import describe, from_description
from l2c_jax.tasks.tables import TableTasks, make_pool

SIZES = ([30, 50], [20, 25, 3], [40, 12, 15, 9])


def a_table(number: int) -> tuple[np.ndarray, np.ndarray]:
    """The first column is 1000 times the class plus a little; classes are not in order."""
    labels = np.repeat(np.arange(len(SIZES[number])), SIZES[number])
    rng = np.random.default_rng(number)
    points = rng.normal(size=(len(labels), number + 2)) * 10.0**number
    points[:, 0] = 1000 * labels + np.arange(len(labels))
    order = rng.permutation(len(labels))
    return points[order], labels[order] + 7


TABLES = [a_table(number) for number in range(3)]
POOL = make_pool(TABLES, 5)
TASKS = TableTasks(POOL, num_points=20, dimensions=5, num_clusters=2)


@jax.jit
def many(keys, tasks):
    return jax.vmap(tasks.sample_both)(keys)


def draw(tasks: TableTasks, count: int = 64, raw: bool = False):
    """Tasks and the tables they come from."""
    keys = jax.random.split(jax.random.key(0), count)
    drawn = jax.tree.map(np.asarray, many(keys, tasks))
    return drawn.raw if raw else drawn.standardized, drawn.table


@pytest.mark.parametrize("k", [2, 3])
def test_tasks_are_sound(k):
    sizes = [table for table in range(3) if len(SIZES[table]) >= k]
    pool = POOL._replace(weights=np.isin(range(3), sizes).astype(np.float32))
    tasks, tables = draw(replace(TASKS, num_clusters=k, pool=pool))
    assert set(tables.tolist()) == set(sizes)  # all of them, and no other
    for points, labels, mask, table in zip(*tasks, tables, strict=True):
        assert mask.all()
        assert np.isfinite(points).all()
        counts = np.bincount(labels)
        assert len(counts) == k
        assert counts.max() - counts.min() <= 1
        assert not points[:, table + 2 :].any()
        np.testing.assert_allclose(points[:, : table + 2].mean(axis=0), 0, atol=1e-5)
        np.testing.assert_allclose(points[:, : table + 2].std(axis=0), 1, atol=1e-4)


def test_labels_are_the_classes_of_the_rows():
    """In the first column the classes are 1000 apart, far more than rows of one class."""
    tasks, _ = draw(TASKS, raw=True)
    for points, labels, _ in zip(*tasks, strict=True):
        first = [np.sort(points[labels == label, 0]) for label in (0, 1)]
        low, high = sorted(first, key=np.mean)
        assert low[-1] < high[0]
        assert high[0] - low[-1] > 3 * max(np.ptp(low), np.ptp(high))


def test_every_pair_of_classes_is_drawn_and_named_either_way():
    """Which classes are 0 and 1 follows from where they lie among the table's."""
    pool = make_pool([(TABLES[2][0][:, :1], TABLES[2][1])], 5)
    tasks, _ = draw(replace(TASKS, num_points=8, pool=pool), 256, raw=True)
    means = [
        tuple(points[labels == label, 0].mean() for label in (0, 1))
        for points, labels, _ in zip(*tasks, strict=True)
    ]
    assert 0.35 < np.mean([one < other for one, other in means]) < 0.65


def test_rows_repeat_only_when_all_were_drawn():
    values = np.arange(40.0)[:, None]
    labels = np.repeat([0, 1], [37, 3])
    pool = make_pool([(values, labels)])
    tasks, _ = draw(TableTasks(pool, num_points=20, dimensions=1))
    for points, which, _ in zip(*tasks, strict=True):
        times = [
            sorted(np.unique(points[which == label].round(4), return_counts=True)[1].tolist())
            for label in (0, 1)
        ]
        assert sorted(times, key=len) == [[3, 3, 4], [1] * 10]


def test_rows_are_uniform():
    pool = make_pool([(np.arange(12.0)[:, None], np.repeat([0, 1], 6))])
    tasks, _ = draw(TableTasks(pool, num_points=4, dimensions=1), 3000, raw=True)
    gaps = [np.ptp(points[labels == 0, 0]) for points, labels, _ in zip(*tasks, strict=True)]
    ends = [np.ptp(points[:, 0]) for points in tasks.points]
    assert min(gaps) > 0  # two different rows
    assert len(np.unique(np.round(np.array(gaps) / np.array(ends), 3))) > 15


def test_numbers_of_clusters_are_uniform_within_the_range_and_the_table():
    tasks, tables = draw(replace(TASKS, num_clusters=4, min_clusters=2), 600)
    counts = tasks.labels.max(axis=1) + 1
    for table, expected in enumerate(([2], [2, 3], [2, 3, 4])):
        found, times = np.unique(counts[tables == table], return_counts=True)
        assert found.tolist() == expected
        assert times.min() > 0.6 * times.mean()


def test_weights_say_how_often():
    pool = POOL._replace(weights=np.array([0.0, 3.0, 1.0], np.float32))
    _, tables = draw(replace(TASKS, pool=pool), 400)
    times = np.bincount(tables, minlength=3)
    assert times[0] == 0
    assert 0.65 < times[1] / 400 < 0.85


def test_missing_values_become_the_mean_and_constant_columns_zero():
    points = np.array([[0.0, np.nan, 5.0, np.nan], [2.0, 1.0, 5.0, np.nan]] * 4)
    points[0, 1] = 4.0
    pool = make_pool([(points, [0, 1] * 4)])
    tables = TableTasks(pool, num_points=8, dimensions=4)
    for raw in (True, False):
        tasks, _ = draw(tables, 4, raw)
        for drawn, labels, _ in zip(*tasks, strict=True):
            assert np.isfinite(drawn).all()
            assert not drawn[:, 2:].any()
            filled = np.where(np.isnan(points[:, 1]), np.nanmean(points[:, 1]), points[:, 1])
            expected = np.sort(filled - filled.mean()) / filled.std()
            found = np.sort(drawn[:, 1])
            np.testing.assert_allclose(found / found.std(), expected, atol=1e-5)
            assert len(np.unique(labels)) == 2


def test_raw_columns_keep_their_ratios():
    rng = np.random.default_rng(3)
    points = rng.normal(size=(40, 3)) * [1.0, 100.0, 1e-4] + [1e6, 0.0, 3.0]
    pool = make_pool([(points, np.arange(40) % 2)])
    tasks, _ = draw(TableTasks(pool, num_points=40, dimensions=3), 3, raw=True)
    for drawn in tasks.points:
        found, expected = drawn.std(axis=0), points.std(axis=0)
        np.testing.assert_allclose(found / found[1], expected / expected[1], rtol=1e-4)
        np.testing.assert_allclose((found**2).mean(), 1, rtol=1e-4)


def test_both_kinds_of_columns_are_of_the_same_rows():
    one, other = draw(TASKS)[0], draw(TASKS, raw=True)[0]
    np.testing.assert_array_equal(one.labels, other.labels)
    for scaled, raw in zip(one.points, other.points, strict=True):
        spread = raw.std(axis=0)
        used = spread > 1e-3
        np.testing.assert_allclose(scaled[:, used], raw[:, used] / spread[used], atol=1e-3)


@pytest.mark.parametrize("raw", [True, False])
def test_a_task_is_in_the_columns_that_are_asked_for(raw):
    one = jax.jit(replace(TASKS, standardize=not raw).sample)(jax.random.key(4))
    drawn = many(jax.random.key(4)[None], TASKS)
    both = drawn.raw if raw else drawn.standardized
    np.testing.assert_allclose(one.points, both.points[0], atol=1e-5)
    np.testing.assert_array_equal(one.labels, both.labels[0])


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ([], "at least one table"),
        ([(np.ones((3, 2)), [0, 1])], "one label a row"),
        ([(np.ones((0, 2)), [])], "must have rows"),
        ([(np.array([[np.inf], [1.0]]), [0, 1])], "infinite"),
        ([(np.ones((2, 6)), [0, 1])], "has 6 columns, the pool only 5"),
    ],
)
def test_tables_that_are_none_are_refused(tables, message):
    with pytest.raises(ValueError, match=message):
        make_pool(tables, 5)


@pytest.mark.parametrize(
    ("fields", "weights", "message"),
    [
        ({"dimensions": 4}, [1, 1, 1], "5 columns wide, the tasks 4"),
        ({"num_clusters": 3}, [1, 1, 1], "has 2 classes, the tasks 3"),
        ({}, [0, 0, 0], "nor all 0"),
        ({}, [1, -1, 0], "not be negative"),
    ],
)
def test_pools_that_do_not_suit_are_refused(fields, weights, message):
    with pytest.raises(ValueError, match=message):
        replace(TASKS, pool=POOL._replace(weights=np.array(weights, np.float32)), **fields)


def test_only_tables_that_are_drawn_need_the_classes():
    pool = POOL._replace(weights=np.array([0, 1, 1], np.float32))
    assert replace(TASKS, pool=pool, num_clusters=3).least_clusters == 3


@pytest.mark.parametrize(
    "fields",
    [{"num_clusters": 30}, {"min_clusters": 3}, {"min_clusters": 0}, {"dimensions": 0}],
    ids=str,
)
def test_impossible_tasks_are_refused(fields):
    with pytest.raises(ValueError, match="must"):
        replace(TASKS, **fields)


def test_tables_are_a_pytree_and_are_described_by_their_content():
    assert len(jax.tree.leaves(TASKS)) == 5
    described = describe(TASKS)
    assert described["kind"] == "TableTasks"
    assert described["pool"] != describe(replace(TASKS, pool=make_pool(TABLES[:2], 5)))["pool"]
    assert from_description(described) is None
