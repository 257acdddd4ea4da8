"""Forked processes are refused before they wait forever; transfers of a call are allowed."""

import os
import subprocess
import sys

import jax
import numpy as np
import pytest

from l2c_jax.training.host import host_call

FORK = """
import os, sys, warnings
warnings.simplefilter("ignore")
import jax
from l2c_jax.training.host import ForkedError, check_fork
{before}
child = os.fork()
if child:
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
try:
    check_fork()
except ForkedError as error:
    print(error, flush=True)
    os._exit(3)
os._exit(0)
"""


def forked(before: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", FORK.format(before=before)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.parametrize("before", ["jax.devices()", "check_fork()"])
def test_a_process_forked_after_a_computation_is_refused_with_the_ways_out(before):
    done = forked(before)
    assert done.returncode == 3
    assert "spawn" in done.stdout
    assert "loky" in done.stdout


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_process_forked_before_can_compute():
    assert forked("").returncode == 0


def test_a_call_may_transfer_where_transfers_are_forbidden():
    double = jax.jit(lambda array: 2 * array)
    array = np.ones(2, np.float32)
    with jax.transfer_guard("disallow"):
        with pytest.raises(jax.errors.JaxRuntimeError, match="Disallowed"):
            double(array)
        assert np.asarray(host_call()(double)(array)).tolist() == [2, 2]
