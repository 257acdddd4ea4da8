"""Label order, padding, reading orders, rotations."""

import jax
import jax.numpy as jnp
import numpy as np

from l2c_jax.tasks import GaussianTasks
from l2c_jax.tasks.base import (
    Task,
    TaskDistribution,
    random_rotation,
    reading_order,
    sort_labels,
)

sort_labels = jax.jit(sort_labels, static_argnames="num_clusters")


def a_task(labels: np.ndarray, seed: int = 0) -> Task:
    size = len(labels)
    points = np.random.default_rng(seed).normal(size=(size, 2)).astype(np.float32)
    mask = np.arange(size) < size - 2
    points[~mask] = 0
    return Task(jnp.array(points), jnp.where(mask, jnp.array(labels), 0), jnp.array(mask))


LABELS = np.random.default_rng(1).choice([0, 2, 3], size=20)  # of K = 5: 1 and 4 are empty


def test_sorted_labels_rise_with_the_first_coordinate_of_the_empirical_means():
    task = sort_labels(a_task(LABELS), 5)
    labels, first = np.array(task.labels[task.mask]), np.array(task.points[task.mask])[:, 0]
    means = [first[labels == k].mean() for k in np.unique(labels)]
    assert means == sorted(means)


def test_sorting_keeps_the_partition():
    task = a_task(LABELS)
    pairs = set(
        zip(task.labels[:18].tolist(), sort_labels(task, 5).labels[:18].tolist(), strict=True)
    )
    assert len(pairs) == 3


def test_sorting_puts_empty_clusters_last():
    task = sort_labels(a_task(LABELS), 5)
    assert set(task.labels[task.mask].tolist()) == {0, 1, 2}


def test_sorting_ignores_how_the_clusters_were_named():
    names = np.array([3, 4, 1, 0, 2])
    expected = sort_labels(a_task(LABELS), 5)
    renamed = sort_labels(a_task(names[LABELS]), 5)
    np.testing.assert_array_equal(renamed.labels, expected.labels)


def test_masked_points_keep_label_zero_and_do_not_move_the_means():
    task = Task(
        jnp.array([[1.0], [3.0], [0.0]]), jnp.array([0, 1, 0]), jnp.array([True, True, False])
    )
    assert sort_labels(task, 2).labels.tolist() == [0, 1, 0]
    assert sort_labels(task._replace(points=-task.points), 2).labels.tolist() == [1, 0, 0]


def test_reading_order_is_a_permutation_decided_by_the_key():
    mask = jnp.ones(50, bool)
    first, again, other = (reading_order(jax.random.key(seed), mask) for seed in (0, 0, 1))
    assert sorted(first.tolist()) == list(range(50))
    np.testing.assert_array_equal(first, again)
    assert first.tolist() != other.tolist()


def test_reading_order_starts_anywhere_equally_often():
    keys = jax.random.split(jax.random.key(0), 2000)
    first = jax.jit(jax.vmap(reading_order, (0, None)))(keys, jnp.ones(4, bool))[:, 0]
    observed = np.bincount(np.array(first), minlength=4)
    assert ((observed - 500) ** 2 / 500).sum() < 33  # chi-square, 3 degrees: p < 1e-6 beyond


class TwoBlobs:
    """A custom prior of ten lines."""

    num_points, dimensions, num_clusters = 20, 2, 2

    def sample(self, key):
        labels = jnp.arange(20) % 2
        noise = jax.random.normal(key, (20, 2))
        return Task(noise + 5 * labels[:, None], labels, jnp.ones(20, bool))


def test_a_custom_prior_is_a_task_distribution():
    assert isinstance(TwoBlobs(), TaskDistribution)
    assert isinstance(GaussianTasks(), TaskDistribution)
    assert not isinstance(object(), TaskDistribution)
    tasks = jax.vmap(TwoBlobs().sample)(jax.random.split(jax.random.key(0), 3))
    assert tasks.points.shape == (3, 20, 2)


def test_a_rotation_keeps_all_distances_and_the_labels():
    task = a_task(LABELS)
    found = random_rotation(jax.random.key(0), task, 1.0)
    gram = np.asarray(task.points @ task.points.T)
    np.testing.assert_allclose(found.points @ found.points.T, gram, atol=1e-5)
    assert not np.allclose(found.points, task.points, atol=0.1)
    assert not np.asarray(found.points[~task.mask]).any()
    np.testing.assert_array_equal(found.labels, task.labels)


def test_about_the_share_that_was_asked_for_is_rotated():
    task, keys = a_task(LABELS), jax.random.split(jax.random.key(0), 200)
    found = jax.vmap(random_rotation, (0, None, None))(keys, task, 0.3)
    share = np.mean(np.abs(found.points - task.points[None]).max(axis=(1, 2)) > 0)
    assert 0.2 < share < 0.4
