"""Training shared by similarity and clustering: Adam with milestones, one step, the outer loop."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import optax

from l2c_jax.pairwise.backbones import Backbone, describe_backbone
from l2c_jax.pairwise.config import ConstrainedConfig, SimilarityConfig, describe_config
from l2c_jax.pairwise.layers import Variables
from l2c_jax.training import loop
from l2c_jax.types import Array, Key, PyTree


class TrainState(NamedTuple):
    """The state of a training; random draws follow from the run's key and ``step``."""

    variables: Variables
    opt_state: optax.OptState
    step: Array  # [] int32, steps done


Info: TypeAlias = Mapping[str, Array]
"""Scalars to log."""

Loss: TypeAlias = Callable[[Variables], tuple[Array, tuple[PyTree, Info]]]
"""Variables to the loss ``[]``, the new batch statistics and what else to log."""


@dataclass(frozen=True)
class Step:
    """A training step with its static arguments, hashable by value."""

    function: Callable[..., tuple[TrainState, Info]]
    """``function(state, data, key, *static)``; ``"loss"`` is among what it logs."""
    static: tuple
    """Hashable."""

    def __call__(self, state: TrainState, data: PyTree, key: Key) -> tuple[TrainState, Info]:
        """The next state, and scalars to log."""
        return self.function(state, data, key, *self.static)


def adam_with_milestones(
    learning_rate: float, lr_milestones: Sequence[float], iterations: int
) -> optax.GradientTransformation:
    """Adam whose step size is divided by 10 at each milestone.

    Args:
      learning_rate: step size at the start.
      lr_milestones: shares of the training.
      iterations: length of the training.

    Returns:
      The optimizer.

    References:
      Kingma & Ba, *Adam: a method for stochastic optimization*, 2015.

    Example:
      >>> adam_with_milestones(1e-3, (0.6, 0.8), 1000).init({}) is not None
      True
    """
    stages = {round(share * iterations): 0.1 for share in lr_milestones}
    return optax.adam(optax.piecewise_constant_schedule(learning_rate, stages))


def init_state(variables: Variables, optimizer: optax.GradientTransformation) -> TrainState:
    """The state before the first step."""
    return TrainState(variables, optimizer.init(variables.params), jnp.int32(0))


def descend(
    state: TrainState, optimizer: optax.GradientTransformation, loss: Loss
) -> tuple[TrainState, dict[str, Array]]:
    """One step of an optimizer.

    Args:
      state: of the training.
      optimizer: any optax optimizer.
      loss: of the variables.

    Returns:
      The new state, and what to log with the loss among it.
    """

    def loss_of_params(params: PyTree) -> tuple[Array, tuple[PyTree, Info]]:
        return loss(state.variables._replace(params=params))

    grad = jax.value_and_grad(loss_of_params, has_aux=True)
    (value, (batch_stats, info)), gradient = grad(state.variables.params)
    with jax.numpy_dtype_promotion("standard"):  # optax multiplies numbers by counts
        updates, opt_state = optimizer.update(gradient, state.opt_state, state.variables.params)
    params = optax.apply_updates(state.variables.params, updates)
    variables = Variables(params, batch_stats)
    return TrainState(variables, opt_state, state.step + 1), {"loss": value, **info}


def describe_run(
    kind: str,
    backbone: Backbone,
    config: SimilarityConfig | ConstrainedConfig,
    optimizer: optax.GradientTransformation | None,
    data: str,
) -> dict[str, Any]:
    """What a resumed run has to share with the one that it resumes.

    Args:
      kind: of the training.
      backbone: of its network.
      config: how it is trained.
      optimizer: as given by the caller, or ``None``.
      data: content hash.

    Returns:
      Plain entries for JSON.
    """
    found = {
        "kind": kind,
        "backbone": describe_backbone(backbone),
        "training": describe_config(config),
        "data": data,
    }
    return found if optimizer is None else {**found, "optimizer": "given by the caller"}


@partial(jax.jit, static_argnames=("step", "length"), donate_argnames="state")
def _chunk(
    state: TrainState, data: PyTree, key: Key, step: Step, length: int
) -> tuple[TrainState, Any]:
    """``length`` steps in one call, and the means of what they log."""
    state, infos = jax.lax.scan(
        lambda state, _: step(state, data, key), state, None, length=length
    )
    return state, jax.tree.map(jnp.mean, infos)


def run_steps(
    step: Step,
    state: TrainState,
    data: PyTree,
    key: Key,
    config: loop.LoopConfig,
    *,
    run_config: Mapping[str, Any],
    run: loop.RunOptions,
) -> loop.RunResult:
    """Train under :func:`l2c_jax.training.loop.run`; ``log_every`` steps are one device call.

    Args:
      step: one step.
      state: where to start.
      data: the second argument of every step; put on the device once.
      key: the run's key, the third argument of every step.
      config: lengths.
      run_config: what a resumed run has to share with the one that it resumes.
      run: folder, resume, progress bar, callback.

    Returns:
      The state, how many steps are done, and the seconds they took.

    Raises:
      l2c_jax.training.loop.DivergedError: if the loss is not finite.
      l2c_jax.training.loop.RunExistsError: if the folder holds another run.
    """
    data = jax.device_put(data)

    def prepare() -> loop.Advance:
        # compiled beforehand: no logged time includes compilation
        usual = min(config.log_every, config.iterations)
        lengths = {usual, config.iterations % usual} - {0}
        compiled = {n: _chunk.lower(state, data, key, step, length=n).compile() for n in lengths}

        def advance(state: PyTree, length: int) -> tuple[PyTree, dict[str, Any]]:
            state, info = compiled[length](state, data, key)
            return state, {name: round(float(value), 6) for name, value in info.items()}

        return advance

    return loop.run(prepare, state, config, replace(run, run_config=run_config))
