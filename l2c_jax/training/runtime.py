"""Settings of a whole process, for programs; importing the library changes none of them."""

import ctypes
import os
import sys
from pathlib import Path

import jax

VARIABLES = ("XLA_FLAGS", "NPROC")
"""What :func:`use_all_cores` puts into the environment, for programs that start fresh ones."""
THREADS = 32
"""Least number of threads in XLA's pool."""


def cache_folder() -> Path:
    """Where compiled programs are kept between runs: ``$XDG_CACHE_HOME/l2c_jax``."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "l2c_jax" / "compiled"


def use_compilation_cache() -> None:
    """Keep compiled programs on disk, so that the next process starts sooner.

    A folder chosen through JAX's own setting or ``JAX_COMPILATION_CACHE_DIR`` is left as it is.
    """
    if getattr(jax.config, "jax_compilation_cache_dir", None) is None:
        jax.config.update("jax_compilation_cache_dir", str(cache_folder()))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)


def use_all_cores() -> None:
    """On a CPU: one JAX device a core, single-threaded inside. Call before JAX first computes.

    The matrices of the recurrent learner are so small that one core multiplies them as fast as
    two; sharing the tasks over cores instead uses them all. Vectors are as wide as the processor
    has them, up to 512 bits: 5 to 8 % faster. Other platforms are not affected.
    Flags that ``XLA_FLAGS`` has already are left as they are, and so is ``NPROC``, the number of
    threads in XLA's pool. With one a device, devices that wait for each other can take them all,
    and a training of large programs stands still.
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
    """On Linux: let the C library keep freed memory for the next call instead of returning it.

    XLA allocates its work space anew in every call. Large blocks come from the kernel, page by
    zeroed page; for a training step that can be a third of its time.
    """
    if sys.platform != "linux":
        return
    trim_threshold, top_pad, mmap_threshold = -1, -2, -3  # malloc.h
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):  # another C library
        return
    mallopt(mmap_threshold, 32 << 20)  # the largest that glibc accepts
    mallopt(trim_threshold, 1 << 30)
    mallopt(top_pad, 64 << 20)


def start() -> None:
    """All settings of this module, as the command line and the experiments start.

    Example, first thing in a program of yours::

        import l2c_jax.training.runtime
        l2c_jax.training.runtime.start()
    """
    use_all_cores()
    keep_freed_memory()
    use_compilation_cache()
