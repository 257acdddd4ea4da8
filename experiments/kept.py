"""Results of single steps of a long experiment, kept so that a run that stopped goes on."""

import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

Answer: TypeAlias = dict[str, np.ndarray]
"""Arrays by name."""
reused: list[Path] = []
"""Files of earlier runs that served in this process; a record tells how many."""


def file_name(text: str) -> str:
    """A file name without blanks and signs, for what is kept of a data set or a method.

    Args:
      text: the name that tables and pages show.

    Returns:
      Letters, digits and underscores.

    Example:
      >>> file_name("MCL (K = 100)")
      'MCL__K___100'
    """
    return "".join(c if c.isalnum() else "_" for c in text).strip("_")


def kept(path: Path | None, story: Mapping[str, Any], compute: Callable[[], Any]) -> Any:
    """What was computed before under the same story, or what is computed now.

    Args:
      path: a JSON file; ``None`` keeps nothing.
      story: all that the result follows from, for JSON.
      compute: what to do if there is no such result.

    Returns:
      The result, as JSON gives it back.

    Example:
      >>> kept(None, {}, lambda: (1, 2))
      [1, 2]
    """
    told = json.loads(json.dumps(story))
    if path is not None and path.exists():
        found = json.loads(path.read_text())
        if found["story"] == told:
            reused.append(path)
            return found["result"]
    result = json.loads(json.dumps(compute()))
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".part")
        draft.write_text(json.dumps({"story": told, "result": result}))
        draft.replace(path)
    return result


def kept_arrays(
    path: Path | None, story: Mapping[str, Any], compute: Callable[[], Mapping[str, np.ndarray]]
) -> Answer:
    """An answer from its file, if that tells the same story; else computed, and put there.

    Args:
      path: an npz file; ``None`` keeps nothing.
      story: all that the answer follows from, as JSON can hold it.
      compute: called if there is no such answer.

    Returns:
      What ``compute`` returned, now or earlier.

    Example:
      >>> kept_arrays(None, {}, lambda: {"labels": np.arange(2)})
      {'labels': array([0, 1])}
    """
    if path is None:
        return dict(compute())
    text = json.dumps(story, sort_keys=True)
    found = _read(path, text)
    if found is not None:
        reused.append(path)
    else:
        found = {name: np.asarray(array) for name, array in compute().items()}
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".part")
        with draft.open("wb") as file:
            arrays: dict[str, Any] = {"story": np.array(text), **found}
            np.savez_compressed(file, **arrays)
        draft.replace(path)
    return found


def _read(path: Path, text: str) -> Answer | None:
    """The arrays of a file with this story, or None."""
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            if str(file["story"]) != text:
                return None
            return {name: file[name] for name in file.files if name != "story"}
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile):
        return None
