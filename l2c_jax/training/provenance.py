"""Where a number or a weight file comes from: commit, device, versions."""

import platform
import subprocess
from importlib import metadata
from pathlib import Path

import jax


def versions() -> dict[str, str]:
    """The versions that decide what is computed."""
    packages = ("l2c_jax", "jax", "jaxlib", "optax", "numpy")
    return {"python": platform.python_version(), **{p: metadata.version(p) for p in packages}}


def provenance() -> dict[str, str]:
    """The commit of this package's code, marked if it was changed since, and the device."""
    folder = Path(__file__).parent

    def git(*arguments: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=False
        )
        return done.stdout.strip() if done.returncode == 0 else ""

    commit = git("rev-parse", "--short=12", "HEAD") or "unknown"
    if git("status", "--porcelain", "--untracked-files=no", "--", "."):
        commit += " (changed)"
    return {"commit": commit, "device": f"{jax.devices()[0].device_kind} x{jax.device_count()}"}
