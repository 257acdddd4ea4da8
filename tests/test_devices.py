"""Many devices compute what one computes, and runs move between them."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

ARGUMENTS = [
    *("--training.iterations", "20", "--training.batch", "8", "--training.log-every", "5"),
    *("--training.checkpoint-every", "5", "--training.labels", "matched", "--quiet"),
    *("--tasks.num-points", "16", "--model.hidden", "6", "6"),
]


def train(folder: Path, devices: int, cache: Path, *more: str, expect: int = 0) -> Path:
    flags = f"--xla_force_host_platform_device_count={devices} --xla_cpu_multi_thread_eigen=false"
    done = subprocess.run(
        [sys.executable, "-m", "l2c_jax", "train", "--out", folder, *ARGUMENTS, *more],
        env={
            **os.environ,
            "XLA_FLAGS": flags,
            "XDG_CACHE_HOME": str(cache),
            "JAX_PLATFORMS": "cpu",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == expect, done.stderr
    return folder / "weights.safetensors"


def assert_close(one: Path, other: Path) -> None:
    first, second = load_file(one), load_file(other)
    assert first.keys() == second.keys()
    for name in first:
        np.testing.assert_allclose(first[name], second[name], rtol=1e-3, atol=1e-5, err_msg=name)


@pytest.fixture(scope="module")
def one_device(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("one")
    return train(folder / "run", 1, folder / "cache")


def test_eight_devices_train_the_same_parameters(one_device, tmp_path):
    assert_close(train(tmp_path / "run", 8, tmp_path / "cache"), one_device)


def test_devices_that_do_not_divide_the_batch_are_left_out(one_device, tmp_path):
    assert_close(train(tmp_path / "run", 3, tmp_path / "cache"), one_device)


def test_a_run_begun_on_eight_devices_ends_on_one(one_device, tmp_path):
    folder, cache = tmp_path / "run", tmp_path / "cache"
    train(folder, 8, cache)
    for done in ("weights.safetensors", "checkpoints/20"):  # as if it had been killed before
        subprocess.run(["rm", "-r", folder / done], check=True)
    assert (folder / "checkpoints" / "15").exists()
    assert_close(train(folder, 1, cache, "--resume"), one_device)
