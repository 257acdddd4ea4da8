"""Ranks: against SciPy, and the same for a drawn task."""

import jax
import numpy as np
from scipy.stats import rankdata

from l2c_jax.preprocessing.ranks import apply_ranks, fit_ranks, masked_ranks

ROWS = np.random.default_rng(0).integers(9, size=(40, 3)).astype(float)


def test_ranks_against_scipy():
    expected = (rankdata(ROWS, axis=0) - 0.5) / len(ROWS)
    np.testing.assert_allclose(apply_ranks(fit_ranks(ROWS), ROWS), expected)
    one = apply_ranks(fit_ranks(ROWS), ROWS[:1])
    np.testing.assert_allclose(one, expected[:1])


def test_an_increasing_map_changes_nothing():
    there = apply_ranks(fit_ranks(np.exp(ROWS)), np.exp(ROWS))
    np.testing.assert_allclose(there, apply_ranks(fit_ranks(ROWS), ROWS))


def test_a_task_gets_the_ranks_that_a_table_gets():
    padded, mask = np.zeros((50, 3), np.float32), np.arange(50) < 40
    padded[:40] = ROWS
    found = np.asarray(jax.jit(masked_ranks)(padded, mask))
    np.testing.assert_allclose(found[:40], apply_ranks(fit_ranks(ROWS), ROWS), atol=1e-6)
    assert not found[40:].any()
