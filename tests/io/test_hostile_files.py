"""2,000 hostile files: the known table or a refusal in one line, within 2 GiB, no traceback.

Each block of files is read in a process of its own, whose largest resident set is checked.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("hostile_files.py")
READ, BLOCKS = 2000, 8
CLUSTERED, PREDICTED = 40, 160
MEMORY = 2.0
"""GiB, at most."""


def in_a_process(what, start, stop):
    done = subprocess.run(
        [sys.executable, PROGRAM, what, str(start), str(stop)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout.splitlines()[-1])
    assert not found["failures"], "\n".join(f"seed {s}: {t}" for s, t in found["failures"].items())
    assert found["GiB"] < MEMORY
    return found["outcomes"]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
@pytest.mark.parametrize("block", range(BLOCKS))
def test_known_tables_are_read_or_refused(block):
    outcomes = in_a_process("read", block * READ // BLOCKS, (block + 1) * READ // BLOCKS)
    assert outcomes["read"] > 9 * outcomes.get("refused", 0)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
@pytest.mark.parametrize(("what", "files"), [("cluster", CLUSTERED), ("predict", PREDICTED)])
def test_commands_end_in_one_line(what, files):
    assert in_a_process(what, READ, READ + files)
