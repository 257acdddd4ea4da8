"""``l2c discover`` of two tables, of listed images, its page, its saved model, its outputs."""

import csv
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from l2c_jax.cli import main

RNG = np.random.default_rng(0)
EVIL = "<script>alert('x')</script>"
QUICK = ["--iterations", 20, "--epochs", 3, "-k", 5]
IMAGES = ["--width", 0.03, "--size", 16, "--iterations", 2, "--epochs", 1, "-k", 3]


def call(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return int(ended.value.code or 0)


def written(path: Path, header: list[str], rows: list[list[str]]) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def read(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


class Page(HTMLParser):
    """Names of tags, addresses, and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.addresses += [v for name, v in attributes if name in ("src", "href")]

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def tables(tmp_path_factory) -> Path:
    """5 labeled classes, a missing label, and 3 new classes with columns in another order."""
    folder = tmp_path_factory.mktemp("tables")
    where = 4 * RNG.normal(size=(8, 3))
    kind = np.arange(80) % 5
    points = where[kind] + RNG.normal(scale=0.3, size=(80, 3))
    colors = np.array(["red", EVIL])[kind % 2]
    rows = [
        [f"{a:.4f}", f"{b:.4f}", f"{c:.4f}", color, f"class {k}"]
        for (a, b, c), color, k in zip(points, colors, kind, strict=True)
    ]
    rows[0][4] = ""
    written(folder / "labeled.csv", ["a", "b", "c", "color", "kind"], rows)
    kind = 5 + np.arange(30) % 3
    points = where[kind] + RNG.normal(scale=0.3, size=(30, 3))
    new = [[f"{c:.4f}", EVIL, f"{b:.4f}", f"{a:.4f}"] for a, b, c in points]
    written(folder / "new.csv", ["c", "color", "b", "a"], new)
    both = (folder / "labeled.csv", folder / "new.csv", "--label-column", "kind")
    out = (*QUICK, "-o", folder / "out", "--save", folder / "model.safetensors")
    assert call("discover", *both, *out) == 0
    return folder


def test_every_row_gets_a_cluster(tables):
    rows = read(tables / "out" / "clusters.csv")
    assert [row["row"] for row in rows] == [str(number + 1) for number in range(30)]
    total = [sum(float(v) for k, v in row.items() if k.startswith("prob")) for row in rows]
    np.testing.assert_allclose(total, 1, atol=1e-5)
    assert not list((tables / "out").glob("*.png"))


def test_the_saved_model_gives_the_same_answer(tables, tmp_path):
    model, again = tables / "model.safetensors", tmp_path / "again.csv"
    assert call("predict", model, tables / "new.csv", "-o", again) == 0
    assert again.read_text() == (tables / "out" / "clusters.csv").read_text()


def test_a_table_that_lacks_a_column_is_refused(tables, tmp_path, capsys):
    less = written(tmp_path / "less.csv", ["a", "b"], [["1", "2"], ["3", "4"]])
    assert call("predict", tables / "model.safetensors", less, "-o", tmp_path / "x.csv") == 2
    assert "lacks" in capsys.readouterr().err
    assert not (tmp_path / "x.csv").exists()


def test_the_page_of_rows_says_how_it_was_found_and_escapes_cells(tables):
    text = (tables / "out" / "report.html").read_text(encoding="utf-8")
    page = Page(text)
    assert "script" not in page.tags
    assert EVIL in page.text
    assert all(address.startswith("#") for address in page.addresses)
    for said in ("79 labeled examples of 5 classes", "held-out", "k-means", "--label-column kind"):
        assert said in page.text, said
    assert "prefers-color-scheme: dark" in text


def test_a_run_goes_on_where_it_stopped(tables):
    answer = tables / "out" / "clusters.csv"
    before = answer.read_text()
    both = (tables / "labeled.csv", tables / "new.csv", "--label-column", "kind")
    assert call("discover", *both, *QUICK, "-o", tables / "out") == 2  # there is a run
    assert call("discover", *both, *QUICK, "-o", tables / "out", "--resume") == 0
    assert answer.read_text() == before


@pytest.fixture
def images(tmp_path) -> Path:
    """Images in one folder and a table of their labels."""
    (tmp_path / "new").mkdir()
    rows = []
    for number in range(6):
        pixels = RNG.integers(0, 256, (18, 20)).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
        Image.fromarray(pixels.T).save(tmp_path / "new" / f"{number}.png")
        rows.append([f"{number}.png", f"kind {number % 2}"])
    (tmp_path / "broken.png").write_bytes(b"")
    written(tmp_path / "labels.csv", ["file", "label"], [*rows, ["broken.png", "kind 0"]])
    return tmp_path


def test_labels_may_be_in_a_table_and_a_saved_model_reads_images(images, capsys):
    out, model = images / "out", images / "model.safetensors"
    given = (images / "labels.csv", images / "new", "-o", out, "--save", model)
    assert call("discover", *given, *IMAGES) == 0
    assert "broken.png" in capsys.readouterr().err
    assert (out / "embedding.png").is_file()
    again = images / "again.csv"
    assert call("predict", model, images / "new", "-o", again) == 0
    assert again.read_text() == (out / "clusters.csv").read_text()
    one = read(again)[2]
    assert call("predict", model, images / "new" / "2.png", "-o", again) == 0
    assert read(again)[0]["cluster"] == one["cluster"]
    page = Page((out / "report.html").read_text(encoding="utf-8"))
    assert page.tags.count("img") == 6
    assert all(a.startswith(("#", "data:image/png;base64,")) for a in page.addresses)
    assert "broken.png" in page.text
    assert "no labeled class was held out" in page.text


def test_outputs_never_mix_with_inputs(images, capsys):
    labels, new = images / "labels.csv", images / "new"
    for out in (new, new / "inside", images):
        assert call("discover", labels, new, "-o", out, *IMAGES) == 2
        assert "choose another folder" in capsys.readouterr().err
    assert call("discover", labels, new, "-o", images / "o", "--save", labels, *IMAGES) == 2
    assert "would replace its own input" in capsys.readouterr().err
    assert not (images / "o").exists()


def test_a_table_of_images_needs_its_columns(images, capsys):
    wrong = written(images / "wrong.csv", ["a", "b"], [["0.png", "x"], ["1.png", "x"]])
    assert call("discover", wrong, images / "new", "-o", images / "o", *IMAGES) == 2
    assert "--label-column" in capsys.readouterr().err
