"""How the command line ends: one line and a code for what a person can cause, and always."""

import os
import signal
import subprocess
import sys
import time

import pytest

from l2c_jax import cli
from l2c_jax.atomic import OutputError
from l2c_jax.training.checkpoints import DamagedError
from l2c_jax.training.loop import DivergedError


def ended(monkeypatch, error: BaseException, *arguments: str) -> int:
    """The exit code of a command that raises."""

    def run(given):
        assert "--debug" not in given
        raise error

    monkeypatch.setattr(cli, "_run", run)
    with pytest.raises(SystemExit) as end:
        cli.main(["info", *arguments])
    return int(end.value.code)


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (MemoryError(), 1, "l2c: out of memory; a smaller table or batch needs less"),
        (MemoryError("Unable to allocate 29 GiB"), 1, "l2c: Unable to allocate 29 GiB; a small"),
        (DamagedError("checkpoint 4 is damaged"), 2, "l2c: checkpoint 4 is damaged"),
        (
            OutputError("t.csv: would replace\nits own input"),
            2,
            "l2c: t.csv: would replace its own",
        ),
        (DivergedError("the loss is nan"), 1, "l2c: the loss is nan"),
        (PermissionError(13, "Permission denied"), 2, "l2c: [Errno 13] Permission denied"),
        (RuntimeError("Unable to initialize backend 'abacus'"), 1, "l2c: Unable to initialize"),
        (KeyboardInterrupt(), 130, "l2c: interrupted; no file is half written"),
    ],
)
def test_an_error_is_one_line_and_a_code(monkeypatch, capsys, error, code, line):
    assert ended(monkeypatch, error) == code
    said = capsys.readouterr().err
    assert said.startswith(line)
    assert said.count("\n") == 1


def test_debug_shows_the_traceback_too(monkeypatch, capsys):
    assert ended(monkeypatch, ValueError("no such table"), "--debug") == 2
    said = capsys.readouterr().err
    assert "Traceback" in said
    assert said.endswith("l2c: no such table\n")


def test_a_fault_of_the_program_shows_its_traceback(monkeypatch):
    monkeypatch.setattr(cli, "_run", lambda given: {}["key"])
    with pytest.raises(KeyError):
        cli.main(["info"])


def test_an_unknown_device_is_one_line(tmp_path):
    (tmp_path / "t.csv").write_text("x\n1\n2\n30\n31\n")
    done = subprocess.run(
        [sys.executable, "-m", "l2c_jax", "cluster", str(tmp_path / "t.csv"), "-k", "2"],
        env={**os.environ, "JAX_PLATFORMS": "abacus"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 1
    assert "abacus" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


BUSY = """
import hashlib, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from l2c_jax import cli
def busy(given):
    print("ready", flush=True)
    hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)  # minutes in which no Python runs
cli._run = busy
sys.argv = ["l2c"]
cli.main()
"""


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_the_second_interrupt_ends_a_computation_that_does_not_return():
    with subprocess.Popen(
        [sys.executable, "-c", BUSY],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout.readline() == "ready\n"
            time.sleep(1)  # until Python is left
            process.send_signal(signal.SIGINT)
            time.sleep(0.5)
            assert process.poll() is None
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=10)
        finally:
            process.kill()
    assert process.returncode == 130
    assert said == "l2c: interrupted twice, ended at once; no file is half written\n"
