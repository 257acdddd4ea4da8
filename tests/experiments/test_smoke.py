"""Every experiment runs, small; and the command that runs all of them."""

import importlib
import subprocess
import sys
import time
from pathlib import Path

import jax
import numpy as np
import pytest

from experiments import __main__ as everything
from experiments.lib import page, registry, runner, splits
from experiments.lib.paths import RESULTS
from experiments.lib.records import read_records, write_records
from experiments.lib.runner import Options, default_out, main
from experiments.meta_clustering import recipes, table1
from experiments.universal import common, prior_ablation
from experiments.universal.card import with_card
from l2c_jax.recurrent.config import ModelConfig
from l2c_jax.recurrent.learner import Learner, Metadata
from l2c_jax.recurrent.model import init
from l2c_jax.tabular.model import TabularModel
from l2c_jax.tasks.prior import BroadPrior

SLOW = (
    *("zero_shot", "speed", "prior_ablation", "omniglot", "start", "large"),
    *("ablations", "demo", "domain_shift", "figure3", "first_look"),
)
"""Smoke runs that take longest to compile; ``make test-all`` runs them."""
METHODS = {
    *("k-means", "kernel k-means", "spectral", "DBSCAN", "HDBSCAN", "Gaussian mixture"),
    *("Ward", "Genie"),
    *("DEC", "learned", "Bayes oracle", "single linkage", "constant"),
    *("agglomerative", "free assignments", "classifier"),  # baselines on pairs, and on labels
    *("autodiff", "linen", "torch", "bound"),  # programs of the speed benchmark
    *("trunk", "factored", "concatenated"),  # and of the pair head's
    *("duckdb", "polars", "pyarrow", "l2c_jax"),  # readers of tables
}


@pytest.mark.filterwarnings("ignore")  # of the libraries that the baselines come from
@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in registry.MODULES],
)
def test_smoke(name, tmp_path: Path, capsys):
    experiment = importlib.import_module(registry.MODULES[name])
    arguments = ["--smoke", "--seed", "5", "--out", str(tmp_path)]
    main(name, experiment.measure, arguments)
    records = read_records(tmp_path / f"{name}.json")
    for entry in records:
        assert entry["experiment"] == name
        assert entry["seed"] == 5
        assert entry["method"].split(" (")[0] in METHODS
        assert entry["smoke"] is True
        assert "jax" in entry["versions"]
    assert "A smoke run" in (tmp_path / "RESULTS.md").read_text()
    assert "A smoke run" in capsys.readouterr().out


def test_a_smoke_run_keeps_away_from_the_published_records():
    assert default_out(smoke=True) != default_out(smoke=False) == RESULTS
    assert Path(__file__).parents[2] / "experiments" / "results" == RESULTS


def test_options_of_one_experiment_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(page, "write", lambda out: out / "table1.json")
    given = []

    def measure(options):
        given.append(options)
        return [{"seed": options.seed}]

    arguments = ["--smoke", "--out", str(tmp_path), "--learning-rate", "2"]
    main("table1", measure, arguments, own={"learning-rate": {"type": float, "default": 1.0}})
    assert given[0].own == {"learning_rate": 2.0}
    assert given[0].cache.folder is None


def test_records_name_the_commits_of_what_was_not_computed(tmp_path):
    options = Options(smoke=False, seed=0, out=tmp_path, retrain=False)
    assert runner.parts(options) == {}
    options.cache.reused.update({"a": "2", "b": "1", "c": "2"})
    options.weights["w.safetensors"] = "3"
    expected = {"reused_parts": 3, "part_commits": ["1", "2"], "weights_commits": ["3"]}
    assert runner.parts(options) == expected


def record_of(name: str, folder: Path, **more) -> None:
    write_records(folder / f"{name}.json", [{"experiment": name, "seed": 5, **more}])


def test_all_runs_what_has_no_record_and_goes_on_after_a_failure(monkeypatch, tmp_path, capsys):
    asked = []

    def run(command):
        name = command[2].rsplit(".", 1)[1]
        asked.append((name, *command[3:]))
        return int(name == "table1")

    monkeypatch.setattr(everything, "run", run)
    monkeypatch.setattr(page, "write", lambda out: out / "RESULTS.md")
    record_of("axioms", tmp_path)
    record_of("table2", tmp_path, smoke=True)
    given = ("--seed", "5", "--out", str(tmp_path))
    with pytest.raises(SystemExit, match="failed: table1;"):
        everything.main(["table1", "axioms", "table2", *given])
    assert asked == [("table1", *given), ("table2", *given)]
    asked.clear()
    everything.main(["table2", "axioms", "--smoke", *given])
    assert asked == [("axioms", *given, "--smoke")]
    assert str(tmp_path / "RESULTS.md") in capsys.readouterr().out


def test_all_names_what_there_is(capsys):
    with pytest.raises(SystemExit):
        everything.main(["table9"])
    assert "no such experiment: table9" in capsys.readouterr().err


def test_all_passes_a_signal_on_and_stops(tmp_path):
    child = (
        "import pathlib, signal, sys, time\n"
        "def end(*_): print('saved'); sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, end)\n"
        f"pathlib.Path({str(tmp_path / 'up')!r}).touch()\n"
        "time.sleep(60)\n"
    )
    code = (
        "import sys\nfrom experiments.__main__ import run\n"
        f"run([sys.executable, '-c', {child!r}])\nprint('not stopped')"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=-1, stderr=-1, text=True)
    while not (tmp_path / "up").exists():
        assert parent.poll() is None
        time.sleep(0.05)
    parent.terminate()
    said, complained = parent.communicate()
    assert (parent.returncode, said) == (1, "saved\n")
    assert "the same command goes on" in complained


def test_the_page_names_the_families_without_which_the_index_is_lower():
    whole, groups = np.linspace(0, 1, 40), [str(i // 2) for i in range(40)]
    noise = np.sin(np.arange(40)) / 100
    scores = {"": whole, "without rings": whole - 0.1 + noise, "without moons": whole + noise}
    page = prior_ablation.render(
        list(prior_ablation.records(scores, dict.fromkeys(scores, 2.0), whole, groups, 0))
    )
    assert "beyond the interval: rings." in page
    assert "-10.0 (-10." in page
    assert page.count("learned (without") == 2


def test_the_variants_of_the_prior_differ_from_it_and_each_other():
    found = prior_ablation.variants(BroadPrior())
    assert len(set(found.values())) == len(found) == 17


def test_the_card_has_scores_limits_and_failures():
    model = ModelConfig(num_clusters=3, hidden=(4,), condition_on_num_clusters=True)
    learner = Learner(init(jax.random.key(0), model), model, Metadata(minutes=1.0))
    shared = {"dataset": "tasks: rings", "metric": "ARI", "stderr": 0.1, "n": 9}
    entries = [
        {**shared, "method": "learned", "mean": 0.5},
        {**shared, "method": "spectral", "mean": 0.9, "gain": -0.4, "gain_stderr": 0.1},
        {**shared, "method": "Ward", "mean": 0.6, "gain": -0.1, "gain_stderr": 0.1},
    ]
    metadata = with_card(TabularModel(learner), entries).learner.metadata
    card = metadata.extra["card"]
    assert metadata.minutes == 1.0
    assert card["scores"] == {"tasks: rings: ARI": {"mean": 0.5, "stderr": 0.1, "n": 9}}
    assert card["known_failures"] == ["tasks: rings: ARI 0.500, spectral 0.900"]
    assert card["limits"][0].startswith("1 to 3 clusters")


def test_an_interval_of_one_family_is_its_mean():
    values = np.arange(6.0)
    low, high = splits.interval(values, 0, ["a"] * 6)
    assert (low, high) == (2.5, 2.5)
    alone, together = (
        np.diff(splits.interval(values, 0, groups)) for groups in ([*"abcdef"], [*"aaabbb"])
    )
    assert together > alone > 0


def test_numbers_of_clusters_are_counted_as_exact_and_within_one(tmp_path):
    found = {"truth": [2, 3, 4], "learned": [2, 4, 8]}
    options = Options(smoke=True, seed=0, out=tmp_path, retrain=False)
    entries = list(common.counted("some", found, options))
    assert [entry["method"] for entry in entries] == ["learned", "learned"]
    np.testing.assert_allclose([entry["mean"] for entry in entries], [1 / 3, 2 / 3])


def test_rows_as_in_the_paper_are_left_out_without_weights(tmp_path, monkeypatch):
    monkeypatch.setattr(recipes, "WEIGHTS", tmp_path)
    options = Options(smoke=False, seed=0, out=tmp_path, retrain=False)
    assert table1.learners("table1_paper", options) == []
    recipe = recipes.RECIPES["table1_paper_seed2"]
    assert (recipe.model.preprocessing, recipe.model.logit_scale) == ("raw", 1.0)
    assert recipe.training.label_assignment == "canonical"
    assert recipe.training.classification_weight == 0.9
    assert recipe.training.seed == 2
