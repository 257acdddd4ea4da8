"""Records to files and to pages."""

from pathlib import Path

import pytest

from experiments import results
from l2c_jax.evaluate import record
from l2c_jax.report import read_records, write_records

RESULTS = Path(results.__file__).parent / "results"


def test_records_survive_their_file(tmp_path):
    records = [record("e", "d", "k-means", "error", [0.1, 0.3], seed=3, paper=0.2)]
    write_records(tmp_path / "e.json", records)
    assert read_records(tmp_path / "e.json") == records
    assert records[0]["mean"] == pytest.approx(0.2)
    assert records[0]["stderr"] == pytest.approx(0.1)


def test_the_committed_page_is_what_the_committed_records_say():
    assert (RESULTS / "RESULTS.md").read_text() == results.render(RESULTS)


def test_committed_records_measure_something():
    for path in RESULTS.glob("*.json"):
        for entry in read_records(path):
            assert not entry.get("smoke")
            for name in ("experiment", "dataset", "method", "metric", "mean", "n", "seed"):
                assert entry[name] is not None
            assert "changed" not in entry["commit"]
