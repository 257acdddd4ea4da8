"""Handwritten digits from two sources in one frame, and the same digits with another look.

MNIST is read from the four idx files under ``mnist/`` in the folder of
:func:`experiments.data.data_folder`; the other source is scikit-learn's 8x8 digits. Both are
brought to 16x16 with the digits at about the same height.
"""

import gzip
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from scipy.ndimage import gaussian_filter, rotate
from sklearn.datasets import load_digits

from experiments.data import data_folder
from experiments.omniglot_data import DataError

SIZE = 16


class Digits(NamedTuple):
    """Images of digits."""

    images: np.ndarray  # [N, 16, 16, 1] uint8, ink 255
    labels: np.ndarray  # [N] int, 0 to 9

    def sample(self, count: int, seed: int) -> "Digits":
        """As many of them, drawn without repetition; all, if there are fewer."""
        rows = np.random.default_rng(seed).permutation(len(self.labels))[:count]
        return Digits(self.images[rows], self.labels[rows])


def read_idx(path: str | Path) -> np.ndarray:
    """The array of a gzipped idx file of bytes.

    Args:
      path: the file.

    Returns:
      uint8, of the shape that the file tells.

    Raises:
      FileNotFoundError: if there is no such file.
      DataError: if it is truncated or something else.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; set L2C_DATA to the folder of the data")
    try:
        data = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: expected a complete gzip file ({error})") from error
    if len(data) < 4 or data[:3] != b"\0\0\x08" or len(data) < 4 + 4 * data[3]:
        raise DataError(f"{path}: expected an idx file of bytes")
    shape = np.frombuffer(data, ">u4", data[3], 4)
    body = np.frombuffer(data, np.uint8, offset=4 + 4 * data[3])
    if body.size != shape.prod(dtype=np.int64):
        raise DataError(f"{path}: expected {shape.tolist()} bytes, found {body.size}")
    return body.reshape(shape)


def resized(images: np.ndarray, size: int = SIZE) -> np.ndarray:
    """Images ``[N, H, W]`` in [0, 1] to ``[N, size, size, 1]`` uint8, smoothed where they shrink.

    Example:
      >>> resized(np.ones((2, 8, 8)), 16).shape
      (2, 16, 16, 1)
    """
    shape = (len(images), size, size)
    found = jax.image.resize(images.astype(np.float32), shape, "linear", antialias=True)
    return as_bytes(np.asarray(found)[..., None])


def as_bytes(images: np.ndarray) -> np.ndarray:
    """Images in [0, 1] as uint8."""
    return np.rint(255 * images.clip(0, 1)).astype(np.uint8)


def mnist(part: str = "train") -> Digits:
    """MNIST's images, cut to the middle 24x24 pixels and brought to 16x16.

    Args:
      part: ``"train"`` (60,000) or ``"t10k"`` (10,000).

    Returns:
      Images and labels.

    Raises:
      FileNotFoundError: if a file is missing.
      DataError: if a file is corrupted, or images are not 28x28 and as many as labels.
    """
    folder = data_folder() / "mnist"
    images = read_idx(folder / f"{part}-images-idx3-ubyte.gz")
    labels = read_idx(folder / f"{part}-labels-idx1-ubyte.gz")
    if images.shape[1:] != (28, 28) or labels.shape != images.shape[:1]:
        raise DataError(
            f"{folder}: expected images [N, 28, 28] and as many labels, found "
            f"{list(images.shape)} and {list(labels.shape)}"
        )
    return Digits(resized(images[:, 2:26, 2:26] / 255.0), labels.astype(np.int64))


def small_digits() -> Digits:
    """scikit-learn's 1,797 digits of 8x8 pixels, with a margin of one, brought to 16x16."""
    images, labels = load_digits(return_X_y=True)
    padded = np.pad(images.reshape(-1, 8, 8) / 16.0, ((0, 0), (1, 1), (1, 1)))
    return Digits(resized(padded), labels)


def _inverted(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return 1 - images


def _blurred(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return gaussian_filter(images, (0, 1, 1, 0))


def _rotated(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return rotate(images, 30, axes=(1, 2), reshape=False, order=1)


def _noisy(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return images + rng.normal(scale=0.3, size=images.shape)


SHIFTS: Mapping[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]] = {
    "inverted": _inverted,
    "blurred": _blurred,
    "rotated by 30°": _rotated,
    "noisy": _noisy,
}
"""Another look for images in [0, 1], by name: light for dark, a blur of one pixel, a turn, noise
of standard deviation 0.3."""


def shifted(digits: Digits, shift: str, seed: int) -> Digits:
    """The same digits with another look.

    Args:
      digits: to change.
      shift: a name of :data:`SHIFTS`.
      seed: of noise.

    Returns:
      As many.

    Example:
      >>> blank = Digits(np.zeros((1, 16, 16, 1), np.uint8), np.zeros(1, int))
      >>> int(shifted(blank, "inverted", 0).images.min())
      255
    """
    images = SHIFTS[shift](digits.images / 255.0, np.random.default_rng(seed))
    return digits._replace(images=as_bytes(images))
