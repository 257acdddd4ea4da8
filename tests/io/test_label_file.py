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
from l2c_jax.io.files import TableError
from l2c_jax.recurrent.config import InferenceConfig, ModelConfig
from l2c_jax.recurrent.learner import Learner
from l2c_jax.recurrent.model import init
from l2c_jax.tabular.clusterer import TabularConfig
from l2c_jax.tabular.judge import init_judge
from l2c_jax.tabular.model import TabularModel

CONFIG = ModelConfig(2, 3, (4,), condition_on_num_clusters=True)
PARAMS = jax.tree.map(lambda leaf: 4 * leaf, init(jax.random.key(0), CONFIG))  # no ties
MODEL = TabularModel(Learner(PARAMS, CONFIG), init_judge(jax.random.key(1), 2, 3, 4))
ROWS = np.random.default_rng(0).normal(size=(50, 3))


def labelled(path, **settings):
    config = TabularConfig(InferenceConfig(orders=2))
    request = label_file.LabelRequest(path, config=config, **settings)
    adapted = label_file.adapt_file(MODEL, request)
    out = io.StringIO()
    summary = label_file.write_labels(MODEL, adapted, out)
    rows = list(csv.DictReader(out.getvalue().splitlines()))
    return adapted, summary, rows


@pytest.fixture
def files(tmp_path):
    names = ["a", "b", "c"]
    np.save(tmp_path / "rows.npy", ROWS)
    columns = dict(zip(names, ROWS.T, strict=True))
    parquet.write_table(arrow.table(columns), tmp_path / "rows.parquet")
    lines = [",".join(names), *(",".join(map(repr, row)) for row in ROWS.tolist())]
    (tmp_path / "rows.csv").write_text("\n".join(lines))
    return tmp_path


def test_all_formats_give_the_same_labels(files):
    answers = [
        [row["cluster"] for row in labelled(files / f"rows.{kind}", num_clusters=2)[2]]
        for kind in ("csv", "parquet", "npy")
    ]
    assert answers[0] == answers[1] == answers[2]
    assert set(answers[0]) == {"0", "1"}


def test_the_size_of_the_pieces_does_not_change_the_labels(files, monkeypatch):
    whole = labelled(files / "rows.csv", num_clusters=3)[2]
    monkeypatch.setattr(table_files, "ROWS", 7)
    assert labelled(files / "rows.csv", num_clusters=3)[2] == whole


def test_the_report_has_sizes_clusters_and_scores(files):
    adapted, summary, rows = labelled(files / "rows.csv", label_column="c")
    text = "\n".join(label_file.report_lines(adapted, summary))
    assert "50 rows, 2 columns" in text
    assert "number of clusters: " in text
    assert "ARI" in text
    assert len(rows) == 50


def test_the_picture_is_drawn(files):
    adapted, summary, _ = labelled(files / "rows.npy", num_clusters=3)
    label_file.draw_sample(adapted, summary, files / "picture.png")
    assert (files / "picture.png").read_bytes()[:4] == b"\x89PNG"


def test_text_late_in_a_column_drops_it(tmp_path, monkeypatch):
    monkeypatch.setattr(table_files, "ROWS", 4)
    path = tmp_path / "late.csv"
    path.write_text("a,b\n" + "".join(f"{i},{i if i < 9 else 'x'}\n" for i in range(10)))
    adapted, _, _ = labelled(path, num_clusters=1)
    assert adapted.scan.dropped == ["b"]


def test_a_ragged_line_in_a_later_piece_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(table_files, "ROWS", 4)
    path = tmp_path / "ragged.csv"
    path.write_text("a,b\n" + "1,2\n" * 9 + "3\n")
    with pytest.raises(TableError, match="line 11 has 1 cells"):
        labelled(path)


def test_the_largest_probability_is_the_label(files):
    adapted, summary, rows = labelled(files / "rows.csv", num_clusters=3)
    names = [f"probability_{j}" for j in range(3)]
    found = np.array([[float(row[name]) for name in names] for row in rows])
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=2e-6)  # six digits are written
    labels = [int(row["cluster"]) for row in rows]
    np.testing.assert_array_equal(found.argmax(axis=1), labels)
    np.testing.assert_array_equal(summary.sizes, np.bincount(labels, minlength=3))
    assert summary.labels.size == summary.classes.size == 0
    assert summary.sample.shape == (50, 3)
    assert adapted.scan.rows == 50


def test_at_most_the_configured_rows_are_sampled(files):
    config = TabularConfig(InferenceConfig(orders=2), max_rows=20)
    request = label_file.LabelRequest(files / "rows.csv", num_clusters=2, config=config)
    assert label_file.adapt_file(MODEL, request).scan.sample.shape == (20, 3)
