"""What learning a similarity and reconstructing clusters share: Adam in stages, the outer loop."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import optax

from l2c_jax.pairwise.networks import Variables
from l2c_jax.training import loop
from l2c_jax.types import Array, Key, PyTree


class TrainState(NamedTuple):
    """All that training needs to go on; every random draw follows from the seed and the step."""

    variables: Variables
    opt_state: optax.OptState
    step: Array  # [] int32, steps done


Step: TypeAlias = Callable[..., tuple[TrainState, Mapping[str, Array]]]
"""``step(state, data, key, *static)`` makes one; its second result is scalars to log, among them
``"loss"``."""


def check_stages(learning_rate: float, drops: Sequence[float]) -> None:
    """Refuse a schedule that makes no sense.

    Raises:
      ValueError: if the learning rate is not positive or a drop lies outside (0, 1).
    """
    if not learning_rate > 0:
        raise ValueError("learning_rate must be positive")
    if not all(0 < share < 1 for share in drops):
        raise ValueError(f"drops are shares of the training, between 0 and 1; got {drops}")


def check_crop(crop: tuple[float, float]) -> None:
    """Refuse a range of areas that makes no sense.

    Raises:
      ValueError: if it is not increasing within (0, 1].
    """
    if not 0 < crop[0] <= crop[1] <= 1:
        raise ValueError(f"crop must be a least and a largest share of the area, got {crop}")


def optimizer(
    learning_rate: float, drops: Sequence[float], iterations: int
) -> optax.GradientTransformation:
    """Adam, its step size divided by 10 after each of some shares of the training.

    Example:
      >>> optimizer(1e-3, (0.6, 0.8), 1000).init({}) is not None
      True
    """
    stages = {round(share * iterations): 0.1 for share in drops}
    return optax.adam(optax.piecewise_constant_schedule(learning_rate, stages))


def init_state(variables: Variables, adam: optax.GradientTransformation) -> TrainState:
    """The state before the first step."""
    return TrainState(variables, adam.init(variables.params), jnp.int32(0))


def descend(
    state: TrainState,
    adam: optax.GradientTransformation,
    loss: Callable[[Variables], tuple[Array, tuple[PyTree, Mapping[str, Array]]]],
) -> tuple[TrainState, dict[str, Array]]:
    """One step of Adam.

    Args:
      state: where to go on.
      adam: the optimiser.
      loss: variables to the loss, the new batch statistics and what else to log.

    Returns:
      The new state, and what to log with the loss among it.
    """

    def of_params(params: PyTree) -> tuple[Array, tuple[PyTree, Mapping[str, Array]]]:
        return loss(state.variables._replace(params=params))

    grad = jax.value_and_grad(of_params, has_aux=True)
    (value, (batch_stats, info)), gradient = grad(state.variables.params)
    updates, opt_state = adam.update(gradient, state.opt_state, state.variables.params)
    params = optax.apply_updates(state.variables.params, updates)
    variables = Variables(params, batch_stats)
    return TrainState(variables, opt_state, state.step + 1), {"loss": value, **info}


@partial(jax.jit, static_argnames=("step", "static", "length"), donate_argnames="state")
def _chunk(
    state: TrainState, data: PyTree, key: Key, step: Step, static: tuple, length: int
) -> tuple[TrainState, Any]:
    """Some steps in one call, and the means of what they log."""
    state, infos = jax.lax.scan(
        lambda state, _: step(state, data, key, *static), state, None, length=length
    )
    return state, jax.tree.map(jnp.mean, infos)


def run(
    step: Step,
    static: tuple,
    state: TrainState,
    data: PyTree,
    key: Key,
    config: loop.LoopConfig,
    *,
    story: Mapping[str, Any],
    folder: str | Path | None,
    resume: bool,
    progress: bool,
    on_log: Callable[[dict[str, Any]], None] | None,
) -> tuple[TrainState, int, float]:
    """Train under :func:`l2c_jax.training.loop.run`; steps between two logged lines are one device call.

    Args:
      step: makes one step.
      static: the last arguments of ``step``, hashable.
      state: where to start.
      data: what every step reads; put on the device once.
      key: the run's key, which every step is given.
      config: lengths.
      story: see :func:`l2c_jax.training.loop.run`, as are the others.

    Returns:
      The state, how many steps are done, and the seconds they took.
    """
    data = jax.device_put(data)

    def prepare() -> loop.Advance:
        # compiled beforehand, so that no logged speed has the compiler's time in it
        usual = min(config.log_every, config.iterations)
        lengths = {usual, config.iterations % usual} - {0}
        compiled = {
            n: _chunk.lower(state, data, key, step, static, length=n).compile() for n in lengths
        }

        def advance(state: PyTree, length: int) -> tuple[PyTree, dict[str, Any]]:
            state, info = compiled[length](state, data, key)
            return state, {name: round(float(value), 6) for name, value in info.items()}

        return advance

    return loop.run(
        prepare,
        state,
        config,
        folder=folder,
        story=story,
        resume=resume,
        progress=progress,
        on_log=on_log,
    )
