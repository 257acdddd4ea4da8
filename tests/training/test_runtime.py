"""Settings of programs; in processes of their own, since they are settings of a process."""

import os
import subprocess
import sys


def run(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "JAX_PLATFORMS": "cpu", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_the_library_changes_no_setting():
    code = """
import os, jax
before = dict(os.environ), dict(jax.config.values)
import l2c_jax, l2c_jax.recurrent, l2c_jax.tasks
assert (dict(os.environ), dict(jax.config.values)) == before
assert jax.device_count() == 1
"""
    run(code, XLA_FLAGS="")


def test_start_gives_one_device_a_core_and_a_cache(tmp_path):
    code = """
import os, jax, l2c_jax.training.runtime
os.environ.pop("NPROC", None)
l2c_jax.training.runtime.start()
assert jax.device_count() == len(os.sched_getaffinity(0))
assert int(os.environ["NPROC"]) > jax.device_count()
print(jax.config.jax_compilation_cache_dir)
"""
    assert run(code, XLA_FLAGS="", XDG_CACHE_HOME=str(tmp_path)).startswith(str(tmp_path))


def test_start_leaves_what_was_chosen():
    code = """
import jax, l2c_jax.training.runtime
l2c_jax.training.runtime.start()
print(jax.device_count(), jax.config.jax_compilation_cache_dir)
"""
    flags = "--xla_force_host_platform_device_count=3"
    assert run(code, XLA_FLAGS=flags, JAX_COMPILATION_CACHE_DIR="mine") == "3 mine"
