"""Algorithm 1: reproducible, resumable, and it learns."""

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy.special import log_softmax

from l2c_jax.metrics import matched_error
from l2c_jax.recurrent.batch import preprocess_task
from l2c_jax.recurrent.config import InferenceConfig, ModelConfig, TrainConfig
from l2c_jax.recurrent.evaluation import predict_tasks
from l2c_jax.recurrent.learner import Learner
from l2c_jax.recurrent.model import clear, rollout
from l2c_jax.recurrent.train import default_optimizer, init_state, train_step, train_steps
from l2c_jax.tasks.base import Task, reading_order
from l2c_jax.tasks.gaussian import GaussianTasks

MODEL = ModelConfig(num_clusters=3, hidden=(4, 4))
TRAINING = TrainConfig(iterations=10, batch=3)
VARIANTS = {
    "as in the paper": (MODEL, TRAINING),
    "hungarian": (MODEL, replace(TRAINING, label_assignment="hungarian")),
    "iteration": (MODEL, replace(TRAINING, update="iteration")),
    "half local": (MODEL, replace(TRAINING, classification_weight=0.5)),
    "all local": (MODEL, replace(TRAINING, classification_weight=0.0)),
    "conditioned, raw": (
        ModelConfig(
            num_clusters=3,
            hidden=(4,),
            preprocessing="raw",
            feedback=False,
            condition_on_num_clusters=True,
        ),
        replace(TRAINING, label_assignment="hungarian"),
    ),
    "slots, frozen loss": (
        ModelConfig(
            num_clusters=3,
            hidden=(4,),
            architecture="slots",
            logit_scale=1.0,
            condition_on_num_clusters=True,
        ),
        replace(TRAINING, label_assignment="hungarian", frozen_loss_weight=0.5, k_dropout=0.5),
    ),
}
one_step = jax.jit(train_step, static_argnames=("config", "training"))


def source(key) -> Task:
    """10 points, the last two of them padding, in three clusters."""
    mask = jnp.arange(10) < 8
    points = jax.random.normal(key, (10, 2)) * mask[:, None]
    return Task(points, jnp.where(mask, jnp.arange(10) % 3, 0), mask)


class Source:
    """A task distribution by duck typing."""

    num_points, dimensions, num_clusters = 10, 2, 3
    sample = staticmethod(source)


def a_batch() -> Task:
    return jax.vmap(source)(jax.random.split(jax.random.key(1), 3))


def start(name: str = "as in the paper"):
    return init_state(jax.random.key(0), *VARIANTS[name])


def stepped(name: str = "as in the paper", seed: int = 2, batch: Task | None = None, state=None):
    """One training step of a variant."""
    batch, state = batch or a_batch(), state or start(name)
    return one_step(state, jax.random.key(seed), batch, *VARIANTS[name])


def equal(one, other) -> None:
    jax.tree.map(np.testing.assert_array_equal, one, other)


@pytest.mark.parametrize("name", VARIANTS)
def test_step_moves_every_parameter_and_stays_finite(name):
    state, info = stepped(name)
    assert int(state.step) == 1
    assert info.loss.shape == info.error.shape == (2,)
    assert np.isfinite(info.loss).all()
    assert ((info.error >= 0) & (info.error <= 1)).all()
    new, old = jax.tree.leaves(state.params), jax.tree.leaves(start(name).params)
    for one, other in zip(new, old, strict=True):
        assert np.isfinite(one).all()
        assert (one != other).any()


@pytest.mark.parametrize("update", ["epoch", "iteration"])
def test_where_clusters_start_is_learned(update):
    model, training = VARIANTS["slots, frozen loss"]
    training = replace(training, update=update, epochs=1)
    state = init_state(jax.random.key(0), model, training)
    new, _ = one_step(state, jax.random.key(2), a_batch(), model, training)
    assert (new.params.initial_cell != state.params.initial_cell).all()


def test_truncated_windows_would_not_learn_where_clusters_start():
    model, training = VARIANTS["slots, frozen loss"]
    training = replace(training, window=4, truncate=True)
    with pytest.raises(ValueError, match="truncate"):
        train_step(
            init_state(jax.random.key(0), model, training),
            jax.random.key(2),
            a_batch(),
            model,
            training,
        )


def test_the_loss_is_shared_between_the_way_and_the_end():
    model, training = VARIANTS["conditioned, raw"]
    training = replace(training, label_assignment="canonical", epochs=1)
    losses = []
    for weight in (0.25, 0.5, 1.0):
        shared = replace(training, frozen_loss_weight=weight)
        state = init_state(jax.random.key(0), model, shared)
        losses.append(
            float(one_step(state, jax.random.key(2), a_batch(), model, shared)[1].loss[0])
        )
    state = init_state(jax.random.key(0), model, training)
    way = float(one_step(state, jax.random.key(2), a_batch(), model, training)[1].loss[0])
    end = losses[-1]
    np.testing.assert_allclose(losses[:2], [way + 0.25 * (end - way), (way + end) / 2], rtol=1e-5)
    assert abs(end - way) > 1e-4


def test_same_key_same_step():
    equal(stepped(), stepped())


def test_other_orders_other_losses():
    assert (stepped(seed=2)[1].loss != stepped(seed=3)[1].loss).all()


def test_two_and_two_iterations_are_four_bit_for_bit():
    @partial(jax.jit, static_argnames="length")
    def advance(state, length):
        step = partial(train_step, config=MODEL, training=TRAINING)
        return train_steps(state, jax.random.key(3), Source(), step, batch=3, length=length)

    whole, info = advance(start(), 4)
    part, first = advance(start(), 2)
    part, second = advance(part, 2)
    equal(part, whole)
    equal(np.concatenate([first.loss, second.loss]), info.loss)
    assert int(whole.step) == 4


def test_carry_is_cleared_for_every_iteration():
    """With the parameters of the start, an iteration is what it would have been at the start."""
    other = jax.vmap(source)(jax.random.split(jax.random.key(9), 3))
    later, _ = stepped(batch=other)
    again, first = stepped(state=later._replace(params=start().params))[1], stepped()[1]
    equal(again.loss[0], first.loss[0])


def test_losses_are_those_of_passes_with_the_carry_threaded():
    _, info = stepped("iteration")
    read = jax.jit(rollout, static_argnames="config")
    params, losses = start().params, []
    tasks = jax.vmap(partial(preprocess_task, config=MODEL))(a_batch())
    carries = [clear(params, MODEL)] * 3
    for key in jax.random.split(jax.random.key(2), 2):
        total = 0.0
        for index, key_order in enumerate(jax.random.split(key, 3)):
            points, labels, mask = (leaf[index] for leaf in tasks)
            order = reading_order(key_order, mask)
            carries[index], scores = read(params, carries[index], points, order, MODEL, mask=mask)
            log_probs = log_softmax(5.0 * np.array(scores, np.float64), axis=1)
            total -= log_probs[np.arange(8), labels[:8]].mean() / 3
        losses.append(total)
    np.testing.assert_allclose(info.loss, losses, rtol=1e-5)


@pytest.mark.parametrize("name", ["as in the paper", "hungarian"])
def test_names_of_the_true_clusters_do_not_matter(name):
    batch = a_batch()
    renamed = jnp.where(batch.mask, jnp.array([2, 0, 1])[batch.labels], 0)
    equal(stepped(name), stepped(name, batch=batch._replace(labels=renamed)))


def test_loss_is_the_weighted_sum_of_both():
    half, local, classify = (
        stepped(name)[1].loss[0] for name in ("half local", "all local", "as in the paper")
    )
    np.testing.assert_allclose(half, 0.5 * local + 0.5 * classify, rtol=1e-5)


@pytest.mark.parametrize(("update", "updates"), [("epoch", 6), ("iteration", 3)])
def test_step_size_falls_linearly_to_zero(update, updates):
    """Adam's steps along a steady gradient are as long as the step size."""
    training = TrainConfig(iterations=3, epochs=2, update=update, learning_rate=0.1)
    steps, params = default_optimizer(training), jnp.zeros(1)
    state, sizes = steps.init(params), []
    for _ in range(updates + 1):
        change, state = steps.update(jnp.ones(1), state, params)
        sizes.append(-float(change[0]))
    np.testing.assert_allclose(sizes, np.linspace(0.1, 0, updates + 1), atol=1e-5)


EASY = GaussianTasks(num_points=40, num_swirls=0, alpha=3.0, theta=3.0)
SMALL = ModelConfig(hidden=(16, 16, 16))


@jax.jit
def easy_error(params):
    """Mean error on 64 fresh tasks."""
    key_tasks, key_read = jax.random.split(jax.random.key(100))
    tasks = jax.vmap(EASY.sample)(jax.random.split(key_tasks, 64))
    one_order = InferenceConfig(orders=1)
    found = predict_tasks(Learner(params, SMALL), key_read, tasks, config=one_order)
    over_tasks = jax.vmap(partial(matched_error, num_clusters=2))
    return over_tasks(tasks.labels, found.argmax(axis=2), tasks.mask).mean()


@pytest.mark.parametrize(
    ("labels", "optimizer"),
    [
        pytest.param("canonical", None, marks=pytest.mark.slow),
        ("hungarian", None),
        ("hungarian", optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(1e-2))),
    ],
    ids=["canonical", "hungarian", "any optimizer"],
)
def test_a_short_training_learns_to_cluster(labels, optimizer):
    training = TrainConfig(iterations=120, batch=16, learning_rate=2e-2, label_assignment=labels)
    state = init_state(jax.random.key(0), SMALL, training, optimizer)
    assert easy_error(state.params) > 0.25
    step = partial(train_step, config=SMALL, training=training, optimizer=optimizer)
    train = jax.jit(partial(train_steps, distribution=EASY, step=step, batch=16, length=120))
    state, info = train(state, jax.random.key(1))
    assert easy_error(state.params) < 0.1
    assert info.loss[-20:].mean() < 0.5 * info.loss[:20].mean()


@pytest.mark.parametrize("update", ["epoch", "iteration"])
@pytest.mark.parametrize("name", ["half local", "slots, frozen loss"])
def test_an_explicit_mesh_gives_the_same_step(name, update):
    config, training = VARIANTS[name]
    training = replace(training, update=update)
    mesh = jax.make_mesh((1,), ("tasks",))
    state = init_state(jax.random.key(0), config, training)
    expected, _ = one_step(state, jax.random.key(2), a_batch(), config, training)
    with jax.set_mesh(mesh):
        over_tasks = jax.NamedSharding(mesh, jax.P("tasks"))
        tasks = jax.device_put(a_batch(), over_tasks)
        found, _ = one_step(state, jax.random.key(2), tasks, config, training)
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
