"""How fast a pass is: against plain autodiff, flax.linen, a PyTorch loop, and the arithmetic.

Claim: with two cores, forward and backward at B=100, N=100 run at least 6 times as fast as
PyTorch's loop, 4 times as fast as plain autodiff, and at 45 % of what the matrix products alone
would take.

    python -m experiments.speed          # a quarter of an hour; needs the extra "bench"
    python -m experiments.speed --smoke  # one size, two repeats

Every competitor is a process of its own, with its own library's default settings; ours starts as
its programs do (``l2c_jax.runtime.start``). They run one after another in every repeat, so that a
slow minute of the machine is slow for all.
"""

import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import jax
import numpy as np
from tqdm import tqdm

from experiments.harness import Options, main
from experiments.speed_workers import WORKERS
from l2c_jax.evaluate import record
from l2c_jax.report import Record, markdown_table, number
from l2c_jax.tasks.synthetic import TaskConfig, draw_task

BATCHES, SIZES, REPEATS = (1, 32, 100, 256), (100, 1000), 9
AGAINST = {"autodiff": "vs_autodiff", "linen": "vs_linen", "torch": "vs_torch"}
ROOT = Path(__file__).parent.parent


class Worker:
    """A competitor's process."""

    def __init__(self, name: str) -> None:
        environment = {k: v for k, v in os.environ.items() if k not in ("XLA_FLAGS",)}
        self.name = name
        self.process = subprocess.Popen(
            [sys.executable, "-m", "experiments.speed_workers", name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=environment,
        )

    def ask(self, do: str, **arguments: Any) -> Any:
        """Send a command, wait for the answer."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the worker {self.name!r} died; its message is above")
        return json.loads(line)


@contextmanager
def workers(names: Iterable[str]) -> Iterator[dict[str, Worker]]:
    """Competitors by name, ended at the end."""
    with ExitStack() as stack:
        started = {name: Worker(name) for name in names}
        for worker in started.values():
            stack.callback(worker.process.wait)
            assert worker.process.stdin
            stack.callback(worker.process.stdin.close)
        yield started


def passes(options: Options) -> Iterator[Record]:
    """Ratios of times at every size: the heart of the benchmark."""
    names = [name for name in WORKERS if name != "torch" or importlib.util.find_spec("torch")]
    sizes = [(b, n) for n in SIZES for b in BATCHES]
    sizes, repeats = ([(4, 20)], 2) if options.smoke else (sizes, REPEATS)
    with workers(names) as competitors:
        for batch, size in tqdm(sizes, desc="sizes"):
            for worker in competitors.values():
                worker.ask("prepare", batch=batch, size=size)
            seconds = {(name, what): [] for name in competitors for what in ("forward", "both")}  # type: dict[tuple[str, str], list[float]]
            for _ in range(repeats if size < 1000 else max(2, repeats // 2)):
                for name, worker in competitors.items():
                    for what in ("forward", "both"):
                        seconds[name, what].append(worker.ask(what))
            times = {key: np.array(values) for key, values in seconds.items()}
            dataset = f"B={batch} N={size}"
            for what, suffix in (("both", ""), ("forward", "_forward")):
                for name in competitors:
                    values = 1e3 * times[name, what]
                    yield line(dataset, name, f"ms{suffix}", values, options)
                own = times["ours", what]
                for name, metric in AGAINST.items():
                    if name in competitors:
                        ratio = times[name, what] / own
                        yield line(dataset, "ours", metric + suffix, ratio, options)
                bound = times["bound", what] / own
                yield line(dataset, "ours", f"fraction_of_bound{suffix}", bound, options)
                devices = times["ours, one device", what] / own
                yield line(dataset, "ours", f"vs_one_device{suffix}", devices, options)
        for name, worker in competitors.items():
            peak = worker.ask("memory")
            yield line("all sizes", name, "peak_memory_MiB", np.array([peak]), options)


def line(dataset: str, method: str, metric: str, values: np.ndarray, options: Options) -> Record:
    """A record with the median, which one slow repeat does not move."""
    extra = {
        "median": float(np.median(values)),
        "least": float(values.min()),
        "largest": float(values.max()),
    }
    return record("speed", dataset, method, metric, values, seed=options.seed, extra=extra)


def exponents(records: list[Record], options: Options) -> Iterator[Record]:
    """How the time of a forward and backward pass grows with N and with B: fitted exponents."""
    medians = {
        tuple(int(part.split("=")[1]) for part in r["dataset"].split()): r["median"]
        for r in records
        if r["method"] == "ours" and r["metric"] == "ms"
    }
    for axis, name in ((0, "B"), (1, "N")):
        for fixed in sorted({key[1 - axis] for key in medians}):
            points = sorted(key for key in medians if key[1 - axis] == fixed)
            if len(points) < 2:
                continue
            x = np.log([key[axis] for key in points])
            y = np.log([medians[key] for key in points])
            slope = np.polyfit(x, y, 1)[0]
            other = f"{'BN'[1 - axis]}={fixed}"
            yield line(
                f"{other}, all {name}", "ours", f"exponent_{name}", np.array([slope]), options
            )


def generator(options: Options) -> Iterator[Record]:
    """Tasks a second that the generator of Table 1 draws, batches of 100."""
    config, count = TaskConfig(), 100
    draw = jax.jit(jax.vmap(lambda key: draw_task(key, config)))
    keys = [
        jax.random.split(jax.random.fold_in(jax.random.key(options.seed), i), count)
        for i in range(3 if options.smoke else 30)
    ]
    jax.block_until_ready(draw(keys[0]))
    rates = []
    for batch in keys:
        start = time.perf_counter()
        jax.block_until_ready(draw(batch))
        rates.append(count / (time.perf_counter() - start))
    yield line("swirls, D=2, K=2, N=100", "ours", "tasks_per_second", np.array(rates), options)


LATENCY = """
import time; start = time.perf_counter()
import sys
from sklearn.datasets import load_iris
points = load_iris().data
which = sys.argv[1]
if which == "ours":
    from l2c_jax import cluster, load_learner, runtime
    runtime.start()
    learner = load_learner("demo")
    run = lambda: cluster(learner.params, learner.model, points, num_clusters=3)
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
    import tempfile

    with tempfile.TemporaryDirectory() as cache:
        environment = {k: v for k, v in os.environ.items() if k != "XLA_FLAGS"}
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

        empty = [run("ours")[0]]
        filled = [run("ours") for _ in range(1 if options.smoke else 3)]
        rival = [run("k-means") for _ in range(1 if options.smoke else 3)]
    for method, metric, values in (
        ("learned", "cold_seconds", empty),
        ("learned", "cached_seconds", [first for first, _ in filled]),
        ("learned", "warm_seconds", [again for _, again in filled]),
        ("k-means", "cold_seconds", [first for first, _ in rival]),
        ("k-means", "warm_seconds", [again for _, again in rival]),
    ):
        yield line("Iris", method, metric, np.array(values), options)


def measure(options: Options) -> list[Record]:
    """All records."""
    records = list(passes(options))
    records += exponents(records, options)
    records += generator(options)
    records += latency(options)
    return records


def render(records: list[Record]) -> str:
    """The tables, for RESULTS.md."""
    found = {(r["dataset"], r["method"], r["metric"]): r for r in records}
    sizes = list(dict.fromkeys(r["dataset"] for r in records if r["metric"] == "ms"))

    def cell(size: str, method: str, metric: str, digits: int = 2) -> str:
        entry = found.get((size, method, metric))
        if entry is None:
            return "-"
        spread = f"{number(entry['least'], digits)}..{number(entry['largest'], digits)}"
        return f"{number(entry['median'], digits)} ({spread})"

    ratios = [*AGAINST.values(), "vs_one_device", "fraction_of_bound"]
    names = [name for name in WORKERS if any(r["method"] == name for r in records)]
    parts = ["## Speed of a pass\n"]
    for title, suffix in (("Forward and backward", ""), ("Forward", "_forward")):
        rows = [[size, *(cell(size, "ours", m + suffix) for m in ratios)] for size in sizes]
        parts.append(f"{title}, ratios of times, median (least..largest of the repeats):\n")
        parts.append(markdown_table(["", *ratios], rows) + "\n")
        rows = [[size, *(cell(size, name, f"ms{suffix}", 1) for name in names)] for size in sizes]
        parts.append(f"{title}, milliseconds:\n")
        parts.append(markdown_table(["", *names], rows) + "\n")
    rest = [
        [r["dataset"], r["method"], r["metric"], number(r["median"], 2)]
        for r in records
        if r["dataset"] not in sizes
    ]
    parts.append(markdown_table(["", "method", "what", "median"], rest))
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    main("speed", (__doc__ or "").split("\n")[0], measure)
