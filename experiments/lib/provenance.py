"""Where a number comes from: commit, device and versions."""

import subprocess
from pathlib import Path
from typing import Any

import jax

from experiments.lib.paths import EXPERIMENTS, ROOT
from l2c_jax.training.provenance import versions

UNKNOWN = "unknown"
CHANGED = " (changed)"
"""Marks a commit whose code differs from the files that ran."""


def commit(root: Path = ROOT) -> str:
    """The commit of this project, marked if library or experiments have been changed since.

    Args:
      root: folder of ``l2c_jax/`` and ``experiments/``.

    Returns:
      Twelve digits; :data:`UNKNOWN` if the repository around the folder, if any, does not track
      this package, as where it is installed inside another project.
    """
    here = root / Path(__file__).relative_to(ROOT)
    if _git(root, "ls-files", "--error-unmatch", "--", str(here)) is None:
        return UNKNOWN
    found = _git(root, "rev-parse", "--short=12", "HEAD")
    if not found:
        return UNKNOWN
    results = f":(exclude){EXPERIMENTS.name}/results"  # written by every run
    sources = ("l2c_jax", EXPERIMENTS.name, results)
    changes = _git(root, "status", "--porcelain", "--untracked-files=no", "--", *sources)
    return found + CHANGED * bool(changes)


def provenance() -> dict[str, Any]:
    """Commit, device and versions of this run."""
    device = f"{jax.devices()[0].device_kind} x{jax.device_count()}"
    return {"commit": commit(), "device": device, "versions": versions()}


def _git(root: Path, *arguments: str) -> str | None:
    """What git prints in a folder; None if it fails, or there is no git."""
    command = ["git", "-C", str(root), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
