"""``l2c cluster --save`` and ``l2c predict``: the same answer, and what is said about columns."""

import csv
import os

import jax
import numpy as np
import pytest

from l2c_jax.cli import main
from l2c_jax.estimators import MetaClusterer
from l2c_jax.recurrent import Learner, ModelConfig, init
from l2c_jax.tabular import TabularModel, clusterer, save_tabular_model
from l2c_jax.tabular.judge import init_judge

RNG = np.random.default_rng(0)
GROUP = np.arange(60) % 3
HEADER = ["name", "x", "y", "color"]
ROWS = [
    [f"r{i}", f"{g * 5 + RNG.normal():.6f}", f"{RNG.normal():.6f}", ["red", "green", "blue"][g]]
    for i, g in enumerate(GROUP)
]


def written(path, header, rows, delimiter=","):
    with path.open("w", newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows([header, *rows])
    return path


def call(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return int(ended.value.code or 0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("predict")
    config = ModelConfig(
        *(4, 3, (6,)),
        architecture="slots",
        condition_on_num_clusters=True,
        preprocessing="robust",
        logit_scale=1.0,
    )
    learner = Learner(init(jax.random.key(0), config), config)
    judge = init_judge(jax.random.key(1), 4, 3, 4)
    save_tabular_model(folder / "w.safetensors", TabularModel(learner, judge))
    table = written(folder / "table.csv", HEADER, ROWS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clusterer, "CHUNK", 64)
        answer = ("-o", folder / "answer.csv", "--save", folder / "model.safetensors")
        weights = ("-w", folder / "w.safetensors", "-k", 3, "--seed", 5)
        assert call("cluster", table, *weights, *answer) == 0
    return folder


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(clusterer, "CHUNK", 64)


def answers(text: str) -> list[list[str]]:
    return [[row[n] for n in row if n[:7] in ("cluster", "probabi")] for row in csv.DictReader(
        text.splitlines())]  # fmt: skip


def test_the_model_answers_row_for_row_as_the_run_that_saved_it(folder, tmp_path):
    out = tmp_path / "again.csv"
    assert call("predict", folder / "model.safetensors", folder / "table.csv", "-o", out) == 0
    assert out.read_text() == (folder / "answer.csv").read_text()
    # its own answer is no evidence, and is replaced
    twice = tmp_path / "twice.csv"
    assert call("predict", folder / "model.safetensors", out, "-o", twice) == 0
    assert twice.read_text() == out.read_text()


def test_a_part_in_another_layout_gets_the_same_answer(folder, tmp_path, capsys):
    order = [3, 2, 1]
    header = [*(HEADER[i] for i in order), "more"]
    rows = [[*(row[i].replace(".", ",") for i in order), "?"] for row in ROWS[7:20]]
    part = written(tmp_path / "part.csv", header, rows, ";")
    assert call("predict", folder / "model.safetensors", part) == 0
    found = capsys.readouterr()
    assert answers(found.out) == answers((folder / "answer.csv").read_text())[7:20]
    assert "does not know the column 'more', which is ignored" in found.err
    assert "13 rows, 3 columns" in found.err


def test_unseen_levels_are_counted_once_a_column(folder, tmp_path, capsys):
    rows = [[*row[:3], "violet" if i < 4 else row[3]] for i, row in enumerate(ROWS)]
    path = written(tmp_path / "new.csv", HEADER, rows)
    assert call("predict", folder / "model.safetensors", path) == 0
    said = capsys.readouterr().err
    assert said.count("'color'") == 1
    assert "4 cells of column 'color' have a level that the model does not know" in said


def test_true_labels_are_compared(folder, capsys):
    arguments = (folder / "model.safetensors", folder / "table.csv", "--label-column", "color")
    assert call("predict", *arguments) == 0
    assert "ARI" in capsys.readouterr().err


def bad_calls(folder, tmp_path):
    table, model = folder / "table.csv", folder / "model.safetensors"
    lacks = written(tmp_path / "lacks.csv", HEADER[:2], [row[:2] for row in ROWS])
    odd = written(tmp_path / "odd.csv", HEADER, [*ROWS, ["r60", "1o", "2", "red"]])
    short = tmp_path / "short.safetensors"
    short.write_bytes(model.read_bytes()[:-9])
    link = tmp_path / "link.csv"
    os.symlink(table, link)
    return [
        ((model, lacks), "lacks columns 'y', 'color', which the model needs"),
        ((model, odd), "line 62: '1o' is not a finite number"),
        ((table, table), "expected a complete safetensors file"),
        ((short, table), "truncated"),
        ((folder / "w.safetensors", table), "expected a fitted model, found weights"),
        ((folder / "none", table), "no such weight file"),
        ((model, folder / "none.csv"), "no such file"),
        ((model, table, "--out", table), "would replace its own input"),
        ((model, table, "--out", link), "would replace its own input"),
        ((model, table, "--out", model), "would replace its own input"),
        ((model, table, "--out", folder / "no" / "out.csv"), "there is no folder"),
        ((model, table, "--label-column", "z"), "no column 'z'"),
    ]


def test_bad_calls_get_one_line_and_exit_code_2_and_destroy_nothing(folder, tmp_path, capsys):
    kept = {path: path.read_bytes() for path in folder.iterdir()}
    for arguments, message in bad_calls(folder, tmp_path):
        out = tmp_path / "out.csv"
        more = () if "--out" in arguments else ("--out", out)
        assert call("predict", *arguments, *more) == 2, arguments
        said = capsys.readouterr().err
        assert message in said
        assert said.count("\n") == 1
        assert not out.exists()
    assert {path: path.read_bytes() for path in folder.iterdir()} == kept


@pytest.mark.parametrize("name", ["table.csv", "w.safetensors", "answer"])
def test_the_model_never_replaces_an_input_or_another_output(folder, name, capsys):
    path, before = folder / name, (folder / "table.csv").read_bytes()
    arguments = ("cluster", folder / "table.csv", "-w", folder / "w.safetensors")
    assert call(*arguments, "--out", folder / "answer", "--save", path) == 2
    assert (folder / "table.csv").read_bytes() == before
    assert "its own input" in capsys.readouterr().err


def test_python_reads_the_model_of_the_command_line(folder):
    import pandas as pd

    clusterer = MetaClusterer.load(folder / "model.safetensors")
    found = clusterer.predict(pd.read_csv(folder / "table.csv"))
    expected = [int(row[0]) for row in answers((folder / "answer.csv").read_text())]
    assert found.tolist() == expected
    assert clusterer.get_params()["random_state"] == 5
    assert clusterer.n_clusters == clusterer.n_clusters_ == 3


def test_the_command_line_reads_the_model_of_python(folder, tmp_path, capsys):
    rows = np.array([[float(row[1]), float(row[2])] for row in ROWS])
    weights = folder / "w.safetensors"
    clusterer = MetaClusterer(2, weights=weights, n_orders=2, random_state=0).fit(rows)
    clusterer.save(tmp_path / "model.safetensors")
    np.save(tmp_path / "rows.npy", rows)
    for path in (
        tmp_path / "rows.npy",
        written(tmp_path / "xy.csv", ["x", "y"], [row[1:3] for row in ROWS]),
    ):
        assert call("predict", tmp_path / "model.safetensors", path) == 0
        found = capsys.readouterr()
        assert [int(row[0]) for row in answers(found.out)] == clusterer.labels_.tolist()
    assert "taken in order" in found.err
