"""Files of every format, labelled piece by piece."""

import csv
import io

import jax
import numpy as np
import pyarrow as arrow
import pytest
from pyarrow import parquet

from l2c_jax.io import label_file, reader, tables
from l2c_jax.io.source import TableError
from l2c_jax.preprocessing.column_options import ColumnOptions
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


def labelled(path, label_column=None, **settings):
    config = TabularConfig(InferenceConfig(orders=2))
    columns = ColumnOptions(label_column=label_column)
    request = label_file.LabelRequest(path, config=config, columns=columns, **settings)
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
    monkeypatch.setattr(reader, "ROWS", 256)
    monkeypatch.setattr(reader, "CELLS", 3)
    monkeypatch.setattr(label_file, "PROGRESS_ROWS", 10)
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


def test_text_late_in_a_column_of_numbers_stops_the_run(tmp_path):
    path = tmp_path / "late.csv"
    path.write_text("a,b\n" + "".join(f"{i * i},{i if i < 9 else 'x'}\n" for i in range(10)))
    with pytest.raises(TableError, match="column 'b' holds numbers, but line 11: 'x'"):
        labelled(path, num_clusters=1)


def test_an_odd_cell_outside_the_sample_stops_the_run(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "detection_rows", lambda rows, width: np.arange(20))
    path = tmp_path / "late.csv"
    lines = [f"{i % 7},{i % 5},5" for i in range(50)]
    path.write_text(
        "\n".join(
            [
                "a,b,€",
                *(
                    f'{a},{b},"{i},5"'
                    for i, (a, b, _) in enumerate(line.split(",") for line in lines)
                ),
            ]
        ).replace("40,5", "4o,5")
    )
    with pytest.raises(TableError, match="line 42: '4o,5'"):
        labelled(path, num_clusters=1)


def test_an_earlier_answer_is_not_evidence_and_is_replaced(files):
    first = labelled(files / "rows.csv", num_clusters=2)[2]
    again = files / "again.csv"
    with again.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(first[0]))
        writer.writeheader()
        writer.writerows(first)
    assert labelled(again, num_clusters=2)[2] == first


def test_missing_labels_are_no_class(tmp_path):
    path = tmp_path / "labels.csv"
    rows = [f"{i % 2 * 9 + i / 50},{i / 7},{'' if i % 3 == 0 else 'ab'[i % 2]}" for i in range(30)]
    path.write_text("x,y,kind\n" + "\n".join(rows) + "\n")
    adapted, summary, _ = labelled(path, "kind", num_clusters=2)
    assert set(summary.classes) == {"a", "b"}
    assert (
        "(10 rows without a label left out)" in list(label_file.report_lines(adapted, summary))[-1]
    )


def test_a_table_that_cannot_give_k_says_so(tmp_path):
    path = tmp_path / "const.csv"
    path.write_text("x,y\n" + "1,2\n" * 20)
    adapted, summary, _ = labelled(path, num_clusters=2)
    text = "\n".join(label_file.report_lines(adapted, summary))
    assert "found 1 clusters, fewer than -k 2: the rows are too much alike" in text


def test_unseen_levels_are_said(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "detection_rows", lambda rows, width: np.arange(30))
    path = tmp_path / "unseen.csv"
    rows = [f"{i % 7},{'abcd'[i % 3 if i < 40 else 3]}" for i in range(50)]
    path.write_text("x,kind\n" + "\n".join(rows) + "\n")
    adapted, summary, _ = labelled(path, num_clusters=2)
    assert summary.unseen == {"kind": 10}
    assert "10 cells of column 'kind'" in "\n".join(label_file.report_lines(adapted, summary))


def test_a_ragged_line_is_found(tmp_path):
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
    assert adapted.prepared.file.rows == 50


def test_at_most_the_configured_rows_are_sampled(files):
    config = TabularConfig(InferenceConfig(orders=2), max_rows=20)
    request = label_file.LabelRequest(files / "rows.csv", num_clusters=2, config=config)
    assert label_file.adapt_file(MODEL, request).sample.shape == (20, 3)
