"""Calls from Python into compiled programs: when they can run, and what they may transfer."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import jax


class ForkedError(RuntimeError):
    """JAX had started its threads before this process was forked, so that it cannot compute."""


_computed = False
"""Whether this process, or the one that it was forked from, has called :func:`check_fork`."""
_forked = False
"""Whether this process was forked from one in which JAX had started its threads."""


def _after_fork() -> None:
    global _forked
    bridge = sys.modules.get("jax._src.xla_bridge")  # knows of other users of JAX, too
    started = getattr(bridge, "backends_are_initialized", lambda: False)
    _forked = _forked or _computed or started()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def check_fork() -> None:
    """Refuse to compute in a process in which every computation of JAX would wait forever.

    A forked process has none of the threads of its parent. If JAX had computed in the parent, it
    waits in the child for threads that are not there.

    Raises:
      ForkedError: in such a child, with the ways out.

    Example:
      >>> check_fork()
    """
    global _computed
    if _forked:
        raise ForkedError(
            "this process was forked after JAX had started its threads, and would wait for them "
            "forever; start workers with multiprocessing.get_context('spawn') or with joblib's "
            "backend 'loky', or use threads"
        )
    _computed = True


@contextmanager
def host_call() -> Iterator[None]:
    """The body of a function that Python calls with arrays of the host: not for use inside jit.

    Moving such arrays to the device and the answer back is what the function is called for, so
    ``jax_transfer_guard="disallow"`` does not forbid it here.

    Raises:
      ForkedError: see :func:`check_fork`.

    Example:
      >>> @host_call()
      ... def doubled(array):
      ...     return jax.device_get(jax.numpy.asarray(array) * 2)
      >>> doubled([1, 2]).tolist()
      [2, 4]
    """
    check_fork()
    with jax.transfer_guard("allow"):
        yield
