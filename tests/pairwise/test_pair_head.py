"""The pair head, against concatenating every pair: in value, gradient and running averages."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from l2c_jax.pairwise.layers import EPSILON
from l2c_jax.pairwise.pair_head import PairHead, relu_of_sums

pytestmark = pytest.mark.optimized
RNG = np.random.default_rng(0)
FEATURES, HIDDEN = 3, 70  # more than one chunk, and no multiple of it
FIRST, SECOND = (RNG.normal(size=(n, FEATURES)) for n in (5, 4))
WANTED = RNG.normal(size=(5, 4))


class Concatenated(nn.Module):
    """The head as in the paper: [f_i; f_j], linear, batch norm, ReLU, linear, two outputs."""

    @nn.compact
    def __call__(self, first, second, train):
        rows, columns = first.shape[0], second.shape[0]
        left, right = jnp.repeat(first, columns, axis=0), jnp.tile(second, (rows, 1))
        pairs = jnp.concatenate([left, right], axis=1)  # [N M, 2 F]
        hidden = nn.Dense(HIDDEN, use_bias=False, name="linear")(pairs)
        norm = nn.BatchNorm(not train, momentum=0.9, epsilon=EPSILON, name="norm")
        two = nn.Dense(2, name="two")(nn.relu(norm(hidden)))
        return (two[:, 1] - two[:, 0]).reshape(rows, columns)


def random_variables():
    """Float64; no initial values, neither in scales and biases nor in running averages."""
    like = jax.eval_shape(lambda: PairHead(HIDDEN).init(jax.random.key(0), FIRST, SECOND, False))
    return jax.tree.map(lambda x: RNG.uniform(0.5, 1.5, x.shape), like)


VARIABLES = random_variables()


def as_concatenated(params):
    terms = params["terms"]
    return {
        "linear": {"kernel": jnp.concatenate([terms["first"], terms["second"]])},
        "norm": {"scale": terms["scale"], "bias": terms["bias"]},
        "two": {"kernel": params["kernel"], "bias": params["bias"]},
    }


def value_and_grads(apply):
    """Log-odds and new averages, and gradients with respect to parameters and both batches."""

    def loss(params, first, second):
        out, stats = apply(params, first, second)
        return (out * WANTED).sum(), (out, stats)

    grad = jax.jit(jax.grad(loss, argnums=(0, 1, 2), has_aux=True))
    return grad(VARIABLES["params"], FIRST, SECOND)


@pytest.mark.parametrize("train", [True, False])
def test_head_is_that_of_concatenated_pairs_in_value_gradient_and_averages(train):
    averages = VARIABLES["batch_stats"]["terms"]

    def factored(params, first, second):
        variables = {"params": params, "batch_stats": VARIABLES["batch_stats"]}
        out, changed = PairHead(HIDDEN).apply(
            variables, first, second, train, mutable=["batch_stats"]
        )
        return out, changed["batch_stats"]["terms"]

    def as_in_the_paper(params, first, second):
        variables = {"params": as_concatenated(params), "batch_stats": {"norm": averages}}
        out, changed = Concatenated().apply(
            variables, first, second, train, mutable=["batch_stats"]
        )
        return out, changed["batch_stats"]["norm"]

    with jax.enable_x64(True):
        found, expected = value_and_grads(factored), value_and_grads(as_in_the_paper)
    assert {leaf.dtype for leaf in jax.tree.leaves(found)} == {np.dtype(np.float64)}
    # flax's fast variance E[x^2] - E[x]^2 cancels: less than 1e-9 of the gradients
    close = partial(np.testing.assert_allclose, rtol=1e-9, atol=1e-9)
    jax.tree.map(close, found, expected)
    moved = np.asarray(found[1][1]["mean"]) != averages["mean"]
    assert moved.all() if train else not moved.any()


def test_head_in_training_is_a_loop_over_pairs():
    params = VARIABLES["params"]
    terms = params["terms"]
    kernel = np.concatenate([terms["first"], terms["second"]])
    pairs = np.array([np.concatenate([a, b]) for a in FIRST for b in SECOND])
    hidden = pairs @ kernel
    hidden = (hidden - hidden.mean(axis=0)) / np.sqrt(hidden.var(axis=0) + EPSILON)
    hidden = np.maximum(hidden * terms["scale"] + terms["bias"], 0)
    two = hidden @ params["kernel"] + params["bias"]
    head = partial(PairHead(HIDDEN).apply, train=True, mutable=["batch_stats"])
    with jax.enable_x64(True):
        double, _ = jax.jit(head)(VARIABLES, FIRST, SECOND)
    np.testing.assert_allclose(double.ravel(), two[:, 1] - two[:, 0], rtol=1e-10, atol=1e-10)
    single, _ = jax.jit(head)(
        *jax.tree.map(lambda x: x.astype(np.float32), (VARIABLES, FIRST, SECOND))
    )
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, double, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("rows", "columns", "hidden"), [(3, 5, 1), (4, 2, 130)])
def test_relu_of_sums_is_a_float64_sum_in_value_and_gradient(rows, columns, hidden):
    a, b, w = (RNG.normal(size=s) for s in ((rows, hidden), (columns, hidden), (hidden,)))
    g = RNG.normal(size=(rows, columns))
    sums = a[:, None] + b[None]

    @jax.jit
    def both(g, *inputs):
        out, pull = jax.vjp(relu_of_sums, *inputs)
        return out, pull(g)

    with jax.enable_x64(True):
        out, gradients = both(g, a, b, w)
    np.testing.assert_allclose(out, np.maximum(sums, 0) @ w, atol=1e-11)
    active = g[:, :, None] * (sums > 0)
    expected = (
        active.sum(axis=1) * w,
        active.sum(axis=0) * w,
        (g[:, :, None] * np.maximum(sums, 0)).sum(axis=(0, 1)),
    )
    for found, true in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(found, true, atol=1e-11)
