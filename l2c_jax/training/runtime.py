"""Settings of a whole process, for programs; importing the library changes none of them.

A program calls :func:`start` before the first computation of JAX.
"""

import ctypes
import os
import sys
from pathlib import Path

import jax

VARIABLES = ("XLA_FLAGS", "NPROC")
"""Environment variables that :func:`use_all_cores` sets; subprocesses inherit them."""
THREADS = 32
"""Least number of threads in XLA's thread pool."""


def cache_folder() -> Path:
    """The folder of compiled programs, ``$XDG_CACHE_HOME/l2c_jax/compiled``."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "l2c_jax" / "compiled"


def use_compilation_cache() -> None:
    """Keep compiled programs on disk; later processes load them instead of compiling.

    A folder chosen by JAX's own setting or by ``JAX_COMPILATION_CACHE_DIR`` takes precedence.
    Without a home directory nothing is kept.
    """
    if getattr(jax.config, "jax_compilation_cache_dir", None) is None:
        try:
            folder = cache_folder()
        except RuntimeError:  # no home directory
            return
        jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)


def use_all_cores() -> None:
    """One JAX device per CPU core, each with one thread. Call before JAX first computes.

    The matrices of the recurrent learner are small: one core multiplies them as fast as two, so
    the cores share the tasks of a batch instead. Vectors have the processor's full width, up to
    512 bits, which is 5 to 8 % faster. GPUs and TPUs are not affected.

    Flags that ``XLA_FLAGS`` already contains take precedence, and so does a value of ``NPROC``,
    the size of XLA's thread pool. The pool needs more threads than devices: devices that wait
    for each other occupy one thread each, and with none left a training deadlocks.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    flags = os.environ.get("XLA_FLAGS", "")
    for name, value in {
        "--xla_force_host_platform_device_count": cores,
        "--xla_cpu_multi_thread_eigen": "false",
        "--xla_cpu_prefer_vector_width": 512,
    }.items():
        if name not in flags:
            flags += f" {name}={value}"
    os.environ["XLA_FLAGS"] = flags.strip()
    os.environ.setdefault("NPROC", str(max(THREADS, 4 * (cores or 1))))


def keep_freed_memory() -> None:
    """On Linux: let the C library reuse freed memory instead of returning it to the kernel.

    XLA allocates its work space anew in every call, and the kernel zeroes every page of a large
    block. This can take a third of the time of a training step.
    """
    if sys.platform != "linux":
        return
    trim_threshold, top_pad, mmap_threshold = -1, -2, -3  # malloc.h
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):  # another C library
        return
    mallopt(mmap_threshold, 32 << 20)  # the maximum of glibc
    mallopt(trim_threshold, 1 << 30)
    mallopt(top_pad, 64 << 20)


def start() -> None:
    """Apply all settings of this module, as the command line and the experiments do.

    Example, first in a program::

        import l2c_jax.training.runtime
        l2c_jax.training.runtime.start()
    """
    use_all_cores()
    keep_freed_memory()
    use_compilation_cache()
