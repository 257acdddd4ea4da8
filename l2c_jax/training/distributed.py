"""One program in many processes, on one machine or many, through ``jax.distributed``.

Every process runs the same code on its own devices; JAX moves what has to be moved. These few
functions are for the places where one process must speak for all. Alone, they do nothing.
"""

import os
from collections.abc import Callable

import jax
import numpy as np

_SIZES = ("SLURM_STEP_NUM_TASKS", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE")
"""Environment variables in which clusters give the number of processes of a job step."""


def join(
    coordinator: str | None = None, num_processes: int | None = None, process_id: int | None = None
) -> None:
    """Become one of many processes, if there are many. Call before JAX first computes.

    Args:
      coordinator: ``HOST:PORT`` of process 0, free there and reachable by all.
      num_processes: P, how many there are.
      process_id: which one this is, ``0..P-1``.

    With none of the three, a cluster that tells JAX by its environment (Slurm, Open MPI,
    Cloud TPU) is joined, and where there is none this process stays alone.

    Raises:
      ValueError: if some but not all of the three are given, or they make no sense; or if a
        cluster's environment was found, but does not say who the coordinator is.
      RuntimeError: if the others cannot be reached, or JAX has computed already: no process may
        go on alone as if it were all of them.
    """
    given = [value is not None for value in (coordinator, num_processes, process_id)]
    if not any(given):
        if not _in_cluster():
            return
        jax.distributed.initialize()  # a cluster that cannot be joined is an error, not a wish
        _meet()
        return
    if coordinator is None or num_processes is None or process_id is None:
        raise ValueError("coordinator, num_processes and process_id belong together")
    host, _, port = coordinator.rpartition(":")
    if not host or not port.isdecimal():
        raise ValueError(f"coordinator must be HOST:PORT, got {coordinator!r}")
    if not 0 <= process_id < num_processes:
        raise ValueError(
            f"process_id must lie in 0..{num_processes - 1} for {num_processes} processes, "
            f"got {process_id}"
        )
    jax.distributed.initialize(coordinator, num_processes, process_id)
    _meet()


def _in_cluster() -> bool:
    """Whether the environment says that this is one of several processes."""
    if os.environ.get("JAX_COORDINATOR_ADDRESS"):
        return True
    if "," in os.environ.get("TPU_WORKER_HOSTNAMES", ""):
        return True
    return any(_number(os.environ.get(name)) > 1 for name in _SIZES)


def _number(text: str | None) -> int:
    return int(text) if text and text.isdecimal() else 0


def _meet() -> None:
    """Connect all devices now: later, one process may compile for longer than others wait."""
    from jax.experimental import multihost_utils

    multihost_utils.sync_global_devices("l2c_jax")


def is_first() -> bool:
    """Whether this process is the one that writes files and speaks to people."""
    return jax.process_index() == 0


def any_process(flag: bool) -> bool:
    """Whether a flag is set in any process; all must ask at the same point."""
    if jax.process_count() == 1:
        return flag
    from jax.experimental import multihost_utils

    return bool(np.any(multihost_utils.process_allgather(np.array(flag))))


def first_does(action: Callable[[], None]) -> None:
    """Process 0 does something, the others wait for it.

    Raises:
      Exception: in process 0, what the action raised.
      ValueError: in the others, if it raised.
    """
    problem: Exception | None = None
    if is_first():
        try:
            action()
        except Exception as error:
            problem = error
    failed = any_process(problem is not None)
    if problem is not None:
        raise problem
    if failed:
        raise ValueError("process 0 refused; it says why")
