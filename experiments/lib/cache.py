"""Cached results of the parts of an experiment, so that a run that was stopped goes on.

A result is used again only if it was computed under the same configuration; it carries the commit
of the code that computed it.
"""

import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from experiments.lib.provenance import UNKNOWN
from l2c_jax.atomic import replacing

Arrays: TypeAlias = dict[str, np.ndarray]
"""Arrays by name."""
Json: TypeAlias = Mapping[str, Any]


class _Entry(NamedTuple):
    """What a file holds."""

    run_config: Any  # all that the result follows from
    commit: str  # of the code that computed it
    result: Any


class Cache:
    """Results by name, in a folder."""

    def __init__(self, folder: Path | None = None, commit: str = UNKNOWN) -> None:
        """Open a cache.

        Args:
          folder: for the files; ``None``: nothing is stored and nothing is reused.
          commit: of the running code.
        """
        self.folder, self.commit = folder, commit
        self.reused: dict[str, str] = {}
        """Commit by name, of all results of earlier runs that this object has returned."""

    def json(self, name: str, run_config: Json, compute: Callable[[], Any]) -> Any:
        """A result as JSON.

        Args:
          name: of the file, without suffix; may have folders.
          run_config: all that the result follows from.
          compute: called if there is no result of this configuration.

        Returns:
          The result, as JSON gives it back.

        Example:
          >>> Cache().json("a/b", {}, lambda: (1, 2))
          [1, 2]
        """

        def write(path: Path, entry: _Entry) -> None:
            path.write_text(json.dumps(entry._asdict()))

        return self._get(f"{name}.json", run_config, lambda: _plain(compute()), _read_json, write)

    def arrays(
        self, name: str, run_config: Json, compute: Callable[[], Mapping[str, np.ndarray]]
    ) -> Arrays:
        """A result of named arrays.

        Args:
          name: of the file, without suffix; may have folders.
          run_config: all that the result follows from.
          compute: called if there is no result of this configuration.

        Returns:
          What ``compute`` returns, now or in an earlier run.

        Example:
          >>> Cache().arrays("labels", {}, lambda: {"labels": np.arange(2)})
          {'labels': array([0, 1])}
        """

        def computed() -> Arrays:
            return {key: np.asarray(array) for key, array in compute().items()}

        return self._get(f"{name}.npz", run_config, computed, _read_arrays, _write_arrays)

    def _get(
        self,
        name: str,
        run_config: Json,
        compute: Callable[[], Any],
        read: Callable[[Path], _Entry | None],
        write: Callable[[Path, _Entry], None],
    ) -> Any:
        if self.folder is None:
            return compute()
        path, config = self.folder / name, _plain(run_config)
        found = read(path)
        if found is not None and found.run_config == config:
            self.reused[name] = found.commit
            return found.result
        result = compute()
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as draft:
            write(draft, _Entry(config, self.commit, result))
        return result


def file_name(text: str) -> str:
    """A file name without blanks and signs, for the name of a data set or a method.

    Args:
      text: the name that tables and pages show.

    Returns:
      Letters, digits and underscores.

    Example:
      >>> file_name("MCL (K = 100)")
      'MCL__K___100'
    """
    return "".join(c if c.isalnum() else "_" for c in text).strip("_")


def _plain(value: Any) -> Any:
    """A value as JSON gives it back."""
    return json.loads(json.dumps(value))


def _read_json(path: Path) -> _Entry | None:
    try:
        return _Entry(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return None


def _read_arrays(path: Path) -> _Entry | None:
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            found = {name: file[name] for name in file.files}
        return _Entry(json.loads(str(found.pop("run_config"))), str(found.pop("commit")), found)
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile):
        return None


def _write_arrays(path: Path, entry: _Entry) -> None:
    about = {
        "run_config": np.array(json.dumps(entry.run_config)),
        "commit": np.array(entry.commit),
    }
    arrays: dict[str, Any] = {**about, **entry.result}
    with path.open("wb") as file:
        np.savez_compressed(file, **arrays)
