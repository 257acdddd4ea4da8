"""Handwritten digits of two sources with one image size, and shifted versions of them.

MNIST is read from the four idx files under ``mnist/`` in the folder of
:func:`experiments.lib.data.data_folder`; the other source is scikit-learn's 8x8 digits. Both are
resized to 16x16, with digits of about the same height.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import numpy as np
from scipy.ndimage import gaussian_filter, rotate
from sklearn.datasets import load_digits

from experiments.lib.data import DataError, data_folder, read_idx

SIZE = 16


class Digits(NamedTuple):
    """Images of digits."""

    images: np.ndarray  # [N, 16, 16, 1] uint8, ink 255
    labels: np.ndarray  # [N] int, 0 to 9

    def sample(self, count: int, seed: int) -> "Digits":
        """``count`` of them, drawn without repetition; all if there are fewer."""
        rows = np.random.default_rng(seed).permutation(len(self.labels))[:count]
        return Digits(self.images[rows], self.labels[rows])


def resized(images: np.ndarray, size: int = SIZE) -> np.ndarray:
    """Images ``[N, H, W]`` in [0, 1] to ``[N, size, size, 1]`` uint8, with antialiasing.

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
    """MNIST's images, cropped to the middle 24x24 pixels and resized to 16x16.

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
    """scikit-learn's 1,797 digits of 8x8 pixels, padded by one pixel, resized to 16x16."""
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
"""Shifts of images in [0, 1] by name; blur and noise have a standard deviation of one pixel and
of 0.3."""


def shifted(digits: Digits, shift: str, seed: int) -> Digits:
    """The same digits with a shift of their appearance.

    Args:
      digits: the images.
      shift: a name of :data:`SHIFTS`.
      seed: of noise.

    Returns:
      The shifted images, with the same labels.

    Example:
      >>> blank = Digits(np.zeros((1, 16, 16, 1), np.uint8), np.zeros(1, int))
      >>> int(shifted(blank, "inverted", 0).images.min())
      255
    """
    images = SHIFTS[shift](digits.images / 255.0, np.random.default_rng(seed))
    return digits._replace(images=as_bytes(images))
