"""Strict modes for every test: no silent broadcasting, no random key used twice."""

import os
from pathlib import Path

import jax
import pytest

jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_debug_key_reuse", True)
# the command line, called in this process, would turn the cache of compiled programs on for good
jax.config.update("jax_enable_compilation_cache", False)
# programs here are small: they compile faster without most optimizations. make test
# runs those marked "optimized" with all of them, where a miscompiled corner would show.
jax.config.update("jax_disable_most_optimizations", "L2C_XLA_OPTIMIZED" not in os.environ)

MAPS = Path("/proc/self/maps")


@pytest.fixture(autouse=True, scope="module")
def free_programs():
    """Free compiled programs before they exhaust a process's memory maps, 65,530 on Linux."""
    yield
    if not MAPS.exists() or MAPS.read_bytes().count(b"\n") > 20_000:
        jax.clear_caches()
