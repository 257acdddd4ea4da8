"""One program in many processes, on one machine or many, through ``jax.distributed``.

Every process runs the same code on its own devices; JAX communicates between them. The functions
here are for actions that exactly one process may take. In a single process they are no-ops.
"""

import os
from collections.abc import Callable

import jax
import numpy as np

_NUM_PROCESSES = ("SLURM_STEP_NUM_TASKS", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE")
"""Environment variables of cluster launchers that hold the number of processes of a job step."""


class FirstProcessError(ValueError):
    """Process 0 failed; raised in the processes that waited for it."""


def join(
    coordinator: str | None = None, num_processes: int | None = None, process_id: int | None = None
) -> None:
    """Join a computation of many processes. Call before the first computation of JAX.

    Without arguments, the environment decides. Launched with more than one process (by Slurm,
    Open MPI, another launcher that sets ``PMI_SIZE``, on TPU hosts named in
    ``TPU_WORKER_HOSTNAMES``, or with ``JAX_COORDINATOR_ADDRESS`` set), the process joins the
    others as ``jax.distributed.initialize`` finds them. Otherwise it remains a single process.

    Args:
      coordinator: ``HOST:PORT`` of process 0; the port is free there and reachable from all.
      num_processes: P, the number of processes.
      process_id: the number of this process, in ``0..P-1``.

    Raises:
      ValueError: if some but not all of the three are given, or they are inconsistent; or if the
        environment is that of a cluster but names no coordinator.
      RuntimeError: if the others cannot be reached, or JAX has computed before. The process does
        not continue alone, since it would train on a part of the batch as if it were the whole.
    """
    if coordinator is None and num_processes is None and process_id is None:
        if not _in_cluster():
            return
        jax.distributed.initialize()
    elif coordinator is None or num_processes is None or process_id is None:
        raise ValueError("coordinator, num_processes and process_id belong together")
    else:
        _check_addresses(coordinator, num_processes, process_id)
        jax.distributed.initialize(coordinator, num_processes, process_id)
    _connect()


def is_first() -> bool:
    """Whether this is process 0, which alone writes files and messages."""
    return jax.process_index() == 0


def any_process(flag: bool) -> bool:
    """Whether a flag is set in any process; a collective, to be called by all of them."""
    if jax.process_count() == 1:
        return flag
    from jax.experimental import multihost_utils

    return bool(np.any(multihost_utils.process_allgather(np.array(flag))))


def first_does(action: Callable[[], None]) -> None:
    """Run an action in process 0 while the others wait; a collective.

    Args:
      action: has no result.

    Raises:
      Exception: in process 0, whatever the action raised.
      FirstProcessError: in the others, if the action raised.

    Example:
      >>> first_does(lambda: print("once"))
      once
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
        raise FirstProcessError("process 0 refused; its own message says why")


def _in_cluster() -> bool:
    """Whether the environment says that this is one of several processes."""
    if os.environ.get("JAX_COORDINATOR_ADDRESS"):
        return True
    if "," in os.environ.get("TPU_WORKER_HOSTNAMES", ""):
        return True
    counts = (os.environ.get(name, "") for name in _NUM_PROCESSES)
    return any(count.isdecimal() and int(count) > 1 for count in counts)


def _check_addresses(coordinator: str, num_processes: int, process_id: int) -> None:
    host, _, port = coordinator.rpartition(":")
    if not host or not port.isdecimal():
        raise ValueError(f"coordinator must be HOST:PORT, got {coordinator!r}")
    if num_processes < 1:
        raise ValueError(f"num_processes must be at least 1, got {num_processes}")
    if not 0 <= process_id < num_processes:
        raise ValueError(
            f"process_id must lie in 0..{num_processes - 1} for {num_processes} processes, "
            f"got {process_id}"
        )


def _connect() -> None:
    """Connect all devices at once: a later compilation may exceed the time-out of connecting."""
    from jax.experimental import multihost_utils

    multihost_utils.sync_global_devices("l2c_jax")
