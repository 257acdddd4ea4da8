"""Folders of images: read at one size, and contact sheets of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from PIL import Image

SUFFIXES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp")

FRAMES = (
    *((43, 108, 176), (217, 115, 26), (46, 139, 87), (192, 60, 60), (125, 90, 181)),
    *((138, 90, 68), (194, 81, 159), (111, 118, 130), (154, 148, 23), (26, 151, 168)),
)
"""Red, green and blue of the frames of clusters; then they repeat."""


class ImageError(ValueError):
    """A folder without usable images; the message names it."""


class ImageFolder(NamedTuple):
    """The images of a folder."""

    files: list[Path]  # N, those that could be read
    images: np.ndarray  # [N, H, W, C] uint8
    broken: list[str]  # one line for each file that could not be read


def image_files(folder: str | Path) -> list[Path]:
    """All files of images in a folder and the folders in it, sorted by name.

    Args:
      folder: of the images.

    Returns:
      Files whose name ends as that of an image; hidden ones are left out.

    Raises:
      ImageError: if there is no such folder, or no image in it.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ImageError(f"{folder}: there is no such folder")
    files = [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in SUFFIXES and path.is_file()
        if not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]
    if not files:
        raise ImageError(f"{folder}: has no images ({', '.join(SUFFIXES)})")
    return files


def read_images(files: Sequence[Path], size: int = 32, *, channels: int = 1) -> ImageFolder:
    """Images at one size; what is no square is centered on a background of its own border.

    Args:
      files: of any size and any kind that Pillow reads.
      size: H = W, pixels.
      channels: C: 1 for gray, 3 for color.

    Returns:
      The images that could be read, and what was wrong with the others.

    Raises:
      ImageError: if none could be read, or Pillow is not installed.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise ImageError("images need Pillow: install l2c_jax[images]") from error
    found, kept, broken = [], [], []
    for path in files:
        try:
            with Image.open(path) as image:
                found.append(_square(image.convert("RGB" if channels == 3 else "L"), size))
            kept.append(path)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            broken.append(f"{path}: {' '.join(str(error).split())}")
    if not found:
        raise ImageError(f"none of {len(files)} images can be read; {broken[0]}")
    images = np.stack(found).reshape(len(found), size, size, channels)
    return ImageFolder(kept, images, broken)


def _square(image: Image.Image, size: int) -> np.ndarray:
    """A Pillow image as ``[size, size]`` or ``[size, size, 3]`` uint8."""
    from PIL import ImageOps

    pixels = np.asarray(image)
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    middle = np.median(border, axis=0).astype(int)
    color = tuple(middle.tolist()) if middle.ndim else int(middle)
    return np.asarray(ImageOps.pad(image, (size, size), color=color))


def contact_sheet(images: np.ndarray, path: Path, *, columns: int = 10, scale: int = 2) -> None:
    """Write one picture with many images in rows.

    Args:
      images: ``[N, H, W, C]`` uint8, N at least 1.
      path: of the picture, PNG.
      columns: images in a row.
      scale: each pixel becomes a square of this side.
    """
    from PIL import Image

    size, height, width, channels = images.shape
    rows = -(-size // columns)
    sheet = np.full((rows * (height + 2), columns * (width + 2), channels), 128, np.uint8)
    for number, image in enumerate(images):
        top, left = number // columns * (height + 2) + 1, number % columns * (width + 2) + 1
        sheet[top : top + height, left : left + width] = image
    picture = Image.fromarray(sheet[..., 0] if channels == 1 else sheet)
    picture.resize((picture.width * scale, picture.height * scale), 0).save(path, format="PNG")


def picture_address(image: np.ndarray) -> str:
    """An image as an address that holds it, for a page without other files.

    Args:
      image: ``[H, W, C]`` uint8.

    Returns:
      ``data:image/png;base64,...``.

    Example:
      >>> picture_address(np.zeros((2, 2, 1), np.uint8))[:22]
      'data:image/png;base64,'
    """
    import base64
    import io

    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).save(buffer, format="PNG")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def picture_of_places(
    images: np.ndarray, places: np.ndarray, labels: np.ndarray, path: Path, *, side: int = 1600
) -> None:
    """Write one picture in which every image lies at its place, in a frame of its cluster's color.

    Args:
      images: ``[N, H, W, C]`` uint8.
      places: ``[N, 2]``, of any scale; the second axis grows upwards.
      labels: ``[N]`` int, clusters.
      path: of the picture, PNG.
      side: of the picture, pixels.
    """
    from PIL import Image

    height, width = images.shape[1:3]
    low, high = places.min(axis=0), places.max(axis=0)
    share = (places - low[None, :]) / np.where(high > low, high - low, 1)[None, :]
    lefts = np.rint(share[:, 0] * (side - width - 4)).astype(int)
    tops = np.rint((1 - share[:, 1]) * (side - height - 4)).astype(int)
    sheet = np.full((side, side, 3), 255, np.uint8)
    for image, left, top, label in zip(images, lefts, tops, labels, strict=True):
        sheet[top : top + height + 4, left : left + width + 4] = FRAMES[label % len(FRAMES)]
        sheet[top + 2 : top + 2 + height, left + 2 : left + 2 + width] = image
    Image.fromarray(sheet).save(path, format="PNG")
