"""Mixtures of task distributions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from l2c_jax.tasks import (
    GaussianTasks,
    TableTasks,
    TaskMixture,
    describe,
    from_description,
    make_pool,
)

RNG = np.random.default_rng(0)
TABLES = TableTasks(
    make_pool([(RNG.normal(size=(30, 5)), np.arange(30) % 2)]), num_points=20, dimensions=5
)
SYNTHETIC = GaussianTasks(num_points=24, num_clusters=2, num_swirls=0)


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_tasks_come_from_each_distribution_by_its_weight(share):
    mixture = TaskMixture((TABLES, SYNTHETIC), (share, 1 - share))
    assert (mixture.num_points, mixture.dimensions, mixture.num_clusters) == (24, 5, 2)
    many = jax.jit(lambda keys, mixture: jax.vmap(mixture.sample)(keys))
    tasks = many(jax.random.split(jax.random.key(0), 100), mixture)
    assert tasks.points.shape == (100, 24, 5)
    assert tasks.labels.dtype == jnp.int32
    from_tables = np.asarray(tasks.mask).sum(axis=1) == TABLES.num_points
    assert abs(from_tables.mean() - share) < 0.2  # four standard errors of 100 draws
    assert from_tables.all() == (share == 1)
    assert not np.asarray(tasks.points)[:, 20:][from_tables].any()


def test_three_distributions_and_weights_of_any_sum():
    sizes = [GaussianTasks(num_points=n, num_swirls=0) for n in (8, 16, 24)]
    mixture = TaskMixture(tuple(sizes), (3.0, 0.0, 1.0))
    tasks = jax.jit(jax.vmap(mixture.sample))(jax.random.split(jax.random.key(1), 200))
    found = np.bincount(np.asarray(tasks.mask).sum(axis=1), minlength=25)
    assert found[16] == 0
    assert 0.6 < found[8] / 200 < 0.9
    assert found[8] + found[24] == 200


def test_a_mixture_is_described_by_its_parts():
    described = describe(TaskMixture((TABLES, SYNTHETIC), (0.5, 0.5)))
    assert [part["kind"] for part in described["distributions"]] == ["TableTasks", "GaussianTasks"]
    assert from_description(described) is None


@pytest.mark.parametrize("weights", [(1.0,), (0.0, 0.0), (1.0, -0.5), ()])
def test_weights_that_are_none_are_refused(weights):
    with pytest.raises(ValueError, match="weight"):
        TaskMixture((TABLES, SYNTHETIC), weights)
