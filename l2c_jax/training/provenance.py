"""Where a number or a weight file comes from: commit, device, versions."""

import os
import platform
import subprocess
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

import jax

_PACKAGE = Path(__file__).resolve().parents[1]
_REDIRECTIONS = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE")
"""Variables that would point git at another repository, as they do in a hook."""


def versions() -> dict[str, str]:
    """The versions of Python and of the packages that numerical results depend on."""
    packages = ("l2c_jax", "jax", "jaxlib", "optax", "numpy")
    return {"python": platform.python_version(), **{p: metadata.version(p) for p in packages}}


def provenance(
    package_folder: str | Path | None = None, folders: Sequence[str | Path] | None = None
) -> dict[str, str]:
    """The commit of the code, and the device.

    ``commit`` is ``"unknown"`` unless this module's file is tracked by the repository around it:
    a package installed inside another project's repository does not report that project's commit.
    ``" (changed)"`` is appended if Python files in ``folders`` differ from the commit or are new.

    Args:
      package_folder: the folder of the package ``l2c_jax``; default: that of this module.
      folders: of the code behind the result; default: the package, and ``experiments/`` beside it
        if there is one.

    Returns:
      ``commit`` and ``device``.

    Example:
      >>> sorted(provenance())
      ['commit', 'device']
    """
    package = Path(package_folder or _PACKAGE).resolve()
    if folders is None:
        folders = [package, package.parent / "experiments"]
    device = f"{jax.devices()[0].device_kind} x{jax.device_count()}"
    return {
        "commit": _commit(package, [Path(folder).resolve() for folder in folders]),
        "device": device,
    }


def _commit(package: Path, folders: Sequence[Path]) -> str:
    module = package / Path(__file__).resolve().relative_to(_PACKAGE)
    if _git(package, "ls-files", "--error-unmatch", "--", str(module)) is None:
        return "unknown"
    commit = _git(package, "rev-parse", "--short=12", "HEAD")
    if commit is None:
        return "unknown"
    code = [str(folder / "*.py") for folder in folders if folder.is_dir()]
    changes = _git(package, "status", "--porcelain", "--untracked-files=all", "--", *code)
    return commit if changes == "" else f"{commit} (changed)"


def _git(folder: Path, *arguments: str) -> str | None:
    """What git prints in a folder; None if it fails or is not installed."""
    environment = {k: v for k, v in os.environ.items() if k not in _REDIRECTIONS}
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
