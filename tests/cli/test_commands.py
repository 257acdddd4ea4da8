"""The command line: what it answers, and what it says to bad input."""

import csv
import json
from pathlib import Path

import jax
import numpy as np
import pytest

from l2c_jax.cli import main
from l2c_jax.cli.train import Tables, Train
from l2c_jax.recurrent import Learner, Metadata, ModelConfig, TrainConfig, init, save_learner
from l2c_jax.tasks import BroadPrior, GaussianTasks, describe


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    """Untrained weights of up to 3 clusters: enough to see that commands work."""
    model = ModelConfig(dimensions=2, num_clusters=3, hidden=(8, 8))
    tasks = describe(GaussianTasks(num_points=20, num_clusters=3))
    metadata = Metadata(
        tasks=tasks, training=TrainConfig(), error={"mean": 0.1, "stderr": 0.01, "n": 9}
    )
    path = tmp_path_factory.mktemp("weights") / "small.safetensors"
    save_learner(path, Learner(init(jax.random.key(0), model), model, metadata))
    return path


@pytest.fixture
def table(tmp_path) -> Path:
    path = tmp_path / "table.csv"
    rows = [f"{i % 3 * 9 + i / 50},{i % 7},{'abc'[i % 3]}" for i in range(30)]
    path.write_text("x,y,kind\n" + "\n".join(rows) + "\n")
    return path


def call(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return int(ended.value.code or 0)


def test_cluster_writes_rows_labels_and_probabilities(weights, table, tmp_path, capsys):
    out = tmp_path / "out.csv"
    assert call("cluster", table, "-w", weights, "-o", out, "--label-column", "kind") == 0
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert len(rows) == 30
    assert rows[0]["kind"] == "a"
    probabilities = np.array([[float(row[f"probability_{k}"]) for k in range(3)] for row in rows])
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert [int(row["cluster"]) for row in rows] == probabilities.argmax(axis=1).tolist()
    assert "ARI" in capsys.readouterr().err


def test_cluster_uses_at_most_the_clusters_asked_for(weights, table, capsys):
    assert call("cluster", table, "-w", weights, "-k", 1) == 0
    answer = capsys.readouterr()
    assert {row["cluster"] for row in csv.DictReader(answer.out.splitlines())} == {"0"}
    assert "kind    categorical  yes    3 levels" in answer.err


def test_evaluate_on_tasks_prints_the_oracle_beside_the_learner(weights, capsys):
    assert call("evaluate", "-w", weights, "--count", 3, "--orders", 2) == 0
    assert "Bayes oracle" in capsys.readouterr().out


def test_evaluate_on_a_labelled_file(weights, table, capsys):
    arguments = ("evaluate", "-w", weights, "--file", table, "--label-column", "kind")
    assert call(*arguments) == 0
    assert capsys.readouterr().out.startswith("error ")


def test_info_is_a_page_for_people(weights, capsys):
    assert call("info", weights) == 0
    page = capsys.readouterr().out
    assert "clusters        1 to 3" in page
    assert "GaussianTasks (N <= 20" in page
    assert "0.100 ± 0.010 on 9 fresh tasks" in page


def test_info_of_the_packaged_weights_shows_their_scores(capsys):
    assert call("info") == 0
    page = capsys.readouterr().out
    assert "1 to 10; the number is found or given" in page
    assert "known failures" in page


def test_info_prints_the_whole_header_as_json(weights, capsys):
    assert call("info", weights, "--json") == 0
    header = json.loads(capsys.readouterr().out)
    assert header["config"]["num_clusters"] == 3
    assert header["versions"]["jax"] == jax.__version__


BAD_FILES = {
    "empty": (b"", "is empty"),
    "blank": (b"\n\n  \n", "is empty"),
    "header only": (b"a,b\n", "no rows"),
    "binary": (bytes(range(1, 256)) * 4, "not text"),
    "zero bytes": (b"a,b\n1,\x002\n", "binary"),
    "a long line": (b"a,b\n1," + b"9" * 3_000_000 + b"\n", "a line of more than 2,000,000"),
    "an open quote": (b'a,b\n"1,2\n3,4\n', "line 2: a quoted cell does not end"),
    "ragged": (b"a,b\n1,2\n3\n", "line 3 has 1 cells, the first line has 2"),
    "words": (b"a,b\nx,y\nz,w\nq,r\n", "no usable column"),
    "infinity": (b"a,b\n1,2\n1e999,3\n", "column 'a' holds numbers, but line 3: '1e999'"),
    "one odd cell": (b"a,b\n1,2\n2,3\nx1,4\n", "line 4: 'x1' is not a finite number"),
    "two decimal signs": (b"a;b\n1.200;2\n950;3\n", "'1.200' is 1.2 or 1200"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_gets_one_line_and_exit_code_2(name, weights, tmp_path, capsys):
    content, message = BAD_FILES[name]
    path = tmp_path / "bad.csv"
    path.write_bytes(content)
    assert call("cluster", path, "-w", weights) == 2
    answer = capsys.readouterr()
    assert answer.out == ""
    assert answer.err.count("\n") == 1
    assert message in answer.err
    assert str(path) in answer.err


BAD_CALLS = {
    "no such file": (["cluster", "nowhere.csv"], "no such file"),
    "a folder": (["cluster", "."], "is a folder"),
    "K of 0": (["cluster", "TABLE", "-k", "0"], "at least 1"),
    "K beyond the weights": (["cluster", "TABLE", "-k", "4"], "at most 3"),
    "K beyond the points": (["cluster", "SHORT", "-k", "2"], "at most 1 (the rows)"),
    "no epochs": (["cluster", "TABLE", "--epochs", "0"], "at least 1"),
    "no such column": (["cluster", "TABLE", "--label-column", "z"], "no column 'z'"),
    "nowhere to write": (["cluster", "TABLE", "-o", "no/such/folder.csv"], "there is no folder"),
    "no labels": (["evaluate", "--file", "TABLE"], "--label-column"),
    "no tasks": (["evaluate", "--count", "0"], "at least 1"),
}


@pytest.mark.parametrize("name", BAD_CALLS)
def test_a_bad_call_gets_one_line_and_exit_code_2(name, weights, table, tmp_path, capsys):
    arguments, message = BAD_CALLS[name]
    short = tmp_path / "short.csv"
    short.write_text("a,b\n1,2\n")
    files = {"TABLE": table, "SHORT": short}
    assert call(*[files.get(a, a) for a in arguments], "-w", weights) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert message in error


@pytest.mark.parametrize("command", ["cluster TABLE -w", "evaluate -w", "info"])
def test_weights_that_are_none_are_refused(command, table, capsys):
    arguments = [table if word == "TABLE" else word for word in command.split()]
    assert call(*arguments, table) == 2
    assert "expected a complete safetensors file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--gaussian.num-clusters", "3"], "set model.num_clusters"),
        (["--gaussian.num-swirls", "2", "--gaussian.dimensions", "1"], "at least 2 dimensions"),
        (["--training.batch", "0"], "must be at least 1"),
        (["--training.label-assignment", "alphabetic"], "alphabetic"),
        (["--model.hidden", "-1"], "hidden"),
        (["--prior", "tables"], "--tables.files"),
    ],
)
def test_a_bad_configuration_is_refused_before_training(arguments, message, tmp_path, capsys):
    assert call("train", "--out", tmp_path / "run", *arguments) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_the_weights_are_those_of_a_file_with_other_clusters(tmp_path, table, capsys):
    model = ModelConfig(dimensions=2, num_clusters=2, hidden=(4,))
    path = tmp_path / "other.safetensors"
    other = ModelConfig(2, 2, (4,), condition_on_num_clusters=True)
    save_learner(path, Learner(init(jax.random.key(0), other), model))
    assert call("cluster", table, "-w", path) == 2
    assert "expected layers.0.input_kernel of shape" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--out", "--plot", "--save", "--report"])
def test_an_output_never_replaces_the_table_or_the_weights(option, weights, table, capsys):
    for given in (table, weights):
        before = given.read_bytes()
        assert call("cluster", table, "-w", weights, "-k", 2, option, given) == 2
        assert "its own input" in capsys.readouterr().err
        assert given.read_bytes() == before


def test_the_two_outputs_are_two_files(weights, table, tmp_path, capsys):
    both = tmp_path / "both.csv"
    assert call("cluster", table, "-w", weights, "--out", both, "--plot", both) == 2
    assert not both.exists()
    capsys.readouterr()


TINY = [
    *("--training.iterations", "2", "--training.batch", "2", "--training.log-every", "2"),
    *("--quiet", "--model.hidden", "4"),
]


@pytest.mark.parametrize(
    "prior",
    ["gaussian", "broad", "tables", pytest.param("tables and broad", marks=pytest.mark.slow)],
)
def test_weights_of_every_kind_are_trained_and_evaluated(prior, tmp_path, capsys):
    rows = [f"{i % 2 * 5 + i / 50},{i % 7},{'ab'[i % 2]}" for i in range(40)]
    file = tmp_path / "table.csv"
    file.write_text("x,y,class\n" + "\n".join(rows) + "\n")
    run = tmp_path / "run"
    more = {
        "gaussian": ("--gaussian.num-points", 12),
        "broad": ("--broad.num-points", 16, "--broad.min-points", 12, "--model.num-clusters", 10),
        "tables": ("--tables.files", file, "--tables.num-points", 12),
        "tables and broad": (
            *("--tables.files", file, "--tables.num-points", 12, "--tables.broad-share", 0.5),
            *("--broad.num-points", 16, "--broad.min-points", 12, "--model.num-clusters", 10),
        ),
    }[prior]
    if prior == "gaussian":
        more += ("--start", first_weights(tmp_path))
    assert call("train", "--out", run, "--prior", prior.split()[0], *TINY, *more) == 0
    assert "on fresh tasks" in capsys.readouterr().out
    # as many tasks and orders as at the end of the training: the same compiled programs
    few = ("--count", 200, "--orders", 1)
    evaluated = call("evaluate", "-w", run / "weights.safetensors", *few)
    answer = capsys.readouterr()
    if prior.startswith("tables"):
        assert evaluated == 2
        assert "give a --file" in answer.err
    else:
        assert evaluated == 0
        assert ("Bayes oracle" in answer.out) == (prior == "gaussian")


def test_tables_may_be_mixed_with_the_broad_prior(table):
    tables = Tables((table,), label_column="kind", num_points=12, broad_share=0.25)
    mixture = Train(out=table.parent, prior="tables", tables=tables).distribution()
    pool, broad = mixture.distributions
    assert (pool.num_points, pool.dimensions) == (12, 2)
    assert isinstance(broad, BroadPrior)
    assert mixture.weights == (0.75, 0.25)


def first_weights(folder: Path) -> Path:
    config = ModelConfig(hidden=(4,))
    path = folder / "first.safetensors"
    save_learner(path, Learner(init(jax.random.key(0), config), config))
    return path
