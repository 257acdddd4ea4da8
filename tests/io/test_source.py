"""Pipes, compression, encodings, and what is refused before it is read."""

import bz2
import gzip
import lzma
import os
import threading
import zipfile
from pathlib import Path

import pytest

from l2c_jax.io import source
from l2c_jax.io.source import TableError, open_source

TEXT = "name,größe\nÄsche,1\nUlme,2\n"


def opened(path, folder, encoding=None):
    (folder / "copies").mkdir(exist_ok=True)
    return open_source(path, folder / "copies", encoding)


@pytest.mark.parametrize("method", ["gzip", "bzip2", "xz", "zip"])
def test_compressed_files_are_uncompressed_whatever_their_name(method, tmp_path):
    path = tmp_path / "table"
    if method == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("inside.csv", TEXT)
    else:
        squeeze = {"gzip": gzip, "bzip2": bz2, "xz": lzma}[method].compress
        path.write_bytes(squeeze(TEXT.encode()))
    found = opened(path, tmp_path)
    assert found.path.read_text() == TEXT
    assert any(method in note for note in found.notes)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"])
def test_encodings_are_detected(encoding, tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes(TEXT.encode(encoding))
    assert opened(path, tmp_path).path.read_text(encoding="utf-8-sig") == TEXT


def test_an_encoding_can_be_said(tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes("имя,1\n".encode("koi8-r"))
    assert opened(path, tmp_path, "koi8-r").path.read_text() == "имя,1\n"
    with pytest.raises(TableError, match="is not text in utf-8"):
        opened(path, tmp_path, "utf-8")
    with pytest.raises(TableError, match="there is no encoding 'nosuch'"):
        opened(path, tmp_path, "nosuch")


def test_a_pipe_is_copied(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_text(TEXT))
    writer.start()
    found = opened(pipe, tmp_path)
    writer.join()
    assert found.path.is_file()
    assert found.path.read_text() == TEXT


def test_line_ends_of_two_kinds_become_one(tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes(b"a,b\r\n1,2\n3,4\r\n")
    assert opened(path, tmp_path).path.read_bytes() == b"a,b\n1,2\n3,4\n"


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"a,b\n1,2\n", "text"),
        (b'{"a": 1}\n', "json"),
        (b'[{"a": 1}]', "json"),
        (b"PAR1....", "parquet"),
        (b"\x93NUMPY....", "npy"),
    ],
)
def test_kinds_are_known_by_their_content(content, kind, tmp_path):
    path = tmp_path / "table"
    path.write_bytes(content)
    assert opened(path, tmp_path).kind == kind


def zipped(*names):
    def write(path):
        with zipfile.ZipFile(path, "w") as archive:
            for name in names:
                archive.writestr(name, TEXT)

    return write


REFUSED = {
    "empty": (b"", "is empty"),
    "blank": (b" \n\n", "is empty"),
    "zero byte": (b"a,b\n1,\0\n", "zero byte"),
    "control bytes": (b"\x01\x02\xff\n", "is not text"),
    "a long line": (b"a\n" + b"1" * 3_000_000, "more than 2,000,000 bytes"),
    "damaged gzip": (gzip.compress(TEXT.encode() * 99)[:-9], "the compressed file is damaged"),
    "gzip of zeros": (gzip.compress(bytes(5_000_000)), "zero byte"),
    "gzip of one line": (gzip.compress(b"1" * 5_000_000), "more than 2,000,000 bytes"),
    "gzip in name only.parquet": (b"a,b\n1,2\n", "is no Parquet file"),
    "zstd": (b"\x28\xb5\x2f\xfd1234", "zstd, which is not read"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name, tmp_path):
    content, message = REFUSED[name]
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(TableError, match=message) as refused:
        opened(path, tmp_path)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("a.csv", "b.csv"), r"holds 2 files \(a.csv, b.csv\)"),
        (("xl/workbook.xml", "x"), "is a workbook"),
        ((), "holds 0 files|damaged|is not text"),
    ],
)
def test_archives_of_other_things(names, message, tmp_path):
    zipped(*names)(tmp_path / "x.zip")
    with pytest.raises(TableError, match=message):
        opened(tmp_path / "x.zip", tmp_path)


def test_a_bomb_of_valid_lines_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(source, "EXPANDED", 1 << 20)
    path = tmp_path / "bomb.csv.gz"
    path.write_bytes(gzip.compress(b"1,2\n" * 1_000_000))
    with pytest.raises(TableError, match="uncompress it yourself"):
        opened(path, tmp_path)


def test_an_endless_device_is_refused(tmp_path):
    with pytest.raises(TableError, match="zero byte"):
        opened(Path("/dev/zero"), tmp_path)


def test_folders_and_missing_files(tmp_path):
    with pytest.raises(TableError, match="is a folder"):
        opened(tmp_path, tmp_path)
    with pytest.raises(TableError, match="no such file"):
        opened(tmp_path / "none", tmp_path)
