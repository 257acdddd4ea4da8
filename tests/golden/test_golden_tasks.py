"""Release 1 drew these tasks; every task distribution still draws them."""

from functools import cache

import jax
import numpy as np
import pytest

from l2c_jax.tasks import (
    GaussianTasks,
    TableTasks,
    TaskMixture,
    log_posterior,
    make_pool,
)
from tests.golden.recorded import close, golden, leaves_of

pytestmark = pytest.mark.golden

RANGES = {
    "num_points": 48,
    "dimensions": 4,
    "num_clusters": 5,
    "min_points": 20,
    "min_dimensions": 2,
    "min_clusters": 2,
}
STRETCHES = {"anisotropy": 1.5, "mean_anisotropy": 1.0, "shared_anisotropy": 0.8}
SYNTHETIC = {
    "default": GaussianTasks(),
    "ranges": GaussianTasks(**RANGES),
    "sizes": GaussianTasks(num_points=48, num_clusters=4, concentration=1.5, num_swirls=1),
    "stretched": GaussianTasks(num_points=48, dimensions=3, num_clusters=3, **STRETCHES),
    "everything": GaussianTasks(**RANGES, **STRETCHES, concentration=2.0),
}


def compare_draws(case: str, sample, keys: int = 3) -> None:
    """One draw for each key, stacked."""
    recorded = golden("tasks")
    drawn = [jax.device_get(jax.jit(sample)(jax.random.key(seed))) for seed in range(keys)]
    stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *drawn)
    found = leaves_of(case, stacked)
    for name, leaf in found.items():
        close(leaf, recorded[name.replace("standardized", "standardised")])


@pytest.mark.parametrize("case", SYNTHETIC)
def test_draws_of_gaussian_tasks(case):
    compare_draws(f"synthetic/{case}", SYNTHETIC[case].sample)


@pytest.mark.parametrize("case", ["default", "everything"])
def test_draws_of_mixtures_and_their_posteriors(case):
    recorded = golden("tasks")

    @jax.jit
    def draw(key):
        task, mixture = SYNTHETIC[case].sample_with_mixture(key)
        return task, mixture, log_posterior(mixture, task.points)

    drawn = [jax.device_get(draw(jax.random.key(seed))) for seed in range(3)]
    task, mixture, posterior = jax.tree.map(lambda *leaves: np.stack(leaves), *drawn)
    for part, tree in (("task", task), ("mixture", mixture)):
        for name, leaf in leaves_of(f"mixture/{case}.{part}", tree).items():
            close(leaf, recorded[name])
    close(posterior, recorded[f"mixture/{case}.log_posterior"])


@cache
def pool():
    recorded = golden("tasks")
    tables = [
        (recorded[f"toy_table_{i}/points"], recorded[f"toy_table_{i}/labels"]) for i in range(3)
    ]
    return make_pool(tables)


def test_the_pool_of_tables():
    recorded = golden("tasks")
    for name, leaf in zip(pool()._fields, pool(), strict=True):
        expected = recorded[f"pool.{name}"]
        np.testing.assert_array_equal(np.isnan(leaf), np.isnan(expected))
        close(np.nan_to_num(leaf), np.nan_to_num(expected))


def table_tasks(**fields) -> TableTasks:
    return TableTasks(pool(), num_points=24, dimensions=5, **fields)


@pytest.mark.parametrize(
    ("case", "fields"),
    [
        ("two", {"num_clusters": 2}),
        ("ranges", {"num_clusters": 4, "min_clusters": 2}),
        ("ranges_raw", {"num_clusters": 4, "min_clusters": 2, "standardize": False}),
    ],
)
def test_draws_of_tables(case, fields):
    compare_draws(f"pool_task/{case}", table_tasks(**fields).sample)
    if case == "ranges":
        compare_draws("pool_both/ranges", table_tasks(**fields).sample_both)


def test_draws_of_a_mixture_of_distributions():
    synthetic = GaussianTasks(num_points=30, num_clusters=3)
    half = TaskMixture((table_tasks(num_clusters=4, min_clusters=2), synthetic), (0.5, 0.5))
    compare_draws("mixed/half", half.sample, keys=6)
