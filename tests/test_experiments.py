"""Every experiment runs, small."""

import importlib
from pathlib import Path

import pytest

from experiments.harness import main
from experiments.results import sections
from l2c_jax.report import read_records

METHODS = {
    *("k-means", "kernel k-means", "spectral", "DBSCAN", "HDBSCAN", "Gaussian mixture", "Ward"),
    *("DEC", "learned", "Bayes oracle", "single linkage"),
    *("agglomerative", "free assignments", "classifier"),  # rivals on pairs, and on labels
    *("autodiff", "linen", "torch", "bound"),  # competitors of the speed benchmark
    *("trunk", "factored", "concatenated"),  # and of the pair head's
}


@pytest.mark.filterwarnings("ignore")  # of the libraries that the baselines come from
@pytest.mark.parametrize("name", sections())
def test_smoke(name, tmp_path: Path, capsys):
    experiment = importlib.import_module(f"experiments.{name}")
    arguments = ["--smoke", "--seed", "5", "--out", str(tmp_path)]
    main(name, "a test", experiment.measure, arguments)
    records = read_records(tmp_path / f"{name}.json")
    for entry in records:
        assert entry["experiment"] == name
        assert entry["seed"] == 5
        assert entry["method"].split(" (")[0] in METHODS
        assert entry["smoke"] is True
    assert "A smoke run" in (tmp_path / "RESULTS.md").read_text()
    assert "A smoke run" in capsys.readouterr().out
