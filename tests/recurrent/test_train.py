"""Algorithm 1: reproducible, resumable, and it learns."""

import dataclasses
from functools import partial

import jax
import numpy as np
import pytest

from l2c_jax.metrics import matched_error
from l2c_jax.recurrent.cluster import assign_tasks
from l2c_jax.recurrent.model import ModelConfig
from l2c_jax.recurrent.train import TrainConfig, init_state, iterations, train_step
from l2c_jax.tasks.synthetic import TaskConfig, draw_task

TASKS = TaskConfig(num_points=10, num_clusters=3, min_points=4, min_clusters=2, swirls=0)
MODEL = ModelConfig(num_clusters=3, hidden=(4, 4, 4))
TRAINING = TrainConfig(iterations=10, batch=3)
source = partial(draw_task, config=TASKS)


def start(model: ModelConfig = MODEL, training: TrainConfig = TRAINING):
    return init_state(jax.random.key(0), model, training)


@partial(jax.jit, static_argnames=("model", "training", "length"))
def advance(state, key, *, model=MODEL, training=TRAINING, length=1):
    return iterations(state, key, source, model, training, length)


def a_batch():
    return jax.jit(jax.vmap(source))(jax.random.split(jax.random.key(1), 3))


one_step = jax.jit(train_step, static_argnames=("model", "training"))


def equal(one, other) -> None:
    jax.tree.map(np.testing.assert_array_equal, one, other)


def test_same_key_same_step():
    steps = [one_step(start(), jax.random.key(2), a_batch(), MODEL, TRAINING) for _ in range(2)]
    equal(*steps)


def test_other_orders_other_step():
    losses = [
        one_step(start(), jax.random.key(seed), a_batch(), MODEL, TRAINING)[1].loss
        for seed in (2, 3)
    ]
    assert (losses[0] != losses[1]).all()


def test_two_and_three_iterations_are_five_bit_for_bit():
    whole, info = advance(start(), jax.random.key(3), length=5)
    part, first = advance(start(), jax.random.key(3), length=2)
    part, second = advance(part, jax.random.key(3), length=3)
    equal(part, whole)
    equal(np.concatenate([first.loss, second.loss]), info.loss)
    assert int(whole.step) == 5


def test_carry_is_cleared_for_every_iteration():
    """The same batch and parameters give the same losses, whatever was read before."""
    still = dataclasses.replace(TRAINING, learning_rate=1e-30)
    first, info = one_step(start(), jax.random.key(2), a_batch(), MODEL, still)
    _, again = one_step(first, jax.random.key(2), a_batch(), MODEL, still)
    equal(first.params, start().params)
    equal(again, info)


def test_second_pass_goes_on_from_the_first():
    """Were the carry cleared between passes, the same order would give the same loss."""
    still = dataclasses.replace(TRAINING, learning_rate=1e-30, passes=3)
    single = jax.tree.map(lambda leaf: leaf[:, :1], a_batch())  # one point: one order
    info = one_step(start(), jax.random.key(2), single, MODEL, still)[1]
    assert len({float(loss) for loss in info.loss}) == 3


def test_padding_changes_no_loss():
    still = dataclasses.replace(TRAINING, passes=1)
    batch = a_batch()
    grown = jax.tree.map(
        lambda leaf: np.pad(leaf, [(0, 0), (0, 3)] + [(0, 0)] * (leaf.ndim - 2)), batch
    )
    single = batch._replace(mask=np.arange(10)[None] < np.ones((3, 1)))
    more = grown._replace(mask=np.arange(13)[None] < np.ones((3, 1)))
    losses = [
        one_step(start(), jax.random.key(2), b, MODEL, still)[1].loss for b in (single, more)
    ]
    np.testing.assert_allclose(*losses, rtol=1e-5)


def test_names_of_the_true_clusters_do_not_matter():
    names = np.array([2, 0, 1])
    batch = a_batch()
    renamed = batch._replace(labels=np.where(batch.mask, names[batch.labels], 0))
    for labels in ("sorted", "matched"):
        training = dataclasses.replace(TRAINING, labels=labels)
        steps = [
            one_step(start(), jax.random.key(2), b, MODEL, training) for b in (batch, renamed)
        ]
        equal(*steps)


VARIANTS = {
    "matched": (MODEL, {"labels": "matched"}),
    "iteration": (MODEL, {"update": "iteration"}),
    "local": (MODEL, {"lam": 0.5}),
    "only local": (MODEL, {"lam": 0.0}),
    "told the count": (dataclasses.replace(MODEL, given_clusters=True), {"labels": "matched"}),
    "raw": (dataclasses.replace(MODEL, frame="raw", feedback=False, logit_scale=1.0), {}),
}


@pytest.mark.parametrize(("model", "fields"), VARIANTS.values(), ids=VARIANTS.keys())
def test_variants_move_the_parameters_and_stay_finite(model, fields):
    training = dataclasses.replace(TRAINING, **fields)
    state, info = advance(
        start(model, training), jax.random.key(3), model=model, training=training, length=3
    )
    assert info.loss.shape == info.error.shape == (3, 2)
    assert np.isfinite(info.loss).all()
    assert ((info.error >= 0) & (info.error <= 1)).all()
    for new, old in zip(
        jax.tree.leaves(state.params), jax.tree.leaves(start(model, training).params), strict=True
    ):
        assert np.isfinite(new).all()
        assert (new != old).any()


def test_loss_is_the_weighted_sum_of_both():
    losses = {}
    for lam in (0.0, 0.25, 1.0):
        training = dataclasses.replace(TRAINING, passes=1, lam=lam)
        losses[lam] = one_step(start(), jax.random.key(2), a_batch(), MODEL, training)[1].loss
    np.testing.assert_allclose(losses[0.25], 0.25 * losses[1.0] + 0.75 * losses[0.0], rtol=1e-5)


def test_step_size_falls_to_zero():
    """After the last planned iteration nothing moves any more."""
    training = dataclasses.replace(TRAINING, iterations=2)
    state, _ = advance(start(), jax.random.key(3), training=training, length=2)
    later, _ = advance(state, jax.random.key(3), training=training, length=1)
    equal(later.params, state.params)


EASY = TaskConfig(num_points=40, swirls=0, alpha=3.0, theta=3.0)


@pytest.mark.parametrize("labels", ["sorted", "matched"])
def test_a_short_training_learns_to_cluster(labels):
    model = ModelConfig(hidden=(16, 16, 16))
    training = TrainConfig(iterations=300, batch=16, learning_rate=1e-2, labels=labels)
    draw = partial(draw_task, config=EASY)

    @jax.jit
    def error(params):
        key_tasks, key_read = jax.random.split(jax.random.key(100))
        tasks = jax.vmap(draw)(jax.random.split(key_tasks, 64))
        found = assign_tasks(params, key_read, tasks, model=model, orders=1).argmax(axis=2)
        over_tasks = jax.vmap(partial(matched_error, num_clusters=2))
        return over_tasks(tasks.labels, found, tasks.mask).mean()

    state = init_state(jax.random.key(0), model, training)
    before = float(error(state.params))
    train = jax.jit(partial(iterations, source=draw, model=model, training=training, length=300))
    state, info = train(state, jax.random.key(1))
    after = float(error(state.params))
    assert before > 0.25
    assert after < 0.12
    assert info.loss[-20:].mean() < 0.5 * info.loss[:20].mean()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"iterations": 0}, "must be at least 1"),
        ({"batch": 0}, "must be at least 1"),
        ({"passes": 0}, "must be at least 1"),
        ({"log_every": 0}, "must be at least 1"),
        ({"checkpoint_every": 0}, "must be at least 1"),
        ({"learning_rate": 0.0}, "learning_rate and clip must be positive"),
        ({"clip": -1.0}, "learning_rate and clip must be positive"),
        ({"lam": 1.5}, r"lam must lie in \[0, 1\]"),
        ({"neighbours": 0}, "neighbours must be at least 1"),
        ({"labels": "random"}, '"sorted" or "matched", got \'random\''),
        ({"update": "never"}, '"pass" or "iteration", got \'never\''),
    ],
)
def test_impossible_trainings_are_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        TrainConfig(**fields)
