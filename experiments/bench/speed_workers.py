"""The programs of ``experiments.bench.speed``, each in a process of its own.

A worker reads one JSON command per line and answers with one JSON line. ``prepare`` compiles for
some B and N; ``forward`` and ``both`` (forward and backward) run once and answer with seconds.
"""

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

HIDDEN, CLUSTERS, DIMENSIONS = (64, 64, 64), 2, 2
Pair = tuple[Callable[[], Any], Callable[[], Any]]


def data(batch: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Points ``[B, N, D]`` and the weights of a random loss ``[B, N, K]``."""
    random = np.random.default_rng(0)
    points = random.standard_normal((batch, size, DIMENSIONS), np.float32)
    return points, random.standard_normal((batch, size, CLUSTERS), np.float32)


def recurrent(batch: int, size: int, *, scan: str, devices: int) -> Pair:
    """This library's learner with one kind of scan, its batch sharded over some devices."""
    import jax
    import jax.numpy as jnp
    from jax.sharding import NamedSharding
    from jax.sharding import PartitionSpec as P

    from l2c_jax.recurrent import ModelConfig, clear, init, rollout
    from l2c_jax.recurrent import scan as scans

    points, weights = data(batch, size)
    shares = max(n for n in range(1, devices + 1) if batch % n == 0)
    mesh = jax.make_mesh((shares,), ("tasks",), devices=jax.devices()[:shares])
    config = ModelConfig(DIMENSIONS, CLUSTERS, HIDDEN)
    params = init(jax.random.key(0), config)

    def scores(params: Any, points: Any) -> Any:
        def one(points: Any) -> Any:
            order, how = jnp.arange(size), getattr(scans, scan)
            return rollout(params, clear(params, config), points, order, config, scan=how)[1]

        return jax.vmap(one)(points)

    def gradient(params: Any, points: Any, weights: Any) -> Any:
        def loss(params: Any) -> Any:
            return (scores(params, points) * weights).mean()

        return jax.lax.pmean(jax.grad(loss)(params), "tasks")

    def shared(function: Callable, specs: tuple, out: Any) -> Callable:
        return jax.jit(
            jax.shard_map(function, mesh=mesh, in_specs=specs, out_specs=out, check_vma=False)
        )

    tasks = NamedSharding(mesh, P("tasks"))
    points, weights = jax.device_put(points, tasks), jax.device_put(weights, tasks)
    params = jax.device_put(params, NamedSharding(mesh, P()))
    forward = shared(scores, (P(), P("tasks")), P("tasks"))
    both = shared(gradient, (P(), P("tasks"), P("tasks")), P())
    return (
        lambda: jax.block_until_ready(forward(params, points)),
        lambda: jax.block_until_ready(both(params, points, weights)),
    )


def ours(batch: int, size: int) -> Pair:
    """The library as the command line runs it: see ``l2c_jax.training.runtime.start``."""
    import jax

    return recurrent(batch, size, scan="checkpointed", devices=jax.device_count())


def ours_one_device(batch: int, size: int) -> Pair:
    """The same on one of the devices."""
    return recurrent(batch, size, scan="checkpointed", devices=1)


def autodiff(batch: int, size: int) -> Pair:
    """Plain autodiff of ``jax.lax.scan`` on one device, with JAX's own settings."""
    return recurrent(batch, size, scan="plain", devices=1)


def linen(batch: int, size: int) -> Pair:
    """A stack of ``flax.linen.OptimizedLSTMCell`` with the same feedback, under ``nn.scan``."""
    import flax.linen as nn
    import jax
    import jax.numpy as jnp

    class Stack(nn.Module):
        @nn.compact
        def __call__(self, carry: Any, point: Any) -> Any:
            states, score = carry
            signal, new = jnp.concatenate([point, score], axis=-1), []
            widths = (*HIDDEN, CLUSTERS)
            for index, (width, state) in enumerate(zip(widths, states, strict=True)):
                state, hidden = nn.OptimizedLSTMCell(width)(state, signal)
                signal = signal + hidden if 0 < index < len(widths) - 1 else hidden
                new.append(state)
            return (tuple(new), signal), signal

    points, weights = map(jnp.asarray, data(batch, size))
    model = nn.scan(
        Stack, variable_broadcast="params", split_rngs={"params": False}, in_axes=1, out_axes=1
    )()
    zeros = tuple((jnp.zeros((batch, w)), jnp.zeros((batch, w))) for w in (*HIDDEN, CLUSTERS))
    carry = (zeros, jnp.zeros((batch, CLUSTERS)))
    params = model.init(jax.random.key(0), carry, points)

    def scores(params: Any) -> Any:
        return model.apply(params, carry, points)[1]

    forward = jax.jit(scores)
    both = jax.jit(jax.grad(lambda params: (scores(params) * weights).mean()))
    return (
        lambda: jax.block_until_ready(forward(params)),
        lambda: jax.block_until_ready(both(params)),
    )


def torch_loop(batch: int, size: int) -> Pair:
    """PyTorch's ``LSTMCell`` in a Python loop, with PyTorch's own number of threads."""
    import torch

    points, weights = map(torch.from_numpy, data(batch, size))
    widths = (*HIDDEN, CLUSTERS)
    inputs = (DIMENSIONS + CLUSTERS, *HIDDEN)
    cells = [torch.nn.LSTMCell(i, h) for i, h in zip(inputs, widths, strict=True)]
    parameters = [p for cell in cells for p in cell.parameters()]

    def scores() -> torch.Tensor:
        states = [(torch.zeros(batch, w), torch.zeros(batch, w)) for w in widths]
        score, out = torch.zeros(batch, CLUSTERS), []
        for step in range(size):
            signal = torch.cat([points[:, step], score], dim=1)
            for index, cell in enumerate(cells):
                states[index] = cell(signal, states[index])
                hidden = states[index][0]
                signal = signal + hidden if 0 < index < len(cells) - 1 else hidden
            score = signal
            out.append(score)
        return torch.stack(out, dim=1)

    def forward() -> None:
        with torch.no_grad():
            scores()

    def both() -> None:
        for parameter in parameters:
            parameter.grad = None
        (scores() * weights).mean().backward()

    return forward, both


def sgemm(batch: int, size: int) -> Pair:
    """Duration of the learner's matrix products at this machine's sgemm rate.

    The rate is NumPy's on two matrices of 2,048 rows and columns, all cores. Backward is twice
    the arithmetic of forward; recomputation of gates does not count.
    """
    a = np.random.default_rng(0).standard_normal((2048, 2048), np.float32)
    inputs = (DIMENSIONS + CLUSTERS, *HIDDEN)
    weights = sum((i + h) * 4 * h for i, h in zip(inputs, (*HIDDEN, CLUSTERS), strict=True))
    share = weights * batch * size / 2048**3

    def run(times: float) -> float:
        start = time.perf_counter()
        a @ a
        return (time.perf_counter() - start) * share * times

    return (lambda: run(1)), (lambda: run(3))


WORKERS: dict[str, Callable[[int, int], Pair]] = {
    "learned": ours,
    "learned (one device)": ours_one_device,
    "autodiff": autodiff,
    "linen": linen,
    "torch": torch_loop,
    "bound": sgemm,
}


def timed(name: str, run: Callable[[], Any]) -> float:
    """Seconds of a run after an untimed one; the bound returns its own."""
    run()
    start = time.perf_counter()
    result = run()
    return result if name == "bound" else time.perf_counter() - start


def main() -> None:
    """Serve commands until standard input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=WORKERS)
    name = parser.parse_args().name
    if name.startswith("learned"):
        from l2c_jax.training import runtime

        runtime.start()
    pair: Pair | None = None
    for line in sys.stdin:
        command = json.loads(line)
        answer: Any = None
        if command["do"] == "prepare":
            pair = WORKERS[name](command["batch"], command["size"])
            for run in pair:  # compile, then warm up
                run()
                run()
        elif command["do"] == "memory":
            answer = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        else:
            assert pair is not None
            answer = timed(name, pair[command["do"] == "both"])
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
