"""Cost of comparing all pairs: a training step of a similarity, relative to its backbone.

Claim: with the first layer of the head split between the two sides of a pair and its batch norm
in closed form, a step on 20 x 5 images of 32 x 32 takes less than 1.3 times the forward
and backward computation of its backbone; with the head as in the paper, on the concatenation of
all 10,000 pairs, it takes many times that.

    python -m experiments.bench.pair_head_speed          # minutes
    python -m experiments.bench.pair_head_speed --smoke  # seconds

In every repeat all programs run one after another, on one device (one core of a CPU), so that a
slow minute of the machine affects all.
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

from experiments.lib.markdown import by_key, markdown_table, number
from experiments.lib.records import Record, record
from experiments.lib.runner import Options, main
from l2c_jax.pairwise.backbones import VGGS
from l2c_jax.pairwise.config import SimilarityConfig
from l2c_jax.pairwise.layers import EPSILON, Variables
from l2c_jax.pairwise.learn import LabeledPoints, similarity_step
from l2c_jax.pairwise.losses import pair_cross_entropy
from l2c_jax.pairwise.networks import features, init_similarity
from l2c_jax.pairwise.sampling import index_by_class, pair_labels
from l2c_jax.pairwise.train import TrainState, adam_with_milestones, descend, init_state
from l2c_jax.types import Array, Key

WIDTHS, REPEATS, STEPS = (1.0, 0.5), 9, 2


class Concatenated(nn.Module):
    """The head as in the paper: a perceptron on the concatenated features of every pair."""

    hidden: int

    @nn.compact
    def __call__(self, found: Array) -> Array:
        """``[N, F]`` to log-odds ``[N, N]``."""
        size = found.shape[0]
        pairs = jnp.concatenate(
            [jnp.repeat(found, size, axis=0), jnp.tile(found, (size, 1))], axis=1
        )
        hidden = nn.Dense(self.hidden, use_bias=False)(pairs)
        hidden = nn.relu(nn.BatchNorm(use_running_average=False, epsilon=EPSILON)(hidden))
        two = nn.Dense(2)(hidden)
        return (two[:, 1] - two[:, 0]).reshape(size, size)


def concatenated_step(
    state: TrainState, images: Array, similar: Array, backbone: VGGS, adam: Any
) -> TrainState:
    """A step of the same training with the head as in the paper; ``params`` has both parts."""

    def loss(variables: Variables) -> tuple[Array, tuple]:
        own = Variables(variables.params["backbone"], variables.batch_stats["backbone"])
        found = features(own, images, backbone=backbone, train=True)
        collections = {
            "params": variables.params["head"],
            "batch_stats": variables.batch_stats["head"],
        }
        head = Concatenated(4 * backbone.features)
        log_odds, _ = head.apply(collections, found, mutable=["batch_stats"])
        return pair_cross_entropy(log_odds, similar), (variables.batch_stats, {})

    return descend(state, adam, loss)[0]


def backbone_pass(variables: Variables, images: Array, backbone: VGGS) -> Variables:
    """Forward and backward of the backbone; the variables change, so no part is optimised away."""

    def total(params: Any) -> Array:
        return features(
            variables._replace(params=params), images, backbone=backbone, train=True
        ).sum()

    gradient = jax.grad(total)(variables.params)
    moved = jax.tree.map(
        lambda p, g: p - 1e-6 * g, variables.params["backbone"], gradient["backbone"]
    )
    return variables._replace(params={**variables.params, "backbone": moved})


def programs(
    key: Key, backbone: VGGS, config: SimilarityConfig, steps: int
) -> dict[str, tuple[Callable, Any]]:
    """Every program as ``state -> state`` of several steps, with its first state."""
    key_images, key_init, key_run, key_head = jax.random.split(key, 4)
    count = config.classes * config.per_class
    labels = jnp.arange(2 * count) % config.classes
    images = jax.random.uniform(key_images, (2 * count, *backbone.shape))
    examples = LabeledPoints(images, labels, index_by_class(labels, config.per_class))
    batch, similar = images[:count], pair_labels(labels[:count])
    variables = jax.jit(init_similarity, static_argnums=1)(key_init, backbone)
    adam = adam_with_milestones(config.learning_rate, config.lr_milestones, config.iterations)
    empty = jnp.zeros((2, backbone.features))
    head = jax.jit(Concatenated(4 * backbone.features).init)(key_head, empty)
    both = Variables(
        {"backbone": variables.params, "head": head["params"]},
        {"backbone": variables.batch_stats, "head": head["batch_stats"]},
    )

    def factored(state: TrainState) -> TrainState:
        return similarity_step(state, examples, key_run, backbone, config)[0]

    def repeated(one: Callable) -> Callable:
        return jax.jit(
            lambda state: jax.lax.scan(lambda s, _: (one(s), None), state, length=steps)[0]
        )

    return {
        "trunk": (repeated(partial(backbone_pass, images=batch, backbone=backbone)), variables),
        "factored": (repeated(factored), init_state(variables, adam)),
        "concatenated": (
            repeated(
                partial(
                    concatenated_step, images=batch, similar=similar, backbone=backbone, adam=adam
                )
            ),
            init_state(both, adam),
        ),
    }


def lines(options: Options) -> Iterator[Record]:
    """Milliseconds per step of each program, and ratios to the backbone."""
    backbones, repeats = [VGGS(width=width) for width in WIDTHS], REPEATS
    if options.smoke:
        backbones, repeats = [VGGS(size=16, width=1 / 32)], 2
    config = SimilarityConfig(classes=4 if options.smoke else 20)
    for backbone in backbones:
        runs = programs(jax.random.key(options.seed), backbone, config, STEPS)
        wall: dict[str, list[float]] = {name: [] for name in runs}
        processor: dict[str, list[float]] = {name: [] for name in runs}
        for repeat in tqdm(range(repeats + 1), desc=f"width {backbone.width:g}"):
            for name, (program, state) in runs.items():
                if name == "concatenated" and repeat > max(2, repeats // 3):
                    continue
                start, used = time.perf_counter(), time.process_time()
                jax.block_until_ready(program(state))
                if repeat:  # the first call compiles
                    wall[name].append((time.perf_counter() - start) / STEPS)
                    processor[name].append((time.process_time() - used) / STEPS)
        dataset = f"{config.classes} x {config.per_class} images, width {backbone.width:g}"
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
    """A record with the median, least and largest value."""
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
    found = by_key(records, "dataset", "method", "metric")
    names = {
        "trunk": "backbone",
        "factored": "step",
        "concatenated": "step, head as in the paper",
    }
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
        + markdown_table(["", "", "ms", "ratio to backbone", "CPU ms", "ratio to backbone"], rows)
        + "\n\nOne training step of a similarity (forward, backward, Adam), and forward and "
        "backward of its backbone alone: medians on one device. CPU time is that of the program "
        "itself, without other load of the machine.\n"
    )


if __name__ == "__main__":
    main("pair_head_speed", measure)
