"""Compiled programs on disk: which folder, under which key, and how they are written and read.

A file is one line of JSON, the header, and then XLA's serialized executable. The key is a hash of
everything that the executable depends on, so a file never has to be replaced because it is old.
"""

import hashlib
import json
import os
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jaxlib

from l2c_jax.atomic import replacing
from l2c_jax.training.runtime import cache_folder

VARIABLE = "L2C_JAX_CACHE"
"""Environment variable: a folder for compiled programs, or ``off``."""
LARGEST = 256 << 20
"""Bytes that the folder may hold; beyond, the files that were written first are removed."""
_SUFFIX = ".program"
_IRRELEVANT = ("cache", "log", "guard", "traceback", "pprint", "platforms", "key_reuse")
"""Parts of the names of JAX's settings on which no program depends."""


class StoredProgram(NamedTuple):
    """What a file holds."""

    header: dict[str, Any]
    executable: bytes


def program_folder() -> Path | None:
    """The folder of compiled programs; ``None``: nothing is kept.

    The first of these that is set: :data:`VARIABLE`; JAX's own ``jax_compilation_cache_dir``, in
    which ``programs`` is made; ``$XDG_CACHE_HOME/l2c_jax/compiled/programs``. Nothing is kept if
    ``jax_enable_compilation_cache`` is off, or without a home directory.

    Example:
      >>> from unittest.mock import patch
      >>> with patch.dict(os.environ, {VARIABLE: "off"}):
      ...     print(program_folder())
      None
    """
    chosen = os.environ.get(VARIABLE, "")
    if chosen.lower() == "off" or not setting("jax_enable_compilation_cache"):
        return None
    if chosen:
        return Path(chosen)
    base = setting("jax_compilation_cache_dir")
    if base is None:
        try:
            base = cache_folder()
        except RuntimeError:  # no home directory
            return None
    return None if "://" in str(base) else Path(base) / "programs"


def settings() -> tuple[Any, ...]:
    """JAX's settings on which a program may depend, as they are in this thread."""
    return tuple(map(setting, _names()))


def setting(name: str) -> Any:
    """One setting of JAX, as it is in this thread.

    Example:
      >>> setting("jax_disable_jit")
      False
    """
    return getattr(jax.config, name) if hasattr(jax.config, name) else jax.config.values[name]


@cache
def _names() -> tuple[str, ...]:
    names = (name for name in jax.config.values if not any(p in name for p in _IRRELEVANT))
    return tuple(sorted(names))


def program_key(device: jax.Device, *parts: str) -> str:
    """The key of a program: 32 hexadecimal digits.

    Args:
      device: that it is compiled for.
      parts: name, shapes and static arguments of the program.

    Returns:
      A hash of these, of the source of this package, the versions, JAX's settings, XLA's flags,
      the kind of device and, for CPUs, the features of the processor.
    """
    whole = (
        *parts,
        *_versions(),
        _source(),
        repr(list(zip(_names(), settings(), strict=True))),
        os.environ.get("XLA_FLAGS", ""),
        *(device.platform, device.device_kind, device.client.platform_version, _processor()),
    )
    digest = hashlib.sha256()
    for part in whole:
        digest.update(f"{len(part)}:{part}".encode())
    return digest.hexdigest()[:32]


def read_program(folder: Path, key: str) -> StoredProgram | None:
    """A program, or ``None`` if there is none that is whole."""
    try:
        line, _, executable = (folder / f"{key}{_SUFFIX}").read_bytes().partition(b"\n")
        header = json.loads(line)
        if header["sha256"] == hashlib.sha256(executable).hexdigest():
            return StoredProgram(header, executable)
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return None


def write_program(folder: Path, key: str, program: StoredProgram) -> None:
    """Keep a program, in one step; a folder that cannot be written is left as it is.

    Args:
      folder: made if it is missing.
      key: from :func:`program_key`.
      program: whose header JSON can hold.
    """
    header = {**program.header, "sha256": hashlib.sha256(program.executable).hexdigest()}
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with replacing(folder / f"{key}{_SUFFIX}") as draft:
            draft.write_bytes(json.dumps(header).encode() + b"\n" + program.executable)
        _shrink(folder)
    except OSError:
        return


def _shrink(folder: Path) -> None:
    """Remove the oldest files until the rest is small enough."""
    files = [(path.stat(), path) for path in folder.glob(f"*{_SUFFIX}")]
    total = sum(state.st_size for state, _ in files)
    for state, path in sorted(files, key=lambda entry: entry[0].st_mtime_ns):
        if total <= LARGEST:
            break
        path.unlink(missing_ok=True)
        total -= state.st_size


@cache
def _source() -> str:
    """A hash of the source of this package."""
    root, digest = Path(__file__).parent.parent, hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(str(path.relative_to(root)).encode() + path.read_bytes())
    return digest.hexdigest()


@cache
def _versions() -> tuple[str, ...]:
    try:
        optax = version("optax")
    except PackageNotFoundError:
        optax = ""
    return jax.__version__, jaxlib.__version__, optax


@cache
def _processor() -> str:
    """Machine, and what its processor can do: compiled code must not run on a lesser one."""
    features = ""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.lower().startswith(("flags", "features", "model name")):
                features += line
            elif not line:
                break
    except OSError:  # another system
        pass
    return "/".join((platform.system(), platform.machine(), platform.processor(), features))
