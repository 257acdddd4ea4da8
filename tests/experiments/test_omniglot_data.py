"""The files of Omniglot and MNIST: what is corrupted or of another shape is refused by name."""

import gzip

import numpy as np
import pytest

from experiments.lib.data import DataError, read_idx
from experiments.pairwise.digit_data import SHIFTS, Digits, shifted, small_digits
from experiments.pairwise.omniglot import share_of
from experiments.pairwise.omniglot_data import invented_alphabets, joined, read_alphabets
from experiments.pairwise.omniglot_scores import dominant

ALPHABETS = invented_alphabets(3, 2, 4, size=32)
IMAGES, CHARACTERS = joined(ALPHABETS)
ARRAYS = {
    "images": IMAGES[..., 0],
    "character": CHARACTERS,
    "alphabet": np.repeat(np.arange(3), 8),
    "alphabet_names": np.array(["a", "b", "c"]),
}


def write(path, **other):
    np.savez_compressed(path, **{**ARRAYS, **other})
    return path


def test_alphabets_come_back(tmp_path):
    found = read_alphabets(write(tmp_path / "omniglot.npz"))
    assert [alphabet.name for alphabet in found] == ["a", "b", "c"]
    for alphabet, written in zip(found, ALPHABETS, strict=True):
        np.testing.assert_array_equal(alphabet.images, written.images)
        np.testing.assert_array_equal(alphabet.labels, written.labels)
        assert alphabet.num_clusters == 2


@pytest.mark.parametrize("keep", [0, 10, 0.5, 0.99])
def test_a_truncated_file_is_refused(keep, tmp_path):
    path = write(tmp_path / "omniglot.npz")
    data = path.read_bytes()
    path.write_bytes(data[: int(keep * len(data)) if isinstance(keep, float) else keep])
    with pytest.raises(DataError, match="expected"):
        read_alphabets(path)


def test_a_file_with_a_flipped_byte_is_refused(tmp_path):
    path = write(tmp_path / "omniglot.npz")
    data = bytearray(path.read_bytes())
    data[200] ^= 255
    path.write_bytes(data)
    with pytest.raises(DataError, match="expected"):
        read_alphabets(path)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"images": IMAGES[:, :, :20, 0]}, r"uint8 \[N, S, S\].*found uint8 \[24, 32, 20\]"),
        ({"images": IMAGES[:, :30, :30, 0]}, "multiple of 16"),
        ({"images": IMAGES[..., 0] / 255.0}, "found float64"),
        ({"images": IMAGES}, r"\[24, 32, 32, 1\]"),
        ({"character": CHARACTERS[:5]}, r"one character for each of 24 images, found \[5\]"),
        ({"alphabet_names": np.array(["a", "b"])}, "alphabets 0 to 1"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(other, message, tmp_path):
    with pytest.raises(DataError, match=message):
        read_alphabets(write(tmp_path / "omniglot.npz", **other))


def test_other_files_are_refused(tmp_path):
    np.savez(tmp_path / "other.npz", images=IMAGES)
    with pytest.raises(DataError, match="missing \\['character'"):
        read_alphabets(tmp_path / "other.npz")
    np.save(tmp_path / "array.npy", IMAGES)
    with pytest.raises(DataError, match="expected"):
        read_alphabets(tmp_path / "array.npy")
    with pytest.raises(FileNotFoundError, match="L2C_DATA"):
        read_alphabets(tmp_path / "none.npz")


def test_idx_files_come_back_and_corrupted_ones_are_refused(tmp_path):
    path, body = tmp_path / "images.gz", np.arange(24, dtype=np.uint8)
    head = b"\0\0\x08\x03" + np.array([2, 3, 4], ">u4").tobytes()
    path.write_bytes(gzip.compress(head + body.tobytes()))
    np.testing.assert_array_equal(read_idx(path), body.reshape(2, 3, 4))
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(DataError, match="complete gzip"):
        read_idx(path)
    path.write_bytes(gzip.compress(head + body.tobytes()[:-1]))
    with pytest.raises(DataError, match=r"\[2, 3, 4\] bytes, found 23"):
        read_idx(path)
    path.write_bytes(gzip.compress(b"nothing"))
    with pytest.raises(DataError, match="idx file"):
        read_idx(path)


@pytest.mark.parametrize("shift", SHIFTS)
def test_a_shift_changes_images_and_not_labels(shift):
    digits = small_digits().sample(5, 0)
    found = shifted(digits, shift, 0)
    assert isinstance(found, Digits)
    assert found.images.shape == digits.images.shape == (5, 16, 16, 1)
    assert found.images.dtype == np.uint8
    assert (found.images != digits.images).any()
    np.testing.assert_array_equal(found.labels, digits.labels)


def test_dominant_clusters_are_those_of_at_least_average_size():
    assert dominant(np.repeat(np.arange(4), [97, 1, 1, 101]), 100) == 2


@pytest.mark.parametrize("text", ["2", "0/2", "3/2", "a/b"])
def test_shares_that_make_no_sense_are_refused(text):
    with pytest.raises(SystemExit, match="share"):
        share_of(text)
