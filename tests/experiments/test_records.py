"""Records to files and to pages."""

import pytest

from experiments.lib import page
from experiments.lib.paths import RESULTS
from experiments.lib.records import RENAMED, read_records, record, write_records
from experiments.lib.registry import MODULES


def test_records_survive_their_file(tmp_path):
    records = [record("e", "d", "k-means", "error", [0.1, 0.3], seed=3, extra={"paper": 0.2})]
    write_records(tmp_path / "e.json", records)
    assert read_records(tmp_path / "e.json") == records
    assert records[0]["mean"] == pytest.approx(0.2)
    assert records[0]["stderr"] == pytest.approx(0.1)


def test_the_committed_page_is_what_the_committed_records_say():
    assert (RESULTS / "RESULTS.md").read_text() == page.render(RESULTS)


def test_committed_records_measure_something():
    for path in RESULTS.glob("*.json"):
        for entry in read_records(path):
            assert not entry.get("smoke")
            for name in ("experiment", "dataset", "method", "metric", "mean", "n", "seed"):
                assert entry[name] is not None
            assert "changed" not in entry["commit"]


def test_names_of_release_1_are_replaced(tmp_path):
    old = record(
        "e", "real tables, k told", "k-means (in the learner's frame)", "error", [1], seed=0
    )
    write_records(tmp_path / "e.json", [old])
    found = read_records(tmp_path / "e.json")[0]
    assert found["dataset"] == "real tables, k given"
    assert found["method"] == "k-means (learner's preprocessing)"
    assert not set(RENAMED) & set(RENAMED.values())


def test_every_record_file_belongs_to_an_experiment():
    assert {path.stem for path in RESULTS.glob("*.json")} <= set(MODULES)


def test_the_page_names_the_commits_of_cached_parts():
    made = {"seed": 0, "commit": "c", "device": "cpu x1", "minutes": 1}
    assert "cached" not in page.origin("table1", made)
    old = page.origin("table3", {**made, "kept_parts": 3})
    assert "besides 3 cached results of earlier runs, whose commits were not recorded" in old
    new = page.origin("table3", {**made, "reused_parts": 2, "part_commits": ["a", "b"]})
    assert "besides 2 cached results of earlier runs, computed at commit a, b" in new
