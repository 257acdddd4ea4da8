"""Safe outputs: a temporary file in the same folder, renamed when it is complete."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class OutputError(ValueError):
    """An output path that would destroy an input or cannot be written."""


def check_output(path: str | Path, inputs: tuple[str | Path, ...] = ()) -> Path:
    """Refuse an output path that is one of the inputs, or whose folder does not exist.

    Called before the computation, so that nothing is computed in vain.

    Args:
      path: of the output.
      inputs: files that it must not replace, under any of their names (links included).

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
    """A draft that replaces a file in one step when the ``with`` block ends without an error.

    Until then, and after an error, the old file is unchanged. The target of a symbolic link is
    replaced, and the link is kept. A pipe or device, such as ``/dev/stdout``, cannot be replaced
    and is written directly.

    Args:
      path: of the file.

    Yields:
      The path of the draft, in the same folder and with the same suffix.

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
