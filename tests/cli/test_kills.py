"""A killed ``l2c cluster`` leaves each of its files as it was, or whole."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from html.parser import HTMLParser

import numpy as np
import pytest

from l2c_jax.atomic import replacing
from l2c_jax.tabular.fitted_model import load_fitted_model

KILLS, WRITERS = 50, 50
ROWS = 20_000
OUTPUTS = ("--out", "--save", "--report")
OLD = b"the old file\n"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name != "posix", reason="signals of POSIX"),
]


def command(folder):
    files = [word for flag in OUTPUTS for word in (flag, str(folder / flag[2:]))]
    return [sys.executable, "-m", "l2c_jax", "cluster", str(folder / "t.csv"), "-k", "2", *files]


def start(folder):
    return subprocess.Popen(command(folder), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def check(folder):
    """Which of the files are new; each is as it was, or whole."""
    new = {name for name in ("out", "save", "report") if (folder / name).read_bytes() != OLD}
    if "out" in new:
        lines = (folder / "out").read_text().splitlines()
        assert len(lines) == ROWS + 1
        assert {line.count(",") for line in lines} == {4}
    if "save" in new:
        assert load_fitted_model(folder / "save").num_clusters == 2  # its hash is verified
    if "report" in new:
        text = (folder / "report").read_text()
        HTMLParser().feed(text)
        assert text.endswith("</html>")
    for flag in OUTPUTS:
        (folder / flag[2:]).write_bytes(OLD)
    return new


def kill_at_random(folder, kills, rng):
    """Kill a whole run at a moment each: any, or one in the last third, when files are written."""
    values = rng.normal(size=(ROWS, 2)) + 9 * (np.arange(ROWS) % 2)[:, None]
    np.savetxt(folder / "t.csv", values, "%.3f", ",", header="x,y", comments="")
    seconds = 0.0
    for _ in range(2):  # the first keeps the compiled programs
        for flag in OUTPUTS:
            (folder / flag[2:]).write_bytes(OLD)
        begin = time.monotonic()
        assert start(folder).wait() == 0
        seconds = time.monotonic() - begin
        assert check(folder) == {"out", "save", "report"}
    found = []
    for number in range(kills):
        with start(folder) as process:
            share = rng.uniform(0.6, 1.02) if number % 4 else rng.uniform(0, 1)
            time.sleep(share * seconds)
            process.send_signal(signal.SIGKILL)
        found.append(len(check(folder)))
    return found


def test_random_kills_of_the_command_leave_whole_files(tmp_path):
    assert len(kill_at_random(tmp_path, KILLS, np.random.default_rng(0))) == KILLS


def test_random_kills_of_a_writer_leave_the_old_file_or_the_new_one(tmp_path):
    path, rng = tmp_path / "file", np.random.default_rng(0)
    versions = {bytes([65 + i]) * 3_000_000 for i in range(4)}
    path.write_bytes(next(iter(versions)))
    seen = set()
    for _ in range(WRITERS):
        child = os.fork()
        if child == 0:  # writes a version after the other until it is killed
            with contextlib.suppress(BaseException):
                while True:
                    for content in versions:
                        with replacing(path) as draft:
                            draft.write_bytes(content)
            os._exit(1)
        time.sleep(rng.uniform(0.005, 0.1))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        content = path.read_bytes()
        assert content in versions
        seen.add(content)
    assert len(seen) > 1
