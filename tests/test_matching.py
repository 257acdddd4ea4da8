"""The best relabelling, against SciPy's assignment."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from l2c_jax.metrics import cheapest_relabelling

SIZES = range(1, 9)


def costs(size: int, tasks: int = 20) -> np.ndarray:
    return np.random.default_rng(size).normal(size=(tasks, size, size)).astype(np.float32)


@pytest.mark.parametrize("size", SIZES)
def test_cost_is_that_of_scipy(size):
    tables = costs(size)
    found = jax.jit(jax.vmap(cheapest_relabelling))(tables)
    for table, names in zip(tables, np.array(found), strict=True):
        assert sorted(names) == list(range(size))
        least = table[linear_sum_assignment(table)].sum()
        np.testing.assert_allclose(table[np.arange(size), names].sum(), least, rtol=1e-5)


@pytest.mark.parametrize("size", [3, 6])
def test_one_task_at_a_time_gives_the_same(size):
    tables = costs(size, 3)
    together = jax.jit(jax.vmap(cheapest_relabelling))(tables)
    alone = [jax.jit(cheapest_relabelling)(table) for table in tables]
    np.testing.assert_array_equal(together, alone)


@pytest.mark.parametrize("size", [3, 6])
def test_ties_still_give_a_permutation(size):
    assert sorted(
        jax.jit(cheapest_relabelling)(np.zeros((size, size), np.float32)).tolist()
    ) == list(range(size))


@pytest.mark.parametrize("size", [3, 6])
def test_no_gradient_flows_through_the_choice(size):
    def cost_of_choice(table):
        return jnp.float32(cheapest_relabelling(table)).sum() + table.sum()

    np.testing.assert_array_equal(jax.jit(jax.grad(cost_of_choice))(costs(size)[0]), 1)


@pytest.mark.parametrize("shape", [(2, 3), (3,), (2, 2, 2)])
def test_costs_that_are_no_square_are_refused(shape):
    with pytest.raises(ValueError, match=r"square matrix \[K, K\]"):
        cheapest_relabelling(jnp.zeros(shape))
