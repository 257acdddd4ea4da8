"""Adam with milestones; steps that are equal by value share a compiled program."""

import jax
import numpy as np
import optax

from l2c_jax.pairwise.layers import Variables
from l2c_jax.pairwise.train import Step, adam_with_milestones, descend, init_state


def test_step_size_falls_tenfold_after_each_share_of_the_training():
    adam = adam_with_milestones(0.1, (0.5, 0.75), 8)
    update = jax.jit(adam.update)
    params, sizes = np.zeros(1, np.float32), []
    state = adam.init(params)
    for _ in range(8):
        moved, state = update(np.ones(1, np.float32), state)  # constant gradient: lr
        sizes.append(float(-moved[0]))
    np.testing.assert_allclose(sizes, [0.1] * 4 + [0.01] * 2 + [0.001] * 2, rtol=1e-4)


def test_descending_takes_any_optimizer_and_keeps_what_the_loss_returns():
    sgd = optax.sgd(0.25)
    state = init_state(Variables({"x": np.float32(2)}, {"mean": np.float32(0)}), sgd)

    def loss(variables):
        return variables.params["x"] ** 2, ({"mean": np.float32(7)}, {"error": np.float32(3)})

    new, info = descend(state, sgd, loss)
    assert float(new.variables.params["x"]) == 2 - 0.25 * 4
    assert new.variables.batch_stats == {"mean": 7}
    assert (int(new.step), info["loss"], info["error"]) == (1, 4, 3)


def test_steps_are_hashable_by_value():
    def function(state, data, key, scale):
        return state * scale + data, {}

    assert Step(function, (3,)) == Step(function, (3,))
    assert hash(Step(function, (3,))) == hash(Step(function, (3,)))
    assert Step(function, (3,)) != Step(function, (4,))
    assert Step(function, (3,))(2, 1, None)[0] == 7
