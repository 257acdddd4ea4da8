"""Measurements of this library alone: task distribution, windows of the scan, latency."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from tqdm import tqdm

from experiments.lib.paths import ROOT
from experiments.lib.records import Record, record
from experiments.lib.runner import Options
from l2c_jax.recurrent import ModelConfig, clear, init, rollout
from l2c_jax.recurrent.scan import Scan, checkpointed, plain, windowed
from l2c_jax.tasks.gaussian import GaussianTasks
from l2c_jax.training import runtime
from l2c_jax.types import Array, PyTree


def line(dataset: str, method: str, metric: str, values: np.ndarray, options: Options) -> Record:
    """A record with the median, least and largest value."""
    extra = {
        "median": float(np.median(values)),
        "least": float(values.min()),
        "largest": float(values.max()),
    }
    return record("speed", dataset, method, metric, values, seed=options.seed, extra=extra)


def generator(options: Options) -> Iterator[Record]:
    """Tasks per second from the distribution of Table 1, in batches of 100."""
    count = 100
    draw = jax.jit(jax.vmap(GaussianTasks().sample))
    keys = [
        jax.random.split(jax.random.fold_in(jax.random.key(options.seed), i), count)
        for i in range(3 if options.smoke else 31)
    ]
    jax.block_until_ready(draw(keys[0]))
    rates = []
    for batch in keys[1:]:
        start = time.perf_counter()
        jax.block_until_ready(draw(batch))
        rates.append(count / (time.perf_counter() - start))
    yield line("swirls, D=2, K=2, N=100", "learned", "tasks_per_second", np.array(rates), options)


def windows(options: Options) -> Iterator[Record]:
    """Work space and time of forward and backward over long sequences, by kind of scan."""
    batch = 8
    sizes = (20,) if options.smoke else (1000, 10_000)
    params = init(jax.random.key(options.seed), ModelConfig())
    for size in tqdm(sizes, desc="long sequences"):
        root = round(size**0.5)
        ways: dict[str, Scan] = {
            "plain": plain,
            "checkpointed": checkpointed,
            f"windows of {root}": windowed(root),
            f"windows of {root}, truncated": windowed(root, truncate=True),
        }
        points = jax.random.normal(jax.random.key(options.seed + 1), (batch, size, 2))
        for name, scan in list(ways.items())[: 2 if options.smoke else None]:
            gradient = jax.jit(jax.grad(partial(_squares, scan=scan)))
            compiled = gradient.lower(params, points).compile()
            analysis = compiled.memory_analysis()
            space = analysis.temp_size_in_bytes / 2**20 if analysis else float("nan")
            compiled(params, points)
            times = []
            for _ in range(3):
                start = time.perf_counter()
                jax.block_until_ready(compiled(params, points))
                times.append(1e3 * (time.perf_counter() - start))
            dataset, method = f"B={batch} N={size}", f"learned ({name})"
            yield line(dataset, method, "work_space_MiB", np.array([space]), options)
            yield line(dataset, method, "milliseconds", np.array(times), options)


def _squares(params: PyTree, points: Array, *, scan: Scan) -> Array:
    """A loss of one epoch over a batch."""

    def one(points: Array) -> Array:
        order = jnp.arange(points.shape[0])
        config = ModelConfig()
        return rollout(params, clear(params, config), points, order, config, scan=scan)[1]

    return (jax.vmap(one)(points) ** 2).mean()


LATENCY = """
import time; start = time.perf_counter()
import sys
from sklearn.datasets import load_iris
points = load_iris().data
which = sys.argv[1]
if which == "learned":
    from l2c_jax import adapt_table, load_tabular_model, predict_table
    from l2c_jax.training import runtime
    runtime.start()
    model = load_tabular_model("demo")
    run = lambda: predict_table(model, adapt_table(model, points, 3), points)
else:
    from sklearn.cluster import KMeans
    run = lambda: KMeans(3, n_init=10, random_state=0).fit_predict(points)
run(); first = time.perf_counter() - start
again = []
for _ in range(5):
    start = time.perf_counter(); run(); again.append(time.perf_counter() - start)
print(first, sorted(again)[2])
"""


def latency(options: Options) -> Iterator[Record]:
    """Seconds to cluster Iris: in a fresh process with an empty cache, a filled one, and again."""
    with tempfile.TemporaryDirectory() as cache:
        environment = {k: v for k, v in os.environ.items() if k not in runtime.VARIABLES}
        environment["XDG_CACHE_HOME"] = cache

        def run(which: str) -> tuple[float, float]:
            done = subprocess.run(
                [sys.executable, "-c", LATENCY, which],
                capture_output=True,
                text=True,
                check=True,
                env=environment,
                cwd=ROOT,
            )
            first, again = map(float, done.stdout.split())
            return first, again

        empty = [run("learned")[0]]
        filled = [run("learned") for _ in range(1 if options.smoke else 3)]
        kmeans = [run("k-means") for _ in range(1 if options.smoke else 3)]
    for method, metric, values in (
        ("learned", "cold_seconds", empty),
        ("learned", "cached_seconds", [first for first, _ in filled]),
        ("learned", "warm_seconds", [again for _, again in filled]),
        ("k-means", "cold_seconds", [first for first, _ in kmeans]),
        ("k-means", "warm_seconds", [again for _, again in kmeans]),
    ):
        yield line("Iris", method, metric, np.array(values), options)
