"""Many devices, and many processes, compute what one computes; runs move between them."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from l2c_jax.training.distributed import FirstProcessError, first_does, join

ARGUMENTS = [
    *("--training.iterations", "20", "--training.batch", "8", "--training.log-every", "5"),
    *("--training.checkpoint-every", "5", "--training.label-assignment", "hungarian", "--quiet"),
    *("--training.random-rotation-prob", "0.5"),
    *("--gaussian.num-points", "16", "--gaussian.num-swirls", "0", "--model.hidden", "6", "6"),
]


def start(folder: Path, devices: int, cache: Path, *more: str) -> subprocess.Popen:
    flags = (
        f"--xla_force_host_platform_device_count={devices} --xla_cpu_multi_thread_eigen=false "
        # the compiler is what costs here
        "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true "
        "--xla_cpu_use_fusion_emitters=false"
    )
    return subprocess.Popen(
        [sys.executable, "-m", "l2c_jax", "train", "--out", folder, *ARGUMENTS, *more],
        env={
            **os.environ,
            "XLA_FLAGS": flags,
            "XDG_CACHE_HOME": str(cache),
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
            "JAX_PLATFORMS": "cpu",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def train(folder: Path, devices: int, cache: Path, *more: str) -> Path:
    process = start(folder, devices, cache, *more)
    _, said = process.communicate()
    assert process.returncode == 0, said
    return folder / "weights.safetensors"


def two_processes(folder: Path, cache: Path, *more: str, expect: int = 0) -> list[str]:
    """What both said on standard error."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    where = ("--coordinator", f"127.0.0.1:{port}", "--num-processes", "2")
    both = [start(folder, 2, cache, *more, *where, "--process-id", str(i)) for i in range(2)]
    said = [process.communicate(timeout=300)[1] for process in both]
    assert [process.returncode for process in both] == [expect, expect], said
    return said


def forget_the_end(folder: Path) -> None:
    """As if the run had been killed before its last checkpoint."""
    for done in ("weights.safetensors", "checkpoints/20"):
        subprocess.run(["rm", "-r", folder / done], check=True)
    assert (folder / "checkpoints" / "15").exists()


def assert_close(one: Path, other: Path) -> None:
    first, second = load_file(one), load_file(other)
    assert first.keys() == second.keys()
    for name in first:
        np.testing.assert_allclose(first[name], second[name], rtol=1e-3, atol=1e-5, err_msg=name)


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    """Of compiled programs, for all runs here."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def one_device(tmp_path_factory, cache) -> Path:
    return train(tmp_path_factory.mktemp("one") / "run", 1, cache)


@pytest.fixture(scope="module")
def eight_devices(tmp_path_factory, cache) -> Path:
    return train(tmp_path_factory.mktemp("eight") / "run", 8, cache)


def test_eight_devices_train_the_same_parameters(one_device, eight_devices):
    assert_close(eight_devices, one_device)


@pytest.mark.slow
def test_devices_that_do_not_divide_the_batch_are_left_out(one_device, tmp_path, cache):
    assert_close(train(tmp_path / "run", 3, cache), one_device)


def test_a_run_begun_on_eight_devices_ends_on_one(one_device, eight_devices, tmp_path, cache):
    folder = shutil.copytree(eight_devices.parent, tmp_path / "run")
    forget_the_end(folder)
    assert_close(train(folder, 1, cache, "--resume"), one_device)


@pytest.mark.slow
def test_two_processes_train_the_same_parameters_and_resume(one_device, tmp_path, cache):
    folder = tmp_path / "run"
    two_processes(folder, cache)
    assert_close(folder / "weights.safetensors", one_device)
    forget_the_end(folder)
    two_processes(folder, cache, "--resume")
    assert_close(folder / "weights.safetensors", one_device)
    assert len((folder / "log.jsonl").read_text().splitlines()) == 4
    said = two_processes(folder, cache, expect=2)
    assert "holds a run already" in said[0]
    assert "process 0 refused" in said[1]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("localhost:1", 2, None), "belong together"),
        (("localhost", 2, 0), "HOST:PORT"),
        (("localhost:1", 2, 2), "process_id must lie in 0..1"),
        (("localhost:1", 0, 0), "num_processes must be at least 1"),
    ],
)
def test_processes_that_make_no_sense_are_refused(arguments, complaint):
    with pytest.raises(ValueError, match=complaint):
        join(*arguments)


ENVIRONMENTS = [
    {"SLURM_STEP_NUM_TASKS": "2"},
    {"OMPI_COMM_WORLD_SIZE": "4"},
    {"PMI_SIZE": "2"},
    {"TPU_WORKER_HOSTNAMES": "one,two"},
    {"JAX_COORDINATOR_ADDRESS": "localhost:1"},
]


@pytest.fixture
def no_cluster(monkeypatch):
    for name in (name for environment in ENVIRONMENTS for name in environment):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=lambda names: next(iter(names)))
def test_a_process_of_a_cluster_never_goes_on_alone(no_cluster, monkeypatch, environment):
    def fail():
        raise RuntimeError("the coordinator does not answer")

    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("jax.distributed.initialize", fail)
    with pytest.raises(RuntimeError, match="does not answer"):
        join()


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"SLURM_STEP_NUM_TASKS": "1"},
        {"SLURM_STEP_NUM_TASKS": ""},
        {"PMI_SIZE": "many"},
        {"TPU_WORKER_HOSTNAMES": "localhost"},
    ],
)
def test_without_a_cluster_a_process_stays_alone(no_cluster, monkeypatch, environment):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("jax.distributed.initialize", lambda: pytest.fail("joined"))
    join()


def test_others_are_refused_when_the_first_process_fails(monkeypatch):
    monkeypatch.setattr("l2c_jax.training.distributed.is_first", lambda: False)
    monkeypatch.setattr("l2c_jax.training.distributed.any_process", lambda flag: True)
    with pytest.raises(FirstProcessError, match="process 0 refused"):
        first_does(lambda: pytest.fail("the action ran in another process"))


def test_a_failure_of_the_first_process_is_its_own():
    def fail():
        raise KeyError("own")

    with pytest.raises(KeyError, match="own"):
        first_does(fail)
