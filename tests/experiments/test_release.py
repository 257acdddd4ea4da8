"""Releasing weights: measuring leaves the package alone; a release installs only on request."""

import json
import shutil
from pathlib import Path

import jax
import pytest
from safetensors import safe_open

from experiments.lib import release as lib
from experiments.universal import release
from l2c_jax.recurrent.config import ModelConfig
from l2c_jax.recurrent.learner import (
    Learner,
    Metadata,
    load_learner,
    pretrained_weights,
    save_learner,
)
from l2c_jax.recurrent.model import init
from l2c_jax.training.weights import content_hash, read_header

MODEL = ModelConfig(num_clusters=3, hidden=(4,), condition_on_num_clusters=True)
LEARNER = Learner(init(jax.random.key(0), MODEL), MODEL, Metadata(minutes=1.0))


@pytest.fixture
def package(tmp_path, monkeypatch) -> Path:
    """The packaged file, in a folder of its own."""
    path = tmp_path / "package" / "universal.safetensors"
    path.parent.mkdir()
    path.write_text("old")
    monkeypatch.setattr(lib, "packaged_file", lambda name: path)
    return path


@pytest.fixture
def command(tmp_path):
    """Arguments of a release of LEARNER, with records of it or of other weights."""

    def arguments(weights: str = content_hash(LEARNER.params), **more) -> list[str]:
        path, records = tmp_path / "new.safetensors", tmp_path / "zero_shot.json"
        save_learner(path, LEARNER)
        shared = {"dataset": "d", "method": "learned", "metric": "ARI", "weights": weights}
        records.write_text(json.dumps([{**shared, "mean": 0.5, "stderr": 0.1, "n": 9, **more}]))
        return [
            *("--weights", str(path), "--records", str(records)),
            *("--out", str(tmp_path / "out")),
        ]

    return arguments


def test_a_release_is_a_file_with_a_card(package, command, tmp_path):
    release.main(command())
    found = load_learner(tmp_path / "out" / "universal.safetensors")
    assert found.metadata.extra["card"]["scores"] == {
        "d: ARI": {"mean": 0.5, "stderr": 0.1, "n": 9}
    }
    assert content_hash(found.params) == content_hash(LEARNER.params)
    assert package.read_text() == "old"


def test_install_replaces_the_packaged_file(package, command, tmp_path):
    release.main([*command(), "--install"])
    assert package.read_bytes() == (tmp_path / "out" / "universal.safetensors").read_bytes()
    assert [path.name for path in package.parent.iterdir()] == [package.name]


@pytest.mark.parametrize(
    ("more", "message"), [({"weights": "other"}, "records of weights"), ({"smoke": True}, "smoke")]
)
def test_records_that_do_not_fit_are_refused(package, command, more, message):
    with pytest.raises(SystemExit, match=message):
        release.main(command(**more))
    assert package.read_text() == "old"


PACKAGED = {"demo": "74bc54b104d9d0c1", "universal": "70f570c6056832b9"}


def contents(path) -> tuple[dict[str, str], dict[str, bytes]]:
    """The metadata and the arrays of a file."""
    with safe_open(path, framework="numpy") as file:
        return file.metadata(), {name: file.get_tensor(name).tobytes() for name in file.keys()}  # noqa: SIM118


@pytest.mark.parametrize("name", PACKAGED)
def test_packaged_weights_are_the_known_ones_and_carry_their_hash(name):
    path = pretrained_weights()[name]
    assert read_header(path)["content_hash"] == PACKAGED[name]
    assert set(contents(path)[0]) == {"l2c_jax", "l2c_jax_leaves", "l2c_jax_sha256"}


def test_writing_packaged_weights_again_changes_nothing_in_them(tmp_path, monkeypatch):
    before = pretrained_weights()
    monkeypatch.setattr(lib, "packaged_file", lambda name: tmp_path / f"{name}.safetensors")
    for name, path in before.items():
        shutil.copyfile(path, tmp_path / f"{name}.safetensors")
    lib.main(["--out", str(tmp_path / "out"), "--install"])
    for name, path in before.items():
        assert contents(tmp_path / f"{name}.safetensors") == contents(path)
