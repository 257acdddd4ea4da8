"""Checkpoints come back bit for bit."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from l2c_jax.training.checkpoints import HASHES, CheckpointError, Checkpoints, DamagedError

STATE = {"w": jnp.array([0.1, -0.0, jnp.inf]), "step": jnp.int32(3), "pair": (jnp.ones((2, 1)),)}


@pytest.fixture
def checkpoints(tmp_path):
    opened = Checkpoints(tmp_path / "run" / "checkpoints", keep=2)
    yield opened
    opened.close()


def test_new_folder_has_no_checkpoint(checkpoints):
    assert checkpoints.latest() is None


def test_state_comes_back_bit_for_bit(checkpoints):
    checkpoints.save(3, STATE)
    back = checkpoints.restore(3, jax.tree.map(jnp.zeros_like, STATE))
    assert jax.tree.structure(back) == jax.tree.structure(STATE)
    for found, saved in zip(jax.tree.leaves(back), jax.tree.leaves(STATE), strict=True):
        assert isinstance(found, jax.Array)
        assert found.dtype == saved.dtype
        assert np.asarray(found).tobytes() == np.asarray(saved).tobytes()


def test_only_the_latest_are_kept(checkpoints, tmp_path):
    for step in (1, 2, 5):
        checkpoints.save(step, STATE)
    assert checkpoints.latest() == 5
    kept = {path.name for path in (tmp_path / "run" / "checkpoints").iterdir() if path.is_dir()}
    assert kept == {"2", "5"}


def test_a_step_that_is_saved_is_left_alone(checkpoints):
    checkpoints.save(1, STATE)
    checkpoints.save(1, jax.tree.map(jnp.zeros_like, STATE))
    np.testing.assert_array_equal(checkpoints.restore(1, STATE)["w"], STATE["w"])


@pytest.mark.parametrize(
    "like",
    [
        {"w": STATE["w"]},
        {**STATE, "more": STATE["w"]},
        {**STATE, "w": jnp.zeros(4)},
        {**STATE, "w": STATE["w"].astype(jnp.int32)},
    ],
    ids=["missing", "surplus", "shape", "type"],
)
def test_other_state_is_refused(checkpoints, like):
    checkpoints.save(1, STATE)
    with pytest.raises(CheckpointError, match="checkpoint 1 holds another state than expected"):
        checkpoints.restore(1, like)


def test_a_missing_checkpoint_is_refused(checkpoints):
    checkpoints.save(1, STATE)
    with pytest.raises(CheckpointError, match="checkpoint 2 cannot be read"):
        checkpoints.restore(2, STATE)


# Orbax leaves its own event loop behind when it fails
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("name", ["_METADATA", "manifest.ocdbt"])
def test_a_damaged_checkpoint_is_refused(checkpoints, tmp_path, name):
    checkpoints.save(1, STATE)
    (tmp_path / "run" / "checkpoints" / "1" / "default" / name).write_bytes(b"damaged")
    again = Checkpoints(tmp_path / "run" / "checkpoints")
    with pytest.raises(CheckpointError, match="checkpoint 1 cannot be read"):
        again.restore(1, STATE)
    again.close()


def flip(file: Path, bit: int) -> None:
    content = bytearray(file.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    file.write_bytes(content)


def test_a_flipped_bit_is_always_found(checkpoints, tmp_path):
    checkpoints.save(1, STATE)
    folder = tmp_path / "run" / "checkpoints" / "1"
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    assert folder / HASHES in files
    sizes = np.array([path.stat().st_size for path in files])
    rng = np.random.default_rng(0)
    for file in rng.choice(len(files), 200, p=sizes / sizes.sum()):
        bit = int(rng.integers(8 * sizes[file]))
        flip(files[file], bit)
        with pytest.raises(DamagedError, match="checkpoint 1 cannot be read"):
            checkpoints.restore(1, STATE)
        flip(files[file], bit)
    checkpoints.restore(1, STATE)


def a_file(step: Path) -> Path:
    """A file with numbers of a checkpoint."""
    return max((step / "default" / "d").iterdir(), key=lambda path: path.stat().st_size)


def test_a_damaged_newest_checkpoint_is_reported_and_the_older_one_used(
    checkpoints, tmp_path, capsys
):
    folder = tmp_path / "run" / "checkpoints"
    for step in (1, 2):
        checkpoints.save(step, {**STATE, "step": jnp.int32(step)})
    flip(a_file(folder / "2"), 77)
    step, state = checkpoints.restore_latest(STATE)
    assert step == int(state["step"]) == 1
    assert "checkpoint 2 cannot be read (damaged: default/d/" in capsys.readouterr().err
    assert (folder / "2.damaged").is_dir()
    assert checkpoints.latest() == 1
    checkpoints.save(2, STATE)  # the run comes to this step again
    flip(a_file(folder / "2"), 77)
    assert checkpoints.restore_latest(STATE)[0] == 1
    assert (folder / "2.damaged1").is_dir()


def test_without_a_good_checkpoint_nothing_is_restored(checkpoints, tmp_path):
    assert checkpoints.restore_latest(STATE) is None
    folder = tmp_path / "run" / "checkpoints"
    for step in (1, 2):
        checkpoints.save(step, STATE)
        flip(a_file(folder / str(step)), 5)
    with pytest.raises(DamagedError, match=r"checkpoint 2 .*; checkpoint 1 .*no other"):
        checkpoints.restore_latest(STATE)
    assert {"1", "2"} <= {path.name for path in folder.iterdir()}


def test_a_missing_file_is_found(checkpoints, tmp_path):
    checkpoints.save(1, STATE)
    a_file(tmp_path / "run" / "checkpoints" / "1").unlink()
    with pytest.raises(DamagedError, match="damaged: default/d/"):
        checkpoints.restore(1, STATE)


def test_a_checkpoint_without_hashes_can_be_restored(checkpoints, tmp_path):
    checkpoints.save(1, STATE)
    (tmp_path / "run" / "checkpoints" / "1" / HASHES).unlink()
    step, state = checkpoints.restore_latest(STATE)
    assert step == 1
    np.testing.assert_array_equal(state["w"], STATE["w"])
