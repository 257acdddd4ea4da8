"""Results of single steps of a long experiment, kept so that a run that stopped goes on."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any


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
            return found["result"]
    result = json.loads(json.dumps(compute()))
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".part")
        draft.write_text(json.dumps({"story": told, "result": result}))
        draft.replace(path)
    return result
