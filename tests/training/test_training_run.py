"""Training as a person starts it: killed and resumed, interrupted, diverging."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from l2c_jax.training.weights import read_header

ARGUMENTS = [
    *("--training.iterations", "60", "--training.batch", "2", "--training.log-every", "2"),
    *("--training.checkpoint-every", "10", "--training.label-assignment", "hungarian"),
    *("--gaussian.num-points", "20", "--gaussian.num-swirls", "1", "--model.hidden", "6", "6"),
]


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """Starts ``l2c train`` in another process; they share compiled programs."""
    cache = tmp_path_factory.mktemp("cache")

    def popen(folder: Path, *more: str) -> subprocess.Popen:
        # the compiler is what costs here
        flags = (
            "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true "
            "--xla_cpu_use_fusion_emitters=false"
        )
        environment = {
            **os.environ,
            "XLA_FLAGS": flags,
            "XDG_CACHE_HOME": str(cache),
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
            "JAX_PLATFORMS": "cpu",
        }
        return subprocess.Popen(
            [sys.executable, "-m", "l2c_jax", "train", "--out", folder, *ARGUMENTS, *more],
            env=environment,
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )

    return popen


@pytest.fixture(scope="module")
def uninterrupted(start, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "run"
    process = start(folder)
    assert process.wait(300) == 0, process.stderr.read()
    process.stderr.close()
    return folder


def wait_for(condition, process: subprocess.Popen, seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, "the run ended before it could be stopped"
        assert time.monotonic() < deadline
        time.sleep(0.002)


def logged(folder: Path) -> list[dict]:
    log = folder / "log.jsonl"
    if not log.exists():
        return []
    lines = log.read_text().split("\n")[:-1]
    return [json.loads(line) for line in lines]


def same_parameters(one: Path, other: Path) -> bool:
    first, second = (load_file(folder / "weights.safetensors") for folder in (one, other))
    return first.keys() == second.keys() and all(
        first[name].tobytes() == second[name].tobytes() for name in first
    )


def test_a_killed_run_resumes_bitwise(start, uninterrupted, tmp_path):
    folder = tmp_path / "run"
    process = start(folder)
    wait_for(lambda: len(logged(folder)) >= 8, process)
    process.kill()
    process.wait(60)
    process.stderr.close()
    assert not (folder / "weights.safetensors").exists()
    assert (folder / "checkpoints" / "10").exists()

    process = start(folder, "--resume")
    assert process.wait(300) == 0, process.stderr.read()
    process.stderr.close()
    assert same_parameters(folder, uninterrupted)
    steps = [[record["iteration"] for record in logged(f)] for f in (folder, uninterrupted)]
    assert steps[0] == steps[1] == list(range(2, 61, 2))
    losses = [[record["loss"] for record in logged(f)] for f in (folder, uninterrupted)]
    assert losses[0] == losses[1]


@pytest.mark.parametrize(
    "number", [pytest.param(signal.SIGINT, marks=pytest.mark.slow), signal.SIGTERM]
)
def test_a_signal_saves_and_exits_cleanly(number, start, uninterrupted, tmp_path):
    folder = tmp_path / "run"
    process = start(folder)
    wait_for(lambda: len(logged(folder)) >= 3, process)
    process.send_signal(number)
    assert process.wait(300) == 130
    error = process.stderr.read()
    process.stderr.close()
    assert "Traceback" not in error
    assert "go on with --resume" in error
    saved = max(int(path.name) for path in (folder / "checkpoints").iterdir())
    assert saved == logged(folder)[-1]["iteration"] < 60

    process = start(folder, "--resume")
    assert process.wait(300) == 0, process.stderr.read()
    process.stderr.close()
    assert same_parameters(folder, uninterrupted)


def test_the_log_and_the_header_describe_the_run(uninterrupted):
    last = logged(uninterrupted)[-1]
    assert last["iteration"] == 60
    assert last["points_per_second"] > 0
    assert len(last["error_by_epoch"]) == 2
    header = read_header(uninterrupted / "weights.safetensors")
    assert header["iterations"] == header["training"]["iterations"] == 60
    assert 0 <= header["error"]["mean"] <= 1
    assert header["tasks"]["num_points"] == 20


def test_a_diverging_run_says_so_and_keeps_the_last_good_checkpoint(start, tmp_path):
    folder = tmp_path / "run"
    process = start(folder, "--training.learning-rate", "1e38")
    assert process.wait(300) == 1
    error = process.stderr.read()
    process.stderr.close()
    assert "Traceback" not in error
    assert "the loss is nan" in error
    assert not (folder / "weights.safetensors").exists()
