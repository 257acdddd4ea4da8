"""From what a person names to a regular file in UTF-8: pipes, compression, encodings, and limits.

Nothing is read into memory as a whole. A pipe or a compressed file is copied to a temporary
folder, because a table is read more than once; the copy ends where half of the free disk is
used, at a zero byte, or at a line that no table has.
"""

import bz2
import codecs
import gzip
import lzma
import os
import shutil
import sys
import tempfile
import weakref
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple, TypeAlias

Kind: TypeAlias = Literal["text", "json", "parquet", "npy"]

BLOCK = 1 << 20
LINE_LIMIT = 2_000_000
"""Bytes of the longest line of a text table."""
EXPANDED, RATIO = 1 << 30, 100
"""A compressed file may not become larger than this and also this many times longer."""

_COMPRESSED: dict[bytes, tuple[str, Callable[..., Any]]] = {
    b"\x1f\x8b": ("gzip", gzip.open),
    b"BZh": ("bzip2", bz2.open),
    b"\xfd7zXZ\x00": ("xz", lzma.open),
}
_MARKS = {  # byte order marks; the longer ones first
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_CONTROL = bytes(set(range(32)) - {9, 10, 11, 12, 13, 26, 27})


class TableError(ValueError):
    """A file that is no usable table; the message is one line and names the file."""


class Source(NamedTuple):
    """A regular file that the reader understands."""

    name: str  # as the person gave it
    path: Path  # the file itself, or a copy of it in the temporary folder
    kind: Kind
    notes: tuple[str, ...]  # what was done to it, a line each


class TemporaryFolder:
    """A folder that is removed with this object, or at the end of the process."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="l2c-"))
        self.remove = weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)


def open_source(path: str | Path, folder: Path, encoding: str | None = None) -> Source:
    """Find out what a file is, and make it regular, uncompressed, and UTF-8 where it is text.

    Args:
      path: a file, a pipe, a device, or ``-`` for standard input.
      folder: for temporary copies.
      encoding: of the text; ``None``: a byte order mark, UTF-8, or else Windows-1252 with a note.

    Returns:
      The file to read.

    Raises:
      TableError: if it is missing, a folder, empty, binary, a compression bomb, an archive of
        several files, or larger than half of the free disk (where a copy is needed).

    Example:
      >>> import tempfile
      >>> folder = Path(tempfile.mkdtemp())
      >>> _ = (folder / "table.csv.gz").write_bytes(gzip.compress(b"a,b\\n1,2\\n"))
      >>> source = open_source(folder / "table.csv.gz", folder)
      >>> source.kind, source.path.read_text(), source.notes
      ('text', 'a,b\\n1,2\\n', ('gzip, uncompressed first',))
    """
    name = str(path)
    if encoding is not None:
        _check_encoding(name, encoding)
    try:
        return _open(name, Path(path), folder, encoding)
    except (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile, zipfile.BadZipFile) as error:
        raise TableError(f"{name}: the compressed file is damaged ({error})") from error
    except OSError as error:
        raise TableError(f"{name}: cannot be read ({error.strerror or error})") from error


def _open(name: str, path: Path, folder: Path, encoding: str | None) -> Source:
    notes: list[str] = []
    if name != "-":
        if path.is_dir():
            raise TableError(f"{name}: is a folder, not a table")
        if not path.exists():
            raise TableError(f"{name}: no such file")
    if name == "-" or not path.is_file():
        stream = sys.stdin.buffer if name == "-" else path.open("rb")
        path = _spool(name, stream, folder / "stream", encoding)
    head = _head(path)
    for magic, (method, opener) in _COMPRESSED.items():
        if head.startswith(magic):
            size = path.stat().st_size
            path = _spool(name, opener(path, "rb"), folder / "expanded", encoding, size)
            notes.append(f"{method}, uncompressed first")
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        path, member = _unzip(name, path, folder, encoding)
        notes.append(f"zip, its file {member!r}")
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        raise TableError(f"{name}: is compressed by zstd, which is not read; use gzip or zip")
    head = _head(path)
    inner = name.lower()
    for ending in (".gz", ".bz2", ".xz", ".zip"):
        inner = inner.removesuffix(ending)
    if head.startswith(b"PAR1") or inner.endswith(".parquet"):
        if not head.startswith(b"PAR1"):
            raise TableError(f"{name}: is no Parquet file")
        return Source(name, path, "parquet", tuple(notes))
    if head.startswith(b"\x93NUMPY") or inner.endswith(".npy"):
        return Source(name, path, "npy", tuple(notes))
    path, note = _as_utf8(name, path, folder, encoding)
    start = _head(path).removeprefix(codecs.BOM_UTF8).lstrip()
    if not start:
        raise TableError(f"{name}: is empty")
    json = inner.endswith((".json", ".jsonl", ".ndjson")) or start.startswith((b'{"', b'[{"'))
    return Source(name, path, "json" if json else "text", (*notes, *note))


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(4096)


def _check_encoding(name: str, encoding: str) -> None:
    try:
        codecs.lookup(encoding)
    except LookupError as error:
        raise TableError(f"{name}: there is no encoding {encoding!r}") from error


def _spool(
    name: str, stream: IO[bytes], path: Path, encoding: str | None, compressed: int | None = None
) -> Path:
    """Copy a stream to a file, and stop where no table can follow."""
    limit, done, since_newline = shutil.disk_usage(path.parent).free // 2, 0, 0
    text = False
    with stream, path.open("wb") as copy:
        while block := stream.read(BLOCK):
            if not done:
                text = encoding is None and _looks_like_text(block)
            if text:
                since_newline = _check_block(name, block, since_newline)
            done += len(block)
            if compressed and done > EXPANDED and done > RATIO * compressed:
                raise TableError(
                    f"{name}: its {compressed:,} bytes expand to more than {done:,}; "
                    "uncompress it yourself if it is meant"
                )
            if done > limit:
                raise TableError(f"{name}: more than {limit:,} bytes, half of the free disk")
            copy.write(block)
    return path


def _looks_like_text(block: bytes) -> bool:
    binary = (b"PAR1", b"\x93NUMPY", b"PK\x03\x04", *_COMPRESSED, *_MARKS)
    return not block.startswith(binary) or block.startswith(codecs.BOM_UTF8)


def _check_block(name: str, block: bytes, since_newline: int) -> int:
    """Refuse zero bytes and endless lines; the bytes since the last line end."""
    if b"\0" in block:
        raise TableError(f"{name}: holds binary data (a zero byte), so is not a table")
    last = max(block.rfind(b"\n"), block.rfind(b"\r"))
    first = min((i for i in (block.find(b"\n"), block.find(b"\r")) if i >= 0), default=len(block))
    if since_newline + first > LINE_LIMIT:
        raise TableError(f"{name}: has a line of more than {LINE_LIMIT:,} bytes")
    return since_newline + len(block) if last < 0 else len(block) - 1 - last


def _unzip(name: str, path: Path, folder: Path, encoding: str | None) -> tuple[Path, str]:
    with zipfile.ZipFile(path) as archive:
        members = [m for m in archive.infolist() if not m.is_dir()]
        members = [m for m in members if not m.filename.startswith("__MACOSX/")]
        if any(m.filename in ("xl/workbook.xml", "content.xml") for m in members):
            raise TableError(f"{name}: is a workbook; save its sheet as CSV")
        if len(members) != 1:
            listed = ", ".join(m.filename for m in members[:5])
            raise TableError(f"{name}: holds {len(members)} files ({listed}); unzip one of them")
        if members[0].flag_bits & 1:
            raise TableError(f"{name}: the archive is encrypted; unzip it first")
        try:
            stream: Any = archive.open(members[0])
        except NotImplementedError as error:
            raise TableError(f"{name}: {error}; unzip it first") from error
        size = path.stat().st_size
        return _spool(name, stream, folder / "unzipped", encoding, size), members[0].filename


def _as_utf8(
    name: str, path: Path, folder: Path, encoding: str | None
) -> tuple[Path, tuple[str, ...]]:
    """The file, or a copy of it in UTF-8 with one kind of line ends."""
    head = _head(path)
    marked = next((e for mark, e in _MARKS.items() if head.startswith(mark)), None)
    guessed = encoding or marked or "utf-8"
    if guessed in ("utf-8", "utf-8-sig"):
        result = _scan(name, path)
        if result == "clean":
            return path, ()
        if result == "other encoding":
            if encoding is not None:
                raise TableError(f"{name}: is not text in {encoding}")
            if head.translate(None, _CONTROL) != head:
                raise TableError(f"{name}: is not text, so not a table")
            guessed = "cp1252"
    copy = folder / "utf8"
    try:
        _transcode(name, path, copy, guessed)
    except (UnicodeError, ValueError) as error:
        if isinstance(error, TableError):
            raise
        hint = "" if encoding else "; say which with --encoding"
        raise TableError(f"{name}: is not text in UTF-8 or {guessed}{hint}") from error
    said = guessed if guessed not in ("utf-8", "utf-8-sig") else None
    return copy, (f"text in {said}",) if said and not encoding else ()


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            yield block


def _scan(name: str, path: Path) -> Literal["clean", "other encoding", "mixed line ends"]:
    """Read a file once: is it UTF-8, without zero bytes and endless lines, with one line end?"""
    decoder = codecs.getincrementaldecoder("utf-8")()
    since, ended, bare, both = 0, False, 0, 0
    try:
        for block in _blocks(path):
            since = _check_block(name, block, since)
            if not block.isascii() or decoder.getstate()[0]:
                decoder.decode(block)
            bare += block.count(b"\n") - block.count(b"\r\n")
            both += block.count(b"\r\n")
            if ended and block.startswith(b"\n"):
                bare, both = bare - 1, both + 1
            ended = block.endswith(b"\r")
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "other encoding"
    return "mixed line ends" if bare and both else "clean"


def _transcode(name: str, path: Path, copy: Path, encoding: str) -> None:
    """Write a copy in UTF-8 with ``\\n`` at the ends of its lines."""
    since = 0
    limit = shutil.disk_usage(copy.parent).free // 2
    with path.open(encoding=encoding, newline=None) as text, copy.open("wb") as out:
        while part := text.read(BLOCK):
            block = part.encode()
            since = _check_block(name, block, since)
            out.write(block)
            if out.tell() > limit:
                raise TableError(f"{name}: more than {limit:,} bytes, half of the free disk")


def working_memory(width: int = 0) -> str:
    """The memory that the reader's engine may use for a table of D columns, as a setting."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return f"{min(1536 if width > 4000 else 1024, max(256, total // 8 >> 20))}MB"
