"""Outputs that destroy nothing: written beside their place, renamed when they are complete."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class OutputError(ValueError):
    """An output that must not be written where it was asked to go."""


def check_output(path: str | Path, inputs: tuple[str | Path, ...] = ()) -> Path:
    """Refuse an output that is one of the inputs, or that has nowhere to go.

    Call it before the work begins.

    Args:
      path: where the output is to go.
      inputs: files that it must not replace; the same file under another name counts.

    Returns:
      The path.

    Raises:
      OutputError: if ``path`` is an input, a folder, or in a folder that does not exist.

    Example:
      >>> check_output("table.csv", inputs=("./table.csv",))
      Traceback (most recent call last):
        ...
      l2c_jax.atomic.OutputError: table.csv: would replace its own input; choose another name
    """
    path = Path(path)
    for given in map(Path, inputs):
        same = path.exists() and given.exists() and path.samefile(given)
        if same or path.resolve() == given.resolve():
            raise OutputError(f"{path}: would replace its own input; choose another name")
    if path.is_dir():
        raise OutputError(f"{path}: is a folder; name a file")
    if not path.absolute().parent.is_dir():
        raise OutputError(f"{path}: there is no folder {path.absolute().parent}")
    return path


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A file to write to, which takes its place under the right name only if nothing went wrong.

    Whatever was there stays as it was until then. A symbolic link stays a link: the file that it
    points to is replaced. What is no regular file, such as a pipe or ``/dev/stdout``, is written
    to directly, since it cannot be replaced.

    Args:
      path: the name in the end.

    Yields:
      The name to write to, in the same folder and with the same suffix.

    Example:
      >>> import tempfile
      >>> folder = Path(tempfile.mkdtemp())
      >>> with replacing(folder / "answer.txt") as draft:
      ...     _ = draft.write_text("42")
      >>> [file.name for file in folder.iterdir()]
      ['answer.txt']
    """
    path = Path(path)
    if path.exists() and not path.is_file():
        yield path
        return
    path = path.resolve()
    draft = path.with_name(f".{path.stem}.{uuid.uuid4().hex[:8]}.part{path.suffix}")
    try:
        yield draft
        if path.exists():
            draft.chmod(path.stat().st_mode & 0o777)
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
