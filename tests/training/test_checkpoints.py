"""Checkpoints come back bit for bit."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from l2c_jax.training.checkpoints import CheckpointError, Checkpoints

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
