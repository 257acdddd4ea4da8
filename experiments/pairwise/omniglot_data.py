"""Omniglot: handwritten characters of 50 alphabets; invented alphabets for smoke runs.

30 alphabets are for training G (the *background*), 20 for evaluation. Every character was drawn by
20 people. The images are read from ``omniglot/omniglot_32.npz`` in the folder of
:func:`experiments.lib.data.data_folder`: ``images [N, 32, 32]`` uint8 with ink 255, and for each
its ``character``, its ``alphabet`` and, once, the ``alphabet_names``.
"""

import zipfile
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from experiments.lib.data import DataError, data_folder

BACKGROUND = 30  # alphabets
_ARRAYS = ("images", "character", "alphabet", "alphabet_names")


class Alphabet(NamedTuple):
    """The drawings of one alphabet's characters."""

    name: str
    images: np.ndarray  # [N, H, W, 1] uint8, ink 255
    labels: np.ndarray  # [N] int, the characters from 0

    @property
    def num_clusters(self) -> int:
        """The true K."""
        return int(self.labels.max()) + 1


def omniglot_file() -> Path:
    """The file of the images.

    Raises:
      FileNotFoundError: if there is no folder of data.
    """
    return data_folder() / "omniglot" / "omniglot_32.npz"


def read_alphabets(path: str | Path) -> list[Alphabet]:
    """All alphabets of a file, in its order.

    Args:
      path: an npz file as this module's head describes it.

    Returns:
      One entry per alphabet.

    Raises:
      FileNotFoundError: if there is no such file.
      DataError: if it is truncated or of another format, an array is missing, images are no square
        uint8 images, or the arrays are not as many as the images.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; set L2C_DATA to the folder of the data")
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            missing = [name for name in _ARRAYS if name not in file]
            if missing:
                raise DataError(f"{path}: expected arrays {list(_ARRAYS)}, missing {missing}")
            images, character, alphabet, names = (file[name] for name in _ARRAYS)
    except (OSError, EOFError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"{path}: expected a complete npz file ({error})") from error
    except ValueError as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path}: expected an npz file of plain arrays ({error})") from error
    square = images.ndim == 3 and images.shape[1] == images.shape[2]
    if images.dtype != np.uint8 or not square or images.shape[1] % 16:
        raise DataError(
            f"{path}: expected images uint8 [N, S, S] with S a multiple of 16, "
            f"found {images.dtype} {list(images.shape)}"
        )
    for name, array in (("character", character), ("alphabet", alphabet)):
        if array.shape != images.shape[:1]:
            raise DataError(
                f"{path}: expected one {name} for each of {len(images)} images, "
                f"found {list(array.shape)}"
            )
    if alphabet.min() < 0 or alphabet.max() >= len(names):
        raise DataError(f"{path}: expected alphabets 0 to {len(names) - 1}")
    found = []
    for number, name in enumerate(names):
        own = alphabet == number
        if own.any():
            labels = np.unique(character[own], return_inverse=True)[1]
            found.append(Alphabet(str(name), images[own][..., None], labels))
    return found


def invented_alphabets(
    count: int, characters: int, drawers: int, *, size: int = 16, seed: int = 0
) -> list[Alphabet]:
    """Invented alphabets, whose characters have two strokes.

    Args:
      count: alphabets.
      characters: of each alphabet.
      drawers: drawings of each character, with noise on the ends of its strokes.
      size: height and width of the images.
      seed: of all random numbers.

    Returns:
      One entry per alphabet.

    Example:
      >>> alphabets = invented_alphabets(2, 3, 4)
      >>> len(alphabets), alphabets[0].images.shape, alphabets[0].labels.tolist()
      (2, (12, 16, 16, 1), [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2])
    """
    rng = np.random.default_rng(seed)
    along = np.linspace(0, 1, 4 * size)[:, None]
    found = []
    for number in range(count):
        images = np.zeros((characters * drawers, size, size, 1), np.uint8)
        for character in range(characters):
            strokes = rng.uniform(2, size - 3, (2, 2, 2))
            for drawer in range(drawers):
                for start, end in strokes + rng.normal(scale=0.4, size=strokes.shape):
                    line = np.rint(start + along * (end - start)).astype(int).clip(0, size - 1)
                    images[character * drawers + drawer, line[:, 0], line[:, 1], 0] = 255
        labels = np.repeat(np.arange(characters), drawers)
        found.append(Alphabet(f"invented {number}", images, labels))
    return found


def joined(alphabets: list[Alphabet]) -> tuple[np.ndarray, np.ndarray]:
    """All images of some alphabets, with characters numbered from 0 over all of them.

    Args:
      alphabets: at least one.

    Returns:
      ``[N, H, W, 1]`` uint8 and ``[N]`` int.

    Example:
      >>> joined(invented_alphabets(2, 2, 1))[1].tolist()
      [0, 1, 2, 3]
    """
    before = np.cumsum([0, *(alphabet.num_clusters for alphabet in alphabets)])
    labels = [a.labels + start for a, start in zip(alphabets, before[:-1], strict=True)]
    return np.concatenate([a.images for a in alphabets]), np.concatenate(labels)
