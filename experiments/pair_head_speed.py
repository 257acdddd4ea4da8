"""What comparing all pairs costs: a step of learning a similarity against its trunk alone.

Claim: with the first layer of the head split between the two sides of a pair and its batch norm
in closed form, a step on 20 x 5 images of 32 x 32 takes less than 1.3 times its trunk's forward
and backward pass; with the head as printed, on the concatenation of all 10,000 pairs, it takes
many times that.

    python -m experiments.pair_head_speed          # minutes
    python -m experiments.pair_head_speed --smoke  # seconds

All programs run on one device and take turns, so that a slow minute of the machine is slow for
all. On a CPU that is one core.
"""

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from tqdm import tqdm

from experiments.harness import Options, main
from l2c_jax.evaluate import record
from l2c_jax.pairwise.backbones import EPSILON, VGGS
from l2c_jax.pairwise.losses import pair_cross_entropy
from l2c_jax.pairwise.networks import Variables, features, init_similarity
from l2c_jax.pairwise.sampling import index_by_class, pair_labels
from l2c_jax.pairwise.similarity import Examples, SimilarityConfig, similarity_step
from l2c_jax.pairwise.train import TrainState, descend, init_state, optimizer
from l2c_jax.report import Record, markdown_table, number
from l2c_jax.types import Array, Key

WIDTHS, REPEATS, STEPS = (1.0, 0.5), 9, 2


class Concatenated(nn.Module):
    """The head as printed: a perceptron on the features of every pair, side by side."""

    hidden: int

    @nn.compact
    def __call__(self, read: Array) -> Array:
        """``[N, F]`` to log-odds ``[N, N]``."""
        size = read.shape[0]
        pairs = jnp.concatenate(
            [jnp.repeat(read, size, axis=0), jnp.tile(read, (size, 1))], axis=1
        )
        hidden = nn.Dense(self.hidden, use_bias=False)(pairs)
        hidden = nn.relu(nn.BatchNorm(use_running_average=False, epsilon=EPSILON)(hidden))
        two = nn.Dense(2)(hidden)
        return (two[:, 1] - two[:, 0]).reshape(size, size)


def concatenated_step(
    state: TrainState, images: Array, similar: Array, trunk: VGGS, adam: Any
) -> TrainState:
    """A step of the same training with the head as printed; ``params`` has both parts."""

    def loss(variables: Variables) -> tuple[Array, tuple]:
        own = Variables(variables.params["trunk"], variables.batch_stats["trunk"])
        read = features(own, images, trunk=trunk, train=True)
        collections = {
            "params": variables.params["head"],
            "batch_stats": variables.batch_stats["head"],
        }
        head = Concatenated(4 * trunk.features)
        log_odds, _ = head.apply(collections, read, mutable=["batch_stats"])
        return pair_cross_entropy(log_odds, similar), (variables.batch_stats, {})

    return descend(state, adam, loss)[0]


def trunk_pass(variables: Variables, images: Array, trunk: VGGS) -> Variables:
    """Forward and backward of the trunk alone; the variables move, so that nothing is left out."""

    def total(params: Any) -> Array:
        return features(variables._replace(params=params), images, trunk=trunk, train=True).sum()

    gradient = jax.grad(total)(variables.params)
    moved = jax.tree.map(lambda p, g: p - 1e-6 * g, variables.params["trunk"], gradient["trunk"])
    return variables._replace(params={**variables.params, "trunk": moved})


def programs(
    key: Key, trunk: VGGS, config: SimilarityConfig, steps: int
) -> dict[str, tuple[Callable, Any]]:
    """Every competitor as ``state -> state`` of several steps, and where it starts."""
    key_images, key_init, key_run, key_head = jax.random.split(key, 4)
    count = config.classes * config.per_class
    labels = jnp.arange(2 * count) % config.classes
    images = jax.random.uniform(key_images, (2 * count, *trunk.shape))
    examples = Examples(images, labels, index_by_class(labels, config.per_class))
    batch, similar = images[:count], pair_labels(labels[:count])
    variables = jax.jit(init_similarity, static_argnums=1)(key_init, trunk)
    adam = optimizer(config.learning_rate, config.drops, config.iterations)
    empty = jnp.zeros((2, trunk.features))
    head = jax.jit(Concatenated(4 * trunk.features).init)(key_head, empty)
    both = Variables(
        {"trunk": variables.params, "head": head["params"]},
        {"trunk": variables.batch_stats, "head": head["batch_stats"]},
    )

    def factored(state: TrainState) -> TrainState:
        return similarity_step(state, examples, key_run, trunk, config)[0]

    def repeated(one: Callable) -> Callable:
        return jax.jit(
            lambda state: jax.lax.scan(lambda s, _: (one(s), None), state, length=steps)[0]
        )

    return {
        "trunk": (repeated(partial(trunk_pass, images=batch, trunk=trunk)), variables),
        "factored": (repeated(factored), init_state(variables, adam)),
        "concatenated": (
            repeated(
                partial(concatenated_step, images=batch, similar=similar, trunk=trunk, adam=adam)
            ),
            init_state(both, adam),
        ),
    }


def lines(options: Options) -> Iterator[Record]:
    """Milliseconds a step of each, and ratios to the trunk's."""
    trunks, repeats = [VGGS(width=width) for width in WIDTHS], REPEATS
    if options.smoke:
        trunks, repeats = [VGGS(size=16, width=1 / 32)], 2
    config = SimilarityConfig(classes=4 if options.smoke else 20)
    for trunk in trunks:
        runs = programs(jax.random.key(options.seed), trunk, config, STEPS)
        wall: dict[str, list[float]] = {name: [] for name in runs}
        processor: dict[str, list[float]] = {name: [] for name in runs}
        for repeat in tqdm(range(repeats + 1), desc=f"width {trunk.width:g}"):
            for name, (program, state) in runs.items():
                if name == "concatenated" and repeat > max(2, repeats // 3):
                    continue
                start, used = time.perf_counter(), time.process_time()
                jax.block_until_ready(program(state))
                if repeat:  # the first call compiles
                    wall[name].append((time.perf_counter() - start) / STEPS)
                    processor[name].append((time.process_time() - used) / STEPS)
        dataset = f"{config.classes} x {config.per_class} images, width {trunk.width:g}"
        for name in runs:
            for metric, seconds in (("ms", wall), ("cpu_ms", processor)):
                yield line(dataset, name, metric, 1e3 * np.array(seconds[name]), options)
            if name != "trunk":
                for metric, seconds in (("vs_trunk", wall), ("cpu_vs_trunk", processor)):
                    own = np.array(seconds[name])
                    ratio = own / np.array(seconds["trunk"])[: len(own)]
                    yield line(dataset, name, metric, ratio, options)


def measure(options: Options) -> list[Record]:
    """All records."""
    return list(lines(options))


def line(dataset: str, method: str, metric: str, values: np.ndarray, options: Options) -> Record:
    """A record with the median, which one slow repeat does not move."""
    extra = {
        "median": float(np.median(values)),
        "least": float(values.min()),
        "largest": float(values.max()),
    }
    return record(
        "pair_head_speed", dataset, method, metric, values, seed=options.seed, extra=extra
    )


def render(records: list[Record]) -> str:
    """The table, for RESULTS.md."""
    found = {(r["dataset"], r["method"], r["metric"]): r for r in records}
    names = {"trunk": "trunk alone", "factored": "step", "concatenated": "step, head as printed"}
    metrics = ("ms", "vs_trunk", "cpu_ms", "cpu_vs_trunk")
    rows = []
    for dataset in dict.fromkeys(r["dataset"] for r in records):
        for method, name in names.items():
            cells = []
            for metric in metrics:
                entry = found.get((dataset, method, metric))
                digits = 2 if metric.endswith("trunk") else 0
                cells.append("-" if entry is None else number(entry["median"], digits))
            rows.append([dataset, name, *cells])
    return (
        "## Comparing all pairs\n\n"
        + markdown_table(["", "", "ms", "ratio to trunk", "processor ms", "ratio to trunk"], rows)
        + "\n\nOne step of learning a similarity (forward, backward, Adam) against its trunk's "
        "forward and backward pass: medians of programs that took turns on one device. Processor "
        "time counts what the program itself computed, whatever else the machine was doing.\n"
    )


if __name__ == "__main__":
    main("pair_head_speed", (__doc__ or "").split("\n")[0], measure)
