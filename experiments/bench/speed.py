"""Speed of an epoch, compared with plain autodiff, flax.linen, a PyTorch loop, and arithmetic.

Claim: with two cores, forward and backward at B=100, N=100 run at least 6 times as fast as
PyTorch's loop, 4 times as fast as plain autodiff, and at 45 % of what the matrix products alone
would take.

    python -m experiments.bench.speed          # a quarter of an hour; needs the extra "bench"
    python -m experiments.bench.speed --smoke  # one size, two repeats, fewer programs

Every program is a process of its own with the default settings of its library; ours starts as the
command line does (``l2c_jax.training.runtime.start``). In every repeat all of them run one after
another, so that a slow minute of the machine affects all. Thread pools spin for a while after
their work is done (OpenBLAS 25 ms, OpenMP 200 ms), so there is a pause between two programs, and
every timed run follows an untimed one.
"""

import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
from tqdm import tqdm

from experiments.bench.speed_costs import generator, latency, line, windows
from experiments.bench.speed_workers import WORKERS
from experiments.lib.markdown import by_key, markdown_table, number
from experiments.lib.paths import ROOT
from experiments.lib.plots import growth
from experiments.lib.records import Record
from experiments.lib.runner import Options, main
from l2c_jax.training import runtime

BATCHES, SIZES, REPEATS = (1, 32, 100, 256), (100, 1000), 9
SETTLE = 0.3  # seconds after which the threads of the previous program have stopped spinning
OURS, ONE = "learned", "learned (one device)"
AGAINST = {"autodiff": "vs_autodiff", "linen": "vs_linen", "torch": "vs_torch"}
CLAIM = {"vs_torch": 6.0, "vs_autodiff": 4.0, "fraction_of_bound": 0.45}
"""Claimed medians of forward and backward at :data:`CLAIMED_AT`, at least."""
CLAIMED_AT = "B=100 N=100"
LEGEND = (
    "B tasks of N points, two coordinates, two clusters, one epoch. *learned*: this library on "
    "all devices, one per core; *learned (one device)*: on one of them. vs_autodiff: the time of "
    "plain reverse-mode differentiation of the same scan, on one device, divided by that of "
    "*learned*; it includes the effect of the second device, which is vs_one_device. vs_linen and "
    "vs_torch: the same for `flax.linen` cells under `nn.scan` on one device, and for a loop over "
    "PyTorch's cells with its own threads. *bound*: the duration of the matrix products of an "
    "epoch at the rate of one large product on all cores; fraction_of_bound: that time divided by "
    "the time of *learned*, at most 1."
)


class Worker:
    """A program in a process of its own."""

    def __init__(self, name: str) -> None:
        environment = {k: v for k, v in os.environ.items() if k not in runtime.VARIABLES}
        self.name = name
        self.process = subprocess.Popen(
            [sys.executable, "-m", "experiments.bench.speed_workers", name],
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
    """Processes of programs by name; they end with the context."""
    with ExitStack() as stack:
        started = {name: Worker(name) for name in names}
        for worker in started.values():
            stack.callback(worker.process.wait)
            assert worker.process.stdin
            stack.callback(worker.process.stdin.close)
        yield started


def times_of_all(options: Options) -> Iterator[Record]:
    """Times at every size, and their ratios."""
    names = [name for name in WORKERS if name != "torch" or importlib.util.find_spec("torch")]
    if options.smoke:
        names = [OURS, ONE, "autodiff", "bound"]
    sizes = [(b, n) for n in SIZES for b in BATCHES]
    sizes, repeats = ([(4, 20)], 2) if options.smoke else (sizes, REPEATS)
    with workers(names) as competitors:
        for batch, size in tqdm(sizes, desc="sizes"):
            for worker in competitors.values():
                worker.ask("prepare", batch=batch, size=size)
            keys = [(name, what) for name in competitors for what in ("forward", "both")]
            seconds: dict[tuple[str, str], list[float]] = {key: [] for key in keys}
            for _ in range(repeats if size < 1000 else max(2, repeats // 2)):
                for name, worker in competitors.items():
                    for what in ("forward", "both"):
                        time.sleep(SETTLE)
                        seconds[name, what].append(worker.ask(what))
            times = {key: np.array(values) for key, values in seconds.items()}
            dataset = f"B={batch} N={size}"
            for what, suffix in (("both", ""), ("forward", "_forward")):
                for name in competitors:
                    values = 1e3 * times[name, what]
                    yield line(dataset, name, f"ms{suffix}", values, options)
                own = times[OURS, what]
                for name, metric in AGAINST.items():
                    if name in competitors:
                        ratio = times[name, what] / own
                        yield line(dataset, OURS, metric + suffix, ratio, options)
                bound = times["bound", what] / own
                yield line(dataset, OURS, f"fraction_of_bound{suffix}", bound, options)
                devices = times[ONE, what] / own
                yield line(dataset, OURS, f"vs_one_device{suffix}", devices, options)
        for name, worker in competitors.items():
            peak = worker.ask("memory")
            yield line("all sizes", name, "peak_memory_MiB", np.array([peak]), options)


def exponents(records: list[Record], options: Options) -> Iterator[Record]:
    """Fitted exponents of the time of forward and backward in N and in B."""
    medians = {
        tuple(int(part.split("=")[1]) for part in r["dataset"].split()): r["median"]
        for r in records
        if r["method"] == OURS and r["metric"] == "ms"
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
                f"{other}, all {name}", OURS, f"exponent_{name}", np.array([slope]), options
            )


def measure(options: Options) -> list[Record]:
    """All records."""
    records = list(times_of_all(options))
    records += exponents(records, options)
    records += generator(options)
    records += windows(options)
    records += latency(options)
    curves = {
        name: sorted(
            (_size(r["dataset"]), r["median"])
            for r in records
            if r["method"] == name and r["metric"] == "ms"
        )
        for name in WORKERS
    }
    options.out.mkdir(parents=True, exist_ok=True)
    growth(
        options.out / "speed.png",
        {name: curve for name, curve in curves.items() if curve},
        x="points in the batch, B x N",
        y="forward and backward, ms",
    )
    return records


def _size(dataset: str) -> int:
    """B x N of ``"B=100 N=1000"``."""
    batch, points = (int(part.split("=")[1]) for part in dataset.split())
    return batch * points


def render(records: list[Record]) -> str:
    """The tables, for RESULTS.md."""
    found = by_key(records, "dataset", "method", "metric")
    sizes = list(dict.fromkeys(r["dataset"] for r in records if r["metric"] == "ms"))

    def cell(size: str, method: str, metric: str, digits: int = 2) -> str:
        entry = found.get((size, method, metric))
        if entry is None:
            return "-"
        least, largest = (number(entry[end], digits) for end in ("least", "largest"))
        return f"{number(entry['median'], digits)} ({least} to {largest})"

    ratios = [*AGAINST.values(), "vs_one_device", "fraction_of_bound"]
    names = [name for name in WORKERS if any(r["method"] == name for r in records)]
    parts = ["## Speed of an epoch\n", LEGEND + "\n"]
    if (CLAIMED_AT, OURS, "vs_autodiff") in found:
        parts.append(verdict(found) + "\n")
    for title, suffix in (("Forward and backward", ""), ("Forward", "_forward")):
        rows = [[size, *(cell(size, OURS, m + suffix) for m in ratios)] for size in sizes]
        parts.append(f"{title}, ratios of times, median (least to largest of the repeats):\n")
        parts.append(markdown_table(["", *ratios], rows) + "\n")
        rows = [[size, *(cell(size, name, f"ms{suffix}", 1) for name in names)] for size in sizes]
        parts.append(f"{title}, milliseconds:\n")
        parts.append(markdown_table(["", *names], rows) + "\n")
    parts.append("![growth](speed.png)\n")
    rest: dict[tuple[str, str], list[str]] = {}
    for r in records:
        if r["dataset"] not in sizes:
            figure = f"{r['metric'].replace('_', ' ')} {number(r['median'], 2)}"
            rest.setdefault((r["dataset"], r["method"]), []).append(figure)
    parts.append(
        "Without a ratio, medians; tasks per second are those of the task distribution:\n"
    )
    rows = [[*what, ", ".join(figures)] for what, figures in rest.items()]
    parts.append(markdown_table(["", "method", "measured"], rows))
    return "\n".join(parts) + "\n"


def verdict(found: Mapping[tuple, Record]) -> str:
    """The aims, and whether the medians reach them, in words."""
    said = []
    for metric, least in CLAIM.items():
        entry = found.get((CLAIMED_AT, OURS, metric))
        if entry is not None:
            word = "reached" if entry["median"] >= least else "missed"
            said.append(f"{metric} {number(least, 2)}: {word} ({number(entry['median'], 2)})")
    return f"Aims, forward and backward at {CLAIMED_AT}: {', '.join(said)}."


if __name__ == "__main__":
    main("speed", measure)
