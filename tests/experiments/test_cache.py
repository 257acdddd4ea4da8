"""Cached results: reused for their own configuration alone, with the commit that made them."""

import numpy as np
import pytest

from experiments.lib.cache import Cache


@pytest.fixture
def compute():
    """A function that counts its calls."""

    def call():
        call.count += 1
        return {"labels": np.full(3, call.count)}

    call.count = 0
    return call


def test_arrays_are_computed_once_per_configuration(tmp_path, compute):
    cache = Cache(tmp_path, "abc")
    for config, expected in (({"seed": 0}, 1), ({"seed": 0}, 1), ({"seed": 1}, 2)):
        found = cache.arrays("folder/name", config, compute)
        np.testing.assert_array_equal(found["labels"], np.full(3, expected))
    assert set(cache.reused) == {"folder/name.npz"}


def test_json_is_computed_once_per_configuration(tmp_path, compute):
    cache = Cache(tmp_path, "abc")

    def counted():
        return compute()["labels"].tolist()

    assert cache.json("a", {"grid": (1, 2)}, counted) == [1, 1, 1]
    assert cache.json("a", {"grid": [1, 2]}, counted) == [1, 1, 1]
    assert cache.json("a", {"grid": [2]}, counted) == [2, 2, 2]


def test_a_result_carries_the_commit_that_made_it(tmp_path, compute):
    Cache(tmp_path, "old").arrays("a", {}, compute)
    Cache(tmp_path, "older").json("b", {}, lambda: 1)
    later = Cache(tmp_path, "new")
    later.arrays("a", {}, compute)
    later.json("b", {}, lambda: 2)
    later.json("c", {}, lambda: 3)
    assert later.reused == {"a.npz": "old", "b.json": "older"}
    assert compute.count == 1


@pytest.mark.parametrize("keep", [0, 40])
def test_a_truncated_file_is_computed_anew(tmp_path, compute, keep):
    cache = Cache(tmp_path)
    cache.arrays("a", {}, compute)
    cache.json("a", {}, lambda: [1])
    for path in (tmp_path / "a.npz", tmp_path / "a.json"):
        path.write_bytes(path.read_bytes()[:keep])
    assert cache.arrays("a", {}, compute)["labels"][0] == 2
    assert cache.json("a", {}, lambda: [2]) == [2]


def test_without_a_folder_nothing_is_stored(compute):
    cache = Cache()
    for _ in range(2):
        cache.arrays("a", {}, compute)
    assert compute.count == 2
    assert not cache.reused
