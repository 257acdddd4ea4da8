"""Files of every format, labelled piece by piece."""

import csv
import io

import jax
import numpy as np
import pyarrow as arrow
import pytest
from pyarrow import parquet

from l2c_jax.io import files as table_files
from l2c_jax.io import label_file
from l2c_jax.io.files import TableError, open_table
from l2c_jax.recurrent.learner import Learner
from l2c_jax.recurrent.model import ModelConfig, init

MODEL = ModelConfig(dimensions=2, num_clusters=3, hidden=(4,), given_clusters=True, count_hidden=4)
LEARNER = Learner(init(jax.random.key(0), MODEL), MODEL, {})
ROWS = np.random.default_rng(0).normal(size=(50, 3))


def labelled(path, **settings):
    study = label_file.study(LEARNER, label_file.Request(path, orders=2, **settings))
    out = io.StringIO()
    seen = label_file.write(LEARNER, study, out)
    rows = list(csv.DictReader(out.getvalue().splitlines()))
    return study, seen, rows


@pytest.fixture
def files(tmp_path):
    names = ["a", "b", "c"]
    np.save(tmp_path / "rows.npy", ROWS)
    columns = dict(zip(names, ROWS.T, strict=True))
    parquet.write_table(arrow.table(columns), tmp_path / "rows.parquet")
    lines = [",".join(names), *(",".join(map(repr, row)) for row in ROWS.tolist())]
    (tmp_path / "rows.csv").write_text("\n".join(lines))
    return tmp_path


def test_every_format_gives_the_same_answer(files):
    answers = [
        [row["cluster"] for row in labelled(files / f"rows.{kind}", num_clusters=2)[2]]
        for kind in ("csv", "parquet", "npy")
    ]
    assert answers[0] == answers[1] == answers[2]
    assert set(answers[0]) == {"0", "1"}


def test_pieces_do_not_change_the_answer(files, monkeypatch):
    whole = labelled(files / "rows.csv", num_clusters=3)[2]
    monkeypatch.setattr(table_files, "ROWS", 7)
    assert labelled(files / "rows.csv", num_clusters=3)[2] == whole


def test_the_report_says_what_was_found(files):
    study, seen, rows = labelled(files / "rows.csv", label_column="c")
    text = "\n".join(label_file.report(study, seen))
    assert "50 rows, 2 columns" in text
    assert "number of clusters: " in text
    assert "ARI" in text
    assert len(rows) == 50


def test_the_picture_is_drawn(files):
    study, seen, _ = labelled(files / "rows.npy", num_clusters=3)
    label_file.draw(study, seen, files / "picture.png")
    assert (files / "picture.png").read_bytes()[:4] == b"\x89PNG"


def test_text_late_in_a_column_drops_it(tmp_path, monkeypatch):
    monkeypatch.setattr(table_files, "ROWS", 4)
    path = tmp_path / "late.csv"
    path.write_text("a,b\n" + "".join(f"{i},{i if i < 9 else 'x'}\n" for i in range(10)))
    study, _, _ = labelled(path, num_clusters=1)
    assert study.scan.dropped == ["b"]


def test_a_ragged_line_in_a_later_piece_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(table_files, "ROWS", 4)
    path = tmp_path / "ragged.csv"
    path.write_text("a,b\n" + "1,2\n" * 9 + "3\n")
    with pytest.raises(TableError, match="line 11 has 1 cells"):
        labelled(path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.npy", b"no array", "no NumPy array"),
        ("x.parquet", b"no parquet file at all", "no Parquet file"),
    ],
)
def test_broken_files_are_refused(name, content, message, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(TableError, match=message):
        open_table(tmp_path / name)


@pytest.mark.parametrize("array", [np.zeros(3), np.zeros((0, 2)), np.array([["a"]])])
def test_arrays_that_are_no_tables_are_refused(array, tmp_path):
    np.save(tmp_path / "x.npy", array)
    with pytest.raises(TableError, match="expected an array of numbers"):
        open_table(tmp_path / "x.npy")
