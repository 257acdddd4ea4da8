"""Tables from OpenML, against answers in its format; nothing here touches the network."""

import io
import json
import urllib.request
from email.message import Message
from pathlib import Path
from urllib.response import addinfourl

import numpy as np
import pytest

from experiments.lib.data import raw_tables
from experiments.tables import openml

ANSWERS = Path(__file__).parent / "openml"


class Recorded(urllib.request.HTTPSHandler):
    """Answers from files instead of from the network."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def https_open(self, request):
        url = request.full_url
        self.asked.append(url)
        path, status = ANSWERS / self.file(url), 200
        if path.name == "none.json":
            status = 412
        answer = addinfourl(io.BytesIO(path.read_bytes()), Message(), url, status)
        answer.msg = "recorded"
        return answer

    @staticmethod
    def file(url: str) -> str:
        end = url.rsplit("/", 1)[1]
        if "/data/list/" in url:
            there = "number_classes/3/" in url and url.endswith("/offset/0")
            return "list_3.json" if there else "none.json"
        if url.endswith(".arff"):
            return end
        part = url.rsplit("/", 2)[1]
        return f"{part}_{end}.json"


@pytest.fixture
def server(monkeypatch):
    handler = Recorded()
    monkeypatch.setattr(urllib.request, "_opener", urllib.request.build_opener(handler))
    return handler


def test_listing_asks_for_the_target_too_and_keeps_one_of_a_name(server):
    found = list(openml.listed(3, 15))
    assert [(one.number, one.name) for one in found] == [
        (9001, "toy"),
        (9002, "texts"),
        (9004, "short"),
    ]
    assert found[0].qualities["NumberOfInstances"] == 8
    (url,) = server.asked
    assert "number_classes/3/number_features/2..16/status/active" in url


def test_an_empty_list_is_no_error(server):
    assert list(openml.listed(7, 15)) == []


def test_long_lists_come_in_pages(server, monkeypatch):
    monkeypatch.setattr(openml, "PAGE", 5)
    list(openml.listed(3, 15))
    assert [url.rsplit("/", 1)[1] for url in server.asked[:2]] == ["0", "5"]


def test_a_table_is_numbers_with_classes(server, tmp_path):
    table = openml.fetch(9001, tmp_path)
    assert table.features == ["length", "colour"]
    assert table.classes == ["small", "large", "huge"]
    assert table.labels.tolist() == [0, 0, 1, 1, 2, 2, 0]  # the row without a class is left out
    assert table.categorical.tolist() == [False, True]
    nan = np.nan
    np.testing.assert_array_equal(
        table.points,
        [[1.5, 0], [1.25, 1], [nan, 0], [4, nan], [9, 1], [9.5, 0], [1, 0]],
    )
    asked = len(server.asked)
    openml.fetch(9001, tmp_path)
    assert len(server.asked) == asked  # it was kept


def test_classes_are_thinned_uniformly(monkeypatch):
    monkeypatch.setattr(openml, "MOST_PER_CLASS", 3)
    labels = np.array([0, 1, 0, 0, 1, 0, 0])
    points = np.arange(7.0)[:, None]
    table = openml.Fetched(points, labels, np.zeros(1, bool), ["a", "b"], ["x"])
    thin = openml.thinned(table)
    assert np.bincount(thin.labels).tolist() == [3, 2]
    assert (np.diff(thin.points[:, 0]) > 0).all()
    np.testing.assert_array_equal(labels[thin.points[:, 0].astype(int)], thin.labels)


def test_a_folder_is_written_that_the_experiments_read(server, tmp_path, monkeypatch, capsys):
    folder = tmp_path / "tables"
    openml.main(["--data", str(folder), "--classes", "3", "4", "--least-rows", "5"])
    said = capsys.readouterr()
    assert "1 tables in" in said.out
    assert "texts (9002) is left out" in said.out + said.err
    (entry,) = json.loads((folder / "tabular_index.json").read_text())
    assert entry["key"] == "toy"
    assert (entry["n"], entry["n_full"], entry["d"], entry["k"]) == (7, 7, 2, 3)
    assert entry["class_counts"] == [3, 2, 2]
    assert entry["missing"] == 2
    monkeypatch.setenv("L2C_DATA", str(folder))
    (table,) = raw_tables(lambda entry: entry["k"] == 3)
    assert table.name == "toy"
    assert table.points.shape == (7, 2)
    assert table.labels.tolist() == [0, 0, 1, 1, 2, 2, 0]
    assert not list(raw_tables(lambda entry: entry["d"] > 2))
