"""Every way to scan a pass gives the gradients of plain autodiff."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from l2c_jax.recurrent import ModelConfig, clear, init, rollout
from l2c_jax.recurrent.scan import checkpointed, plain, windowed

SIZE, TASKS = 11, 3
MODEL = ModelConfig(dimensions=3, num_clusters=4, hidden=(6, 6, 6))
SCANS = {
    "checkpointed": checkpointed,
    "windows that fit": windowed(1),
    "windows and a rest": windowed(4),
    "one short window": windowed(50),
}


@cache
def gradients(scan, masked: bool, dtype):
    """With respect to parameters, initial carry and points, under jit and vmap."""
    random = np.random.default_rng(0)
    points = jnp.asarray(random.normal(size=(TASKS, SIZE, 3)), dtype)
    weights = jnp.asarray(random.normal(size=(TASKS, SIZE, 4)), dtype)
    orders = jnp.asarray([random.permutation(SIZE) for _ in range(TASKS)])
    masks = jnp.asarray(random.random((TASKS, SIZE)) < 0.7) if masked else None
    params = jax.tree.map(lambda x: x.astype(dtype), init(jax.random.key(0), MODEL))
    carry = jax.tree.map(
        lambda x: jnp.asarray(random.normal(size=(TASKS, *x.shape)) * 0.3, dtype),
        clear(params, MODEL),
    )

    @jax.jit
    def gradient(params, carry, points):
        def loss(params, carry, points):
            def one(carry, points, order, mask, weights):
                carry, scores = rollout(params, carry, points, order, MODEL, mask=mask, scan=scan)
                if mask is not None:
                    scores *= mask[:, None]
                rest = sum(leaf.sum() for leaf in jax.tree.leaves(carry))
                return (scores * weights).sum() + 0.1 * rest

            return jax.vmap(one)(carry, points, orders, masks, weights).sum()

        return jax.grad(loss, (0, 1, 2))(params, carry, points)

    return gradient(params, carry, points)


@pytest.mark.optimized
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("name", SCANS)
def test_gradients_are_those_of_plain_autodiff(name, masked):
    expected = gradients(plain, masked, jnp.float32)
    found = gradients(SCANS[name], masked, jnp.float32)
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5 * np.abs(other).max())


@pytest.mark.optimized
@pytest.mark.parametrize("name", SCANS)
def test_gradients_agree_in_double_precision(name):
    with jax.enable_x64(True):
        expected = gradients(plain, True, jnp.float64)
        found = gradients(SCANS[name], True, jnp.float64)
        for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
            assert one.dtype == jnp.float64
            np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-12)


def test_truncation_stops_the_gradient_between_windows():
    params = init(jax.random.key(0), MODEL)
    points = jax.random.normal(jax.random.key(1), (6, 3))

    def last_score(points, scan):
        return rollout(params, clear(params, MODEL), points, jnp.arange(6), MODEL, scan=scan)[1][
            -1
        ].sum()

    whole = jax.grad(last_score)(points, windowed(3))
    cut = jax.grad(last_score)(points, windowed(3, truncate=True))
    assert np.abs(whole[:3]).max() > 0
    np.testing.assert_array_equal(cut[:3], 0)
    assert np.abs(cut[3:]).max() > 0


def test_long_sequences_need_less_memory_in_windows():
    params = init(jax.random.key(0), MODEL)

    def bytes_of(scan) -> int:
        def loss(params, points):
            return rollout(
                params, clear(params, MODEL), points, jnp.arange(2_000), MODEL, scan=scan
            )[1].sum()

        compiled = jax.jit(jax.grad(loss)).lower(params, jnp.zeros((2_000, 3))).compile()
        return compiled.memory_analysis().temp_size_in_bytes

    assert bytes_of(windowed(45)) < 0.7 * bytes_of(checkpointed) < 0.7 * bytes_of(plain)


def test_a_window_has_at_least_one_step():
    with pytest.raises(ValueError, match="at least 1"):
        windowed(0)
