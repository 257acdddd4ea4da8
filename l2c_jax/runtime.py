"""Settings of a whole process, for programs; importing the library changes none of them."""

import os
from pathlib import Path

import jax


def cache_folder() -> Path:
    """Where compiled programs are kept between runs: ``$XDG_CACHE_HOME/l2c_jax``."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "l2c_jax" / "compiled"


def use_compilation_cache() -> None:
    """Keep compiled programs on disk, so that the next process starts sooner.

    A folder chosen through JAX's own setting or ``JAX_COMPILATION_CACHE_DIR`` is left as it is.
    """
    if jax.config.jax_compilation_cache_dir is None:
        jax.config.update("jax_compilation_cache_dir", str(cache_folder()))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)
