"""The page: complete, self-contained, and safe whatever the table holds."""

import csv
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser

import jax
import numpy as np
import pytest

from l2c_jax.io.label_file import LabelRequest, adapt_file, fitted_model_of, write_labels
from l2c_jax.io.report_file import FileReport
from l2c_jax.recurrent.config import InferenceConfig, ModelConfig
from l2c_jax.recurrent.learner import Learner
from l2c_jax.recurrent.model import init
from l2c_jax.report import Evidence, render_page, write_page
from l2c_jax.tabular import TabularConfig, TabularModel, clusterer
from l2c_jax.tabular.judge import init_judge
from l2c_jax.tabular.outliers import fit_surroundings
from l2c_jax.tabular.views import VIEWS

EVIL = "<script>alert('x')</script><img src=x onerror=alert(1)>"
EMPTY = {"meta", "br", "circle", "path"}
CONFIG = ModelConfig(4, 3, (4,), condition_on_num_clusters=True, preprocessing="robust")
PARAMS = jax.tree.map(lambda leaf: 4 * leaf, init(jax.random.key(0), CONFIG))
MODEL = TabularModel(Learner(PARAMS, CONFIG), init_judge(jax.random.key(1), 4, 3, 4))
RNG = np.random.default_rng(0)
GROUP = np.arange(80) % 3


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(clusterer, "CHUNK", 64)


class Tags(HTMLParser):
    """Every tag with its attributes, and the text outside of tags; all tags are closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict]] = []
        self.text = ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def page_of(folder, header, rows, **settings):
    path = folder / "table.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    config = TabularConfig(InferenceConfig(orders=2))
    adapted = adapt_file(MODEL, LabelRequest(path, config=config, **settings))
    report = FileReport(fitted_model_of(MODEL, adapted, "small"), adapted)
    with (folder / "out.csv").open("w") as out:
        summary = write_labels(MODEL, adapted, out, report.observe)
    return report.page("l2c cluster table.csv"), summary


def mixed_rows(word="red"):
    return [
        [f"r{i}", f"{5 * g + RNG.normal():.4f}", f"{RNG.normal():.4f}", [word, "green", "blue"][g]]
        for i, g in enumerate(GROUP)
    ]


def test_the_page_is_whole_self_contained_and_has_no_script(tmp_path):
    page, summary = page_of(tmp_path, ["id", "x", "y", "color"], mixed_rows())
    text = render_page(page)
    found = Tags(text)
    names = {tag for tag, _ in found.tags}
    assert not names & {"script", "iframe", "object", "embed", "link", "img", "base", "form"}
    for _, attributes in found.tags:
        assert not {"src", "href", "action", "onclick", "onload", "onerror"} & set(attributes)
    assert not re.search(r"https?://|//[a-z]|url\(|@import", text)
    assert "prefers-color-scheme: dark" in text
    assert "default-src 'none'" in text
    assert [s.profile.size for s in page.clusters] == summary.sizes[summary.sizes > 0].tolist()
    for heading in (
        *("How many clusters", "Pictures", "The clusters", "Rows that belong nowhere"),
        *("Rows between two clusters", "What was read, and how", "How it was computed"),
    ):
        assert heading in found.text
    assert "l2c cluster table.csv" in found.text
    assert "content hash" in found.text
    assert len(page.pictures) == sum(tag == "svg" for tag, _ in found.tags) == len(VIEWS)
    assert [picture.selected for picture in page.pictures] == [True, *[False] * (len(VIEWS) - 1)]
    assert {len(picture.dots) for picture in page.pictures} == {80}


def test_names_and_cells_of_the_table_are_escaped(tmp_path):
    header = [EVIL, f"x{EVIL}", "{{ 7 * 7 }}", f"color{EVIL}"]
    page, _ = page_of(tmp_path, header, mixed_rows(EVIL), num_clusters=3)
    page = replace(page, title=EVIL, command=EVIL, notes=[EVIL])
    text = render_page(page)
    assert "<script" not in text
    assert "<img" not in text
    assert "&lt;script&gt;" in text
    assert "{{ 7 * 7 }}" in Tags(text).text
    assert "49" not in [t for _, t in re.findall(r"<(th|td)>(.*?)</", text)]


@pytest.mark.parametrize("width", [3, 60])
def test_narrow_and_wide_tables(tmp_path, width):
    rows = (RNG.normal(size=(80, width)) + 4 * GROUP[:, None]).round(4).tolist()
    page, _ = page_of(tmp_path, [f"c{i}" for i in range(width)], rows, num_clusters=3)
    found = Tags(render_page(page))
    for section in page.clusters:
        assert len(section.differences) == width
        assert len(section.columns) <= 7
        assert 1 <= len(section.sentences) <= 6
    assert found.text.count("standardized difference") > 0


def test_a_far_row_is_listed_with_the_column_in_which_it_is_far(tmp_path):
    rows = mixed_rows()
    rows[17][2] = "1000000"
    page, _ = page_of(tmp_path, ["id", "x", "y", "color"], rows, num_clusters=3)
    assert page.nowhere_count >= 1
    assert page.nowhere[0].number == 18
    assert page.nowhere[0].reasons[0].startswith("y is 1,000,000 (nine of ten rows: -")
    assert "r17" in page.nowhere[0].cells
    assert 'class="cross"' in render_page(page)


def test_rows_between_are_those_whose_second_cluster_is_half_as_probable(tmp_path):
    page, _ = page_of(tmp_path, ["id", "x", "y", "color"], mixed_rows(), num_clusters=3)
    with (tmp_path / "out.csv").open() as file:
        rows = [
            sorted((float(row[f"probability_{k}"]) for k in range(3)), reverse=True)
            for row in csv.DictReader(file)
        ]
    between = {i + 1 for i, row in enumerate(rows) if row[1] >= 0.5 * row[0]}
    far = {row.number for row in page.nowhere}
    assert abs(page.between_count - len(between - far)) <= 1  # the file has six decimals
    assert {row.number for row in page.between} <= between


def test_typical_rows_are_rows_of_their_cluster(tmp_path):
    page, _ = page_of(tmp_path, ["id", "x", "y", "color"], mixed_rows(), num_clusters=3)
    with (tmp_path / "out.csv").open() as file:
        answers = list(csv.DictReader(file))
    for section in page.clusters:
        for number, cells in section.typical:
            assert int(answers[number - 1]["cluster"]) == section.profile.cluster
            assert cells[0] == answers[number - 1]["id"]


def test_the_size_of_the_pieces_does_not_change_what_is_listed():
    rows = np.concatenate([RNG.normal(size=(300, 2)), 1e3 * RNG.normal(size=(20, 2))])
    probabilities = RNG.dirichlet([0.3, 0.3, 0.3], 320)
    around = fit_surroundings(rows, probabilities.argmax(axis=1), 3)
    whole, pieces = Evidence(around, 3), Evidence(around, 3)
    whole.add(0, rows, probabilities)
    for start in range(0, 320, 7):
        pieces.add(start, rows[start : start + 7], probabilities[start : start + 7])
    for one in (whole, pieces):
        assert len(one.nowhere()) == len(one.between()) == 12
    assert [m.row for m in whole.nowhere()] == [m.row for m in pieces.nowhere()]
    assert [m.row for m in whole.between()] == [m.row for m in pieces.between()]
    assert (whole.nowhere_count, whole.between_count) == (
        *(pieces.nowhere_count, pieces.between_count),
    )
    np.testing.assert_array_equal(whole.sizes, pieces.sizes)


def test_an_existing_page_is_replaced_as_a_whole(tmp_path):
    page, _ = page_of(tmp_path, ["id", "x", "y", "color"], mixed_rows(), num_clusters=1)
    path = tmp_path / "report.html"
    path.write_text("old")
    write_page(path, page)
    assert path.read_text().startswith("<!doctype html>")
    assert "There is one cluster" in path.read_text()


WITHOUT = """
import sys
sys.modules["jinja2"] = None
from l2c_jax.cli import main
main(["cluster", sys.argv[1], "--report", sys.argv[2]])
"""


def test_without_the_template_engine_the_way_out_is_said_before_the_work(tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n1,2\n3,4\n")
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, tmp_path / "t.csv", tmp_path / "r.html"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == "l2c: a report needs Jinja2: pip install l2c_jax[report]\n"
    assert not (tmp_path / "r.html").exists()
