"""The packaged weights "demo" on real data.

Claim: a learner of up to 3 clusters in up to 4 dimensions, trained on overlapping, strongly
anisotropic Gaussian clusters alone, clusters small real tables without training on them.

    python -m experiments.meta_clustering.demo            # the packaged weights: seconds
    python -m experiments.meta_clustering.demo --retrain  # trains others, in runs/, and uses them
    python -m experiments.meta_clustering.demo --smoke    # seconds

``python -m experiments.meta_clustering.train demo`` trains the weights, under an hour on one core;
``python -m experiments.meta_clustering.release`` puts them into the package.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from sklearn.cluster import KMeans
from sklearn.mixture import GaussianMixture
from tqdm import tqdm

from experiments.lib.data import RealData, data_sets
from experiments.lib.learners import load_model
from experiments.lib.markdown import markdown_table, measured
from experiments.lib.records import Record, record
from experiments.lib.release import packaged_file
from experiments.lib.runner import Options, main
from experiments.meta_clustering.recipes import learner
from l2c_jax.metrics import scores
from l2c_jax.plots import partitions
from l2c_jax.preprocessing import apply_preprocessing, fit_table_preprocessing
from l2c_jax.tabular.clusterer import TabularConfig, adapt_table, predict_table
from l2c_jax.tabular.model import TabularModel

RUNS = 10


def measure(options: Options) -> list[Record]:
    """Scores on every data set; those of the learner over several seeds of its orders."""
    new = options.smoke or options.retrain
    packaged = packaged_file("demo")
    trained = TabularModel(learner("demo", options)) if new else load_model(packaged, options)
    runs = range(options.seed, options.seed + (2 if options.smoke else RUNS))
    records, drawn = [], []
    for data in tqdm(list(data_sets()), desc="data sets"):
        first = answer(trained, data)
        drawn.append((data, first))
        for method, labels in first.items():
            answers = [labels]
            if method == "learned":
                answers = [again(trained, data, seed) for seed in runs]
            results = [scores(data.labels, found) for found in answers]
            for metric in ("error", "ARI"):
                values = np.array([result[metric] for result in results])
                records.append(
                    record("demo", data.name, method, metric, values, seed=options.seed)
                )
    options.out.mkdir(parents=True, exist_ok=True)
    draw(options.out / "demo.png", drawn)
    return records


def again(model: TabularModel, data: RealData, seed: int) -> np.ndarray:
    """``[N]`` labels of the learner with another seed of its orders."""
    k, config = int(data.labels.max()) + 1, TabularConfig(standardize=False)
    fitted = adapt_table(model, data.points, k, config=config, seed=seed)
    return predict_table(model, fitted, data.points).argmax(axis=1)


def answer(model: TabularModel, data: RealData) -> dict[str, np.ndarray]:
    """Labels by k-means, the Gaussian mixture and the learner, each with the true k.

    Args:
      model: the weights.
      data: N points.

    Returns:
      ``[N]`` int labels by the name of the method.
    """
    k = int(data.labels.max()) + 1
    as_it_is = TabularConfig(standardize=False)  # all methods get the same columns
    fitted = adapt_table(model, data.points, k, config=as_it_is)
    mixture = GaussianMixture(k, n_init=10, random_state=0, reg_covar=1e-5)
    return {
        "k-means": KMeans(k, n_init=10, random_state=0).fit_predict(data.points),
        "Gaussian mixture": mixture.fit_predict(data.points),
        "learned": predict_table(model, fitted, data.points).argmax(axis=1),
    }


def draw(path: Path, answers: Sequence[tuple[RealData, Mapping[str, np.ndarray]]]) -> None:
    """Truth, k-means and learned side by side on two principal axes, as the paper's figure 4.

    Args:
      path: of a PNG file.
      answers: data sets with the labels of :func:`answer`.
    """
    panels = []
    for data, found in answers:
        plane = fit_table_preprocessing(data.points, "principal", 2, standardize=False)
        axes = apply_preprocessing(plane, data.points)
        shown = {"truth": data.labels, "k-means": found["k-means"], "learned": found["learned"]}
        panels.append((data.name, axes, shown))
    partitions(path, panels)


def render(records: list[Record]) -> str:
    """The table, for RESULTS.md."""
    cells: dict[str, dict[str, list[str]]] = {}
    for entry in records:
        row = cells.setdefault(entry["dataset"], {})
        row.setdefault(entry["method"], []).append(measured(entry))
    methods = list(next(iter(cells.values())))
    rows = [[name, *(" / ".join(row[m]) for m in methods)] for name, row in cells.items()]
    runs = max(entry["n"] for entry in records)
    return (
        '## The packaged weights "demo" on real data\n\n'
        + markdown_table(["error / ARI", *methods], rows)
        + "\n\nEvery method is given the number of clusters and the same columns. k-means and the "
        "Gaussian mixture: the best of 10 starts, once. Learned: mean ± standard error over "
        f"{runs} seeds of its 16 orders. The weights were trained on synthetic tasks alone, but "
        "their task distribution was chosen by the error on Iris "
        "([ATTEMPTS.md](ATTEMPTS.md)), and the error on Breast cancer was known, too: these rows "
        "are no test on new data.\n"
    )


if __name__ == "__main__":
    main("demo", measure)
