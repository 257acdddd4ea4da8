"""The programs of ``experiments.bench.start``, each in a process of its own.

A worker does one thing and prints one line of JSON. Seconds count from its first line, so that
the start of Python itself, which is the same for all, is left out.
"""

import time

BEGIN = time.perf_counter()

import json  # noqa: E402
import sys  # noqa: E402
from typing import Any  # noqa: E402

import numpy as np  # noqa: E402

FOUND, GIVEN = "later call, k found", "later call, k given"
COMPILED = "/jax/core/compile/backend_compile_duration"


def table(rows: int = 1000, columns: int = 10) -> np.ndarray:
    """Rows of one Gaussian cloud."""
    return np.random.default_rng(0).normal(size=(rows, columns))


def fit() -> dict[str, float]:
    """Seconds of ``MetaClusterer.fit`` in this process, and of its stages."""
    from l2c_jax.estimators.meta_clusterer import MetaClusterer
    from l2c_jax.tabular.model import cached_model

    imported = time.perf_counter()
    cached_model("universal")  # is kept for fit
    read = time.perf_counter()
    MetaClusterer(random_state=0).fit(table())
    end = time.perf_counter()
    return {
        "seconds": end - BEGIN,
        "processor": time.process_time(),
        "imports": imported - BEGIN,
        "weights": read - imported,
        "fit": end - read,
    }


def kmeans() -> dict[str, float]:
    """Seconds of scikit-learn's k-means in this process."""
    from sklearn.cluster import KMeans

    imported = time.perf_counter()
    KMeans(3, n_init=10, random_state=0).fit(table())
    end = time.perf_counter()
    return {
        "seconds": end - BEGIN,
        "processor": time.process_time(),
        "imports": imported - BEGIN,
        "fit": end - imported,
    }


def later(repeats: str) -> dict[str, list[float]]:
    """Seconds of later calls with k found and given, in turn."""
    from l2c_jax.estimators.meta_clusterer import MetaClusterer

    seconds: dict[str, list[float]] = {FOUND: [], GIVEN: []}
    for _ in range(1 + int(repeats)):
        for name, k in ((FOUND, None), (GIVEN, 3)):
            begin = time.perf_counter()
            MetaClusterer(k, random_state=0).fit(table())
            seconds[name].append(time.perf_counter() - begin)
    return {name: values[1:] for name, values in seconds.items()}


def tables(count: str) -> dict[str, int]:
    """Compilations in the first call with k found and with k given, and in all later ones."""
    import jax

    from l2c_jax.estimators.meta_clusterer import MetaClusterer

    compiled: list[str] = []

    def keep(event: str, duration_secs: float, **_: str | int) -> None:
        if event == COMPILED:
            compiled.append(event)

    jax.monitoring.register_event_duration_secs_listener(keep)
    for k in (None, 3):
        MetaClusterer(k, random_state=0).fit(table())
    first = len(compiled)
    sizes = np.geomspace(20, 5000, int(count)).astype(int)
    widths = np.geomspace(40, 1, int(count)).astype(int)
    for rows, columns in zip(sizes, widths, strict=True):
        for k in (None, 2):
            MetaClusterer(k, random_state=0).fit(table(rows, columns))
    return {
        "compilations of the first calls": first,
        "compilations after": len(compiled) - first,
    }


def draws(source: str, batch: str, seed: str) -> dict[str, list[float]]:
    """Seconds to the first batch of tasks, compiling included, and tasks per second after it."""
    import jax

    from l2c_jax.tasks.base import TaskDistribution
    from l2c_jax.tasks.mixture import TaskMixture
    from l2c_jax.tasks.prior import BroadPrior
    from l2c_jax.tasks.structures import StructureTasks
    from l2c_jax.tasks.tables import TableTasks, make_pool

    prior = BroadPrior(num_points=256)
    distribution: TaskDistribution = prior
    if source == "mixture":
        from sklearn.datasets import load_iris, load_wine

        pool = make_pool([load_iris(return_X_y=True), load_wine(return_X_y=True)])
        width = pool.rows.shape[1]
        tables = TableTasks(pool, num_points=prior.num_points, dimensions=width)
        distribution = TaskMixture((prior, StructureTasks(), tables), (0.5, 0.3, 0.2))
    compiling: list[float] = []

    def keep(event: str, duration_secs: float, **_: str | int) -> None:
        if event == COMPILED:
            compiling.append(duration_secs)

    jax.monitoring.register_event_duration_secs_listener(keep)
    sample: Any = jax.jit(jax.vmap(distribution.sample))
    keys = jax.random.split(jax.random.key(int(seed)), 6 * int(batch)).reshape(6, -1)
    begin = time.perf_counter()
    jax.block_until_ready(sample(keys[0]))
    first, compiled = time.perf_counter() - begin, sum(compiling)
    rates = []
    for part in keys[1:]:
        begin = time.perf_counter()
        jax.block_until_ready(sample(part))
        rates.append(int(batch) / (time.perf_counter() - begin))
    return {
        "seconds to the first batch": [first],
        "seconds of compiling": [compiled],
        "tasks per second": rates,
    }


if __name__ == "__main__":
    program: Any = {"fit": fit, "kmeans": kmeans, "later": later, "tables": tables, "draws": draws}
    print(json.dumps(program[sys.argv[1]](*sys.argv[2:])))
