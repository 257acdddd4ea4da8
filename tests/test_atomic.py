"""Outputs never destroy what was there."""

import random
import subprocess
import sys
import time

import pytest

from l2c_jax import atomic
from l2c_jax.atomic import OutputError, check_output, replacing


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "answer.csv"
    path.write_text("old")

    def interrupted() -> None:
        with replacing(path) as draft:
            draft.write_text("half of the n")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["answer.csv"]


def test_a_link_stays_a_link_and_permissions_stay(tmp_path):
    path, link = tmp_path / "answer.csv", tmp_path / "link.csv"
    path.write_text("old")
    path.chmod(0o600)
    link.symlink_to(path)
    with replacing(link) as draft:
        draft.write_text("new")
    assert link.is_symlink()
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o600


def test_an_input_under_another_name_is_refused(tmp_path):
    path, link, hard = (tmp_path / name for name in ("t.csv", "link.csv", "hard.csv"))
    path.write_text("a\n1\n")
    link.symlink_to(path)
    hard.hardlink_to(path)
    for output in (path, link, hard, tmp_path / "x" / ".." / "t.csv"):
        with pytest.raises(OutputError, match="its own input"):
            check_output(output, (path,))


def test_a_folder_and_a_missing_folder_are_refused(tmp_path):
    with pytest.raises(OutputError, match="is a folder"):
        check_output(tmp_path)
    with pytest.raises(OutputError, match="there is no folder"):
        check_output(tmp_path / "no" / "answer.csv")


WRITER = """
import importlib.util, sys
from pathlib import Path
spec = importlib.util.spec_from_file_location("atomic", sys.argv[2])  # without its package: fast
atomic = importlib.util.module_from_spec(spec)
spec.loader.exec_module(atomic)
replacing = atomic.replacing
print("ready", flush=True)
number = 0
while True:
    number += 1
    with replacing(Path(sys.argv[1])) as draft, draft.open("w") as file:
        for line in range(20_000):
            file.write(f"{number}\\n")
"""


@pytest.mark.slow
def test_fifty_random_kills_leave_the_old_file_or_the_whole_new_one(tmp_path):
    path, delays, versions = tmp_path / "answer.csv", random.Random(0), set()
    path.write_text("0\n" * 20_000)
    for _ in range(50):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), atomic.__file__],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout.readline() == "ready\n"
        time.sleep(delays.uniform(0, 0.2))
        process.kill()
        process.communicate(timeout=30)
        lines = path.read_text().splitlines()
        assert len(lines) == 20_000
        assert len(set(lines)) == 1
        versions.add(lines[0])
    assert len(versions) > 5
