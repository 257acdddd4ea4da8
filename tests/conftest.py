"""Strict modes for every test: no silent broadcasting, no random key used twice."""

import os

import jax
import pytest

jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_debug_key_reuse", True)
# the command line, called in this process, would turn the cache of compiled programs on for good
jax.config.update("jax_enable_compilation_cache", False)
# programs here are small: they compile faster without most optimizations. Tests marked
# "optimized" run once more with all of them, where a miscompiled corner would show.
jax.config.update("jax_disable_most_optimizations", "L2C_XLA_OPTIMIZED" not in os.environ)


@pytest.fixture(autouse=True, scope="module")
def free_programs():
    """Free a module's compiled programs: thousands exhaust a process's memory maps."""
    yield
    jax.clear_caches()
