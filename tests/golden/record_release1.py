# The linter would sort modules that are gone as another library's, hence:
# isort: skip_file
"""Record golden outputs of the library as it was at commit 78699e2, before its refactoring.

The script calls the API of that commit and no other. It needs a checkout of it and an environment
with the library's dependencies; run it with that checkout first on the path:

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 PYTHONPATH=CHECKOUT \
        python CHECKOUT_OF_TODAY/tests/golden/record_release1.py [FOLDER]

It writes ``cluster.npz``, ``meta_clusterer.npz``, ``training.npz``, ``pairwise.npz``,
``tasks.npz`` and ``framing.npz`` into FOLDER, by default the script's own. ``README.md`` there
says which array is what. All inputs that are not scikit-learn's own tables are stored with the
outputs.

The library is imported inside the functions: pytest imports this file when it looks for
doctests, at a time when the old API may be gone.
"""

import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

Arrays: TypeAlias = dict[str, np.ndarray]

ITERATIONS = 20
"""Of every training."""
BATCH = 4
"""Tasks of an iteration."""
STRIDES = {"iris": 1, "wine": 1, "breast_cancer": 4, "digits": 9}
"""Of scikit-learn's tables, which rows' probabilities are stored: every so many, from row 0."""


def sklearn_table(name: str) -> tuple[np.ndarray, int]:
    """Raw columns of a table that comes with scikit-learn, float64, and its number of classes."""
    from sklearn import datasets

    table = getattr(datasets, f"load_{name}")()
    return table.data, len(np.unique(table.target))


def standardised(table: np.ndarray) -> np.ndarray:
    """Columns of mean 0 and variance 1, float64; none of the tables has a constant column."""
    return (table - table.mean(axis=0)) / table.std(axis=0)


def named(prefix: str, tree: Any) -> Arrays:
    """The leaves of a tree of arrays, under ``PREFIX.LEAF_NAME``."""
    import jax

    from l2c_jax.weights import leaf_names

    leaves = map(np.asarray, jax.tree.leaves(tree))
    return {f"{prefix}.{name}": leaf for name, leaf in zip(leaf_names(tree), leaves, strict=True)}


def record_cluster() -> Arrays:
    """``l2c_jax.cluster`` with two weight files."""
    import l2c_jax

    rng = np.random.default_rng(0)
    centres = np.array([[-2.0, 0.5], [1.5, -1.0]])
    blobs = centres[np.arange(60) % 2] + rng.normal(size=(60, 2)) * [0.9, 0.6]
    out = {"two_blobs": blobs}
    iris, wine, cancer = (sklearn_table(name)[0] for name in ("iris", "wine", "breast_cancer"))
    whole = Path(l2c_jax.__file__).parents[1]
    weights = {
        "demo": "demo",
        "table1": whole / "experiments" / "weights" / "table1_seed0.safetensors",
    }
    cases = {
        "demo/iris_k3": (iris, 3),
        "demo/iris_k2": (iris, 2),
        "demo/wine_k3": (standardised(wine), 3),
        "demo/breast_cancer_k2": (standardised(cancer), 2),
        "table1/two_blobs_k2": (blobs, 2),
        "table1/iris_columns_0_1_k2": (standardised(iris)[:, [0, 1]], 2),
        "table1/iris_columns_2_3_k2": (standardised(iris)[:, [2, 3]], 2),
    }
    for case, (points, k) in cases.items():
        learner = l2c_jax.load_learner(weights[case.split("/")[0]])
        found = l2c_jax.cluster(learner.params, learner.model, points, num_clusters=k, seed=0)
        out[f"{case}/labels"] = found.labels.astype(np.int32)
        out[f"{case}/probabilities"] = found.probabilities
    return out


def record_meta_clusterer() -> Arrays:
    """The estimator, with the number of clusters told and found."""
    from l2c_jax.estimator import MetaClusterer

    out = {}
    for weights, names in {"universal": tuple(STRIDES), "demo": ("iris", "wine")}.items():
        for name in names:
            rows, k = sklearn_table(name)
            told: dict[str, int | None] = {"told": k}
            if weights == "universal":
                told["found"] = None
            for how, count in told.items():
                clusterer = MetaClusterer(n_clusters=count, weights=weights, random_state=0)
                clusterer.fit(rows)
                case = f"{weights}/{name}/{how}"
                out[f"{case}/labels"] = clusterer.labels_.astype(np.int32)
                out[f"{case}/probabilities"] = clusterer.probabilities_[:: STRIDES[name]]
                out[f"{case}/predict_5"] = clusterer.predict(rows[:5]).astype(np.int32)
                out[f"{case}/n_clusters"] = np.int32(clusterer.n_clusters_)
                if clusterer.n_clusters_proba_ is not None:
                    out[f"{case}/n_clusters_proba"] = clusterer.n_clusters_proba_
    return out


def training_cases() -> dict[str, tuple[Any, Any, Any]]:
    """Model, training and tasks of every training by its name."""
    from l2c_jax.recurrent import ModelConfig, TrainConfig
    from l2c_jax.tasks import TaskConfig

    training = TrainConfig(iterations=ITERATIONS, batch=BATCH)
    return {
        "stacked_pass": (
            ModelConfig(hidden=(8, 8)),
            replace(training, labels="sorted", update="pass"),
            TaskConfig(num_points=32),
        ),
        "stacked_iteration": (
            ModelConfig(num_clusters=3, hidden=(8, 8), given_clusters=True),
            replace(
                training, labels="matched", update="iteration", lam=0.7, untold=0.5, turned=0.5
            ),
            TaskConfig(num_points=30, num_clusters=3, min_clusters=1, min_points=24),
        ),
        "cluster_memory": (
            ModelConfig(
                dimensions=3,
                num_clusters=3,
                hidden=(8,),
                memory="cluster",
                frame="winsorised",
                logit_scale=1.0,
                given_clusters=True,
            ),
            replace(training, labels="matched", recall=0.5),
            TaskConfig(num_points=24, dimensions=3, num_clusters=3),
        ),
        "raw_window": (
            ModelConfig(hidden=(8, 8), frame="raw"),
            replace(training, window=7, truncate=False),
            TaskConfig(num_points=40),
        ),
    }


def record_training() -> Arrays:
    """Short trainings: losses, errors, the first batch of tasks, and the last parameters."""
    import jax

    from l2c_jax.recurrent import init_state, train_step
    from l2c_jax.tasks import draw_task

    out: Arrays = {}
    for case, (model, training, tasks) in training_cases().items():
        draw = jax.jit(jax.vmap(partial(draw_task, config=tasks)))
        step = jax.jit(partial(train_step, model=model, training=training))
        state, key = init_state(jax.random.key(0), model, training), jax.random.key(1)
        out |= named(f"{case}/initial", state.params)
        losses, errors = [], []
        for i in range(ITERATIONS):
            key_tasks, key_orders = jax.random.split(jax.random.fold_in(key, i))
            batch = draw(jax.random.split(key_tasks, BATCH))
            if i == 0:
                out |= named(f"{case}/first_batch", batch)
            state, info = step(state, key_orders, batch)
            losses.append(info.loss)
            errors.append(info.error)
        out[f"{case}/losses"], out[f"{case}/errors"] = np.stack(losses), np.stack(errors)
        out |= named(f"{case}/final", state.params)
    return out


def blobs(centres: list[tuple[float, float]], size: int, seed: int) -> tuple[np.ndarray, ...]:
    """Round classes in the plane, float64, and their labels."""
    labels = np.repeat(np.arange(len(centres)), size)
    noise = np.random.default_rng(seed).normal(size=(len(labels), 2))
    return np.array(centres)[labels] + 0.15 * noise, labels


def record_pairwise() -> Arrays:
    """A similarity is learned on some classes; clusters of others are reconstructed with it."""
    from l2c_jax.pairwise import (
        MLP,
        ClusterConfig,
        SimilarityConfig,
        learn_similarity,
        predict_similarity,
        reconstruct_clusters,
    )

    grid = [(x, y) for x in (-2.0, 0.0, 2.0) for y in (-2.0, 0.0, 2.0)]
    points, labels = blobs(grid, 10, seed=0)
    others, truth = blobs([(1.0, 1.0), (-1.0, 1.0), (-1.0, -1.0)], 20, seed=1)
    out = {"points": points, "labels": labels.astype(np.int32)}
    out |= {"others": others, "others_labels": truth.astype(np.int32)}

    trunk, logged = MLP(columns=2, hidden=(16, 16)), []
    training = SimilarityConfig(
        iterations=ITERATIONS, classes=9, per_class=3, learning_rate=5e-3, log_every=5
    )
    learned, _ = learn_similarity(
        points, labels, trunk, training, progress=False, on_log=logged.append
    )
    out |= named("similarity/final", learned.variables)
    out |= logs("similarity", logged)
    for how, adapt in {"averages": False, "adapt": True}.items():
        name = f"similarity/predicted_{how}"
        out[name] = predict_similarity(learned, others[::3], points[::4], adapt=adapt)

    for loss in ("mcl", "kcl"):
        logged.clear()
        config = ClusterConfig(
            num_clusters=4, loss=loss, epochs=10, batch=30, learning_rate=5e-3, log_every=5
        )
        found, _ = reconstruct_clusters(
            learned, others, trunk, config, progress=False, on_log=logged.append
        )
        out[f"{loss}/labels"] = found.labels.astype(np.int32)
        out[f"{loss}/probabilities"] = found.probabilities
        out |= logs(loss, logged)
        out |= named(f"{loss}/final", found.variables)
    return out


def logs(prefix: str, records: list[dict[str, Any]]) -> Arrays:
    """The losses that were logged, one of every so many steps."""
    return {f"{prefix}/logged_losses": np.array([record["loss"] for record in records])}


def synthetic_cases() -> dict[str, Any]:
    """Synthetic tasks by name."""
    from l2c_jax.tasks import TaskConfig

    ranges = TaskConfig(
        num_points=48,
        dimensions=4,
        num_clusters=5,
        min_points=20,
        min_dimensions=2,
        min_clusters=2,
    )
    stretched = TaskConfig(
        num_points=48,
        dimensions=3,
        num_clusters=3,
        anisotropy=1.5,
        mean_anisotropy=1.0,
        shared_anisotropy=0.8,
    )
    return {
        "default": TaskConfig(),
        "ranges": ranges,
        "sizes": TaskConfig(num_points=48, num_clusters=4, concentration=1.5, swirls=1),
        "stretched": stretched,
        "everything": replace(
            ranges,
            concentration=2.0,
            anisotropy=1.5,
            mean_anisotropy=1.0,
            shared_anisotropy=0.8,
        ),
    }


def toy_tables() -> list[tuple[np.ndarray, np.ndarray]]:
    """Three labelled tables, float64, with missing values and a constant column."""
    rng = np.random.default_rng(5)
    tables = []
    for columns, sizes in ((2, [30, 18]), (4, [14, 11, 5]), (5, [12, 10, 9, 7])):
        labels = np.repeat(np.arange(len(sizes)), sizes)
        points = rng.normal(size=(len(labels), columns)) + 2 * labels[:, None]
        points *= 10.0 ** np.arange(columns)
        points[rng.random(points.shape) < 0.1] = np.nan
        if columns == 4:
            points[:, 2] = 7.0
        order = rng.permutation(len(labels))
        tables.append((points[order], labels[order].astype(np.int32)))
    return tables


def record_tasks() -> Arrays:
    """Every task distribution, drawn with keys 0, 1, 2 (of the mixed one 0 to 5)."""
    import jax
    import jax.numpy as jnp

    from l2c_jax.tasks import (
        MixedConfig,
        PoolConfig,
        PriorConfig,
        TaskConfig,
        draw_mixed_task,
        draw_pool_task,
        draw_prior_task,
        draw_task,
        draw_task_and_mixture,
        log_posterior,
        make_pool,
    )
    from l2c_jax.tasks.pool import draw_both

    out: Arrays = {}

    def drawn(case: str, draw: Callable[..., Any], *data: Any, keys: int = 3) -> None:
        jitted = jax.jit(draw)
        every = [jitted(jax.random.key(seed), *data) for seed in range(keys)]
        out.update(named(case, jax.tree.map(lambda *leaves: np.stack(leaves), *every)))

    for case, config in synthetic_cases().items():
        drawn(f"synthetic/{case}", partial(draw_task, config=config))

    def with_posterior(key: Any, config: TaskConfig) -> dict[str, Any]:
        task, mixture = draw_task_and_mixture(key, config)
        posterior = log_posterior(mixture, task.points)
        return {"task": task, "mixture": mixture, "log_posterior": posterior}

    for case in ("default", "everything"):
        drawn(f"mixture/{case}", partial(with_posterior, config=synthetic_cases()[case]))

    prior = PriorConfig(num_points=48, min_points=24, dimensions=6)
    drawn("prior/small", partial(draw_prior_task, config=prior))

    tables = toy_tables()
    for number, (points, labels) in enumerate(tables):
        out[f"toy_table_{number}/points"], out[f"toy_table_{number}/labels"] = points, labels
    made = make_pool(tables)
    out |= named("pool", made)
    pool = jax.tree.map(jnp.asarray, made)
    ranges = PoolConfig(num_points=24, dimensions=5, num_clusters=4, min_clusters=2)
    pools = {
        "two": PoolConfig(num_points=24, dimensions=5, num_clusters=2),
        "ranges": ranges,
        "ranges_raw": replace(ranges, standardise=False),
    }
    for case, config in pools.items():
        drawn(f"pool_task/{case}", partial(draw_pool_task, config=config), pool)
    drawn("pool_both/ranges", partial(draw_both, config=ranges), pool)
    mixed = MixedConfig(ranges, TaskConfig(num_points=30, num_clusters=3), real=0.5)
    drawn("mixed/half", partial(draw_mixed_task, config=mixed), pool, keys=6)
    return out


def record_framing() -> Arrays:
    """Clouds on the device and tables on the host, in every frame."""
    import jax

    from l2c_jax.recurrent.table_frame import enter_frame, table_frame
    from l2c_jax.tasks.frame import FRAMES, to_frame

    rng = np.random.default_rng(9)
    cloud = (rng.gamma(2.0, size=(30, 4)) * [1.0, 3.0, 0.5, 2.0] + [0, -4, 1, 10]).astype(
        np.float32
    )
    mask = np.arange(30) < 25
    cloud[~mask] = 0.0
    table = rng.gamma(1.5, size=(40, 5)) * [1.0, 100.0, 0.01, 1.0, 5.0] + [0, 3, -1, 0, 1e3]
    table[:, 3] = 4.0
    new_rows = rng.normal(size=(6, 5)) * [2.0, 200.0, 0.05, 1.0, 10.0] + [0, 3, -1, 4, 1e3]
    out = {"cloud": cloud, "mask": mask, "table": table, "new_rows": new_rows}
    enter = jax.jit(to_frame, static_argnames=("frame", "dimensions"))
    for frame in FRAMES:
        for dimensions in (3, 6):
            points = enter(cloud, mask, frame=frame, dimensions=dimensions)
            out[f"to_frame/{frame}/{dimensions}"] = np.asarray(points)
        for how, standardise in {"standardised": True, "as_is": False}.items():
            made = table_frame(table, 3, frame, standardise=standardise)
            case = f"table_frame/{frame}/{how}"
            out |= {f"{case}.{name}": np.asarray(leaf) for name, leaf in made._asdict().items()}
            out[f"{case}/entered"] = enter_frame(made, table)
            out[f"{case}/entered_new_rows"] = enter_frame(made, new_rows)
    return out


RECORDS: dict[str, Callable[[], Arrays]] = {
    "framing": record_framing,
    "tasks": record_tasks,
    "training": record_training,
    "pairwise": record_pairwise,
    "cluster": record_cluster,
    "meta_clusterer": record_meta_clusterer,
}


def main(folder: Path) -> None:
    """Write all files, in the mode in which the test suite runs.

    Args:
      folder: where to.
    """
    import jax

    jax.config.update("jax_disable_most_optimizations", True)
    jax.config.update("jax_numpy_rank_promotion", "raise")

    import l2c_jax

    print(f"library: {l2c_jax.__file__}; JAX {jax.__version__} on {jax.devices()}")
    folder.mkdir(parents=True, exist_ok=True)
    for name, record in RECORDS.items():
        arrays = {key: np.asarray(array) for key, array in record().items()}
        assert not any(array.dtype.hasobject for array in arrays.values())
        path = folder / f"{name}.npz"
        np.savez_compressed(path, **arrays)
        print(f"{path.name}: {len(arrays)} arrays, {path.stat().st_size} bytes", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
