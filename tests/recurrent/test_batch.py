"""A batch of tasks as the loss reads them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from l2c_jax.preprocessing import preprocess
from l2c_jax.recurrent.batch import points_in_view, prepare_batch, preprocess_task
from l2c_jax.recurrent.config import ModelConfig, TrainConfig
from l2c_jax.tasks.base import Task, sort_labels
from l2c_jax.tasks.structures import StructureTasks

CONFIG = ModelConfig(num_clusters=3)
RNG = np.random.default_rng(0)
TASKS = Task(
    jnp.asarray(RNG.normal(size=(200, 8, 2)), jnp.float32),
    jnp.asarray(RNG.integers(3, size=(200, 8))),
    jnp.ones((200, 8), bool),
)


def prepared(**fields):
    return prepare_batch(jax.random.key(1), TASKS, CONFIG, TrainConfig(**fields), None)[1]


def test_a_task_is_preprocessed_and_its_labels_sorted():
    one = jax.tree.map(lambda leaf: leaf[0], TASKS)
    found = preprocess_task(one, CONFIG)
    points = preprocess(one.points, one.mask, "principal", 2)
    np.testing.assert_allclose(found.points, points, atol=1e-6)
    expected = sort_labels(one._replace(points=points), 3)
    np.testing.assert_array_equal(found.labels, expected.labels)


def test_neighbors_are_found_only_for_the_local_loss():
    assert prepared().neighbors is None
    assert prepared(classification_weight=0.5, num_neighbors=2).neighbors.indices.shape == (
        200,
        8,
        2,
    )


def test_the_number_of_clusters_is_dropped_for_its_share_of_the_tasks():
    assert prepared().k_given.all()
    assert 0.6 < prepared(k_dropout=0.3).k_given.mean() < 0.8  # three standard errors


def test_rotations_keep_the_distances_of_the_points():
    before, after = prepared().tasks.points, prepared(random_rotation_prob=1.0).tasks.points
    for one, other in zip(before[:5], after[:5], strict=True):
        np.testing.assert_allclose(one @ one.T, other @ other.T, atol=1e-4)
    assert np.abs(before - after).max() > 0.1


STRUCTURES = StructureTasks(num_points=40, min_points=30)
FOUR_AXES = ModelConfig(4, 9, (5,), preprocessing="robust")


@pytest.mark.parametrize(
    "view", [pytest.param("diffusion", marks=pytest.mark.slow), "paths", "ranks"]
)
def test_the_first_tasks_of_a_batch_are_in_another_view(view):
    tasks = jax.vmap(STRUCTURES.sample)(jax.random.split(jax.random.key(0), 4))
    axes = prepare_batch(jax.random.key(1), tasks, FOUR_AXES, TrainConfig(), None)[1].tasks
    training = TrainConfig(**{f"{view}_prob": 0.5})
    mixed = prepare_batch(jax.random.key(1), tasks, FOUR_AXES, training, None)[1].tasks
    np.testing.assert_array_equal(mixed.points[2:], axes.points[2:])
    for number in range(2):
        one = jax.tree.map(lambda leaf, n=number: leaf[n], tasks)
        expected = points_in_view(one, view, FOUR_AXES)
        np.testing.assert_allclose(mixed.points[number], expected, atol=1e-4)
        kept = len(np.unique(one.labels[one.mask])) - 1
        used = (np.asarray(mixed.points[number]) != 0).any(axis=0)
        columns = (np.abs(one.points) > 0).any(axis=0).sum()
        assert used.sum() == min(columns if view == "ranks" else kept, 4)
        first = jnp.where(one.mask, mixed.points[number][:, 0], jnp.nan)
        means = [float(jnp.nanmean(jnp.where(mixed.labels[number] == k, first, jnp.nan)))
                 for k in range(kept + 1)]  # fmt: skip
        assert means == sorted(means)


def test_the_shares_of_the_views_sum_to_one_at_most():
    with pytest.raises(ValueError, match="sum to at most 1"):
        TrainConfig(diffusion_prob=0.5, paths_prob=0.3, ranks_prob=0.3)


@pytest.mark.parametrize("prob", [-0.1, 1.5])
def test_a_share_outside_of_one_is_refused(prob):
    with pytest.raises(ValueError, match="diffusion_prob"):
        TrainConfig(diffusion_prob=prob)
