"""The command that does again what a command did."""

import dataclasses
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def command_line(name: str, command: Any) -> str:
    """The shortest command line that parses to a command.

    Args:
      name: of the subcommand.
      command: a dataclass whose field ``file``, or ``folders``, is positional.

    Returns:
      One line for a shell.

    Example:
      >>> from l2c_jax.cli.cluster import Cluster, Reading
      >>> command_line("cluster", Cluster(Path("my table.csv"), seed=3, reading=Reading(False)))
      "l2c cluster 'my table.csv' --no-standardize --seed 3"
    """
    given = getattr(command, "folders", None) or (command.file,)
    files = [str(file) for file in given]
    words = ["l2c", name, *(f if f == "-" or not f.startswith("-") else f"./{f}" for f in files)]
    return shlex.join([*words, *_flags(command)])


def _flags(command: Any) -> Iterator[str]:
    for field in dataclasses.fields(command):
        value = getattr(command, field.name)
        if dataclasses.is_dataclass(value):
            yield from _flags(value)
            continue
        if field.name in ("file", "folders") or value == field.default or value is None:
            continue
        flag = field.name.replace("_", "-")
        if isinstance(value, bool):
            yield f"--{flag}" if value else f"--no-{flag}"
        elif isinstance(value, tuple):
            yield from (f"--{flag}", ",".join(value))
        else:
            text = str(value) if isinstance(value, str | Path) else repr(value)
            yield from ([f"--{flag}={text}"] if text.startswith("-") else [f"--{flag}", text])
