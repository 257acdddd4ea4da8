"""Random resized crops of images."""

import jax
import jax.numpy as jnp

from l2c_jax.pairwise.backbones import Backbone
from l2c_jax.pairwise.points import as_float, is_for_images
from l2c_jax.types import Array, Key

_TRIES = 10
_RATIOS = (3 / 4, 4 / 3)


def crop_box(key: Key, height: int, width: int, area: tuple[float, float]) -> Array:
    """A random rectangle in an image of H x W pixels.

    With s uniform in ``area`` and log r uniform in [log 3/4, log 4/3], the rectangle has height
    H sqrt(s / r) and width W sqrt(s r); its position is uniform. The first of 10 draws that fits
    into the image is taken; without one, the box is the whole image.

    Args:
      key: consumed.
      height: H.
      width: W.
      area: least and largest share s of the image's area.

    Returns:
      ``[4]``: top, left, height and width, in pixels.
    """
    key_area, key_ratio, key_place = jax.random.split(key, 3)
    share = jax.random.uniform(key_area, (_TRIES,), jnp.float32, minval=area[0], maxval=area[1])
    least, largest = jnp.log(jnp.array(_RATIOS, jnp.float32))
    ratio = jax.random.uniform(key_ratio, (_TRIES,), jnp.float32, minval=least, maxval=largest)
    ratio = jnp.exp(ratio)
    high = height * jnp.sqrt(share / ratio)
    wide = width * jnp.sqrt(share * ratio)
    fits = (high <= height) & (wide <= width)
    first = jnp.argmax(fits)
    size = jnp.array([height, width], jnp.float32)
    box = jnp.where(fits[first], jnp.stack([high[first], wide[first]]), size)
    corner = jax.random.uniform(key_place, (2,), jnp.float32) * (size - box)
    return jnp.concatenate([corner, box])


def resized_crop(image: Array, box: Array) -> Array:
    """The part of an image in a box, resized to the image's size by bilinear interpolation.

    Along each axis, pixel i of the result is read at
    clip(start + (i + 1/2) length / size - 1/2, 0, size - 1).

    Args:
      image: ``[H, W, C]`` float.
      box: ``[4]``: top, left, height and width, in pixels; within the image.

    Returns:
      ``[H, W, C]``.

    Example:
      >>> import jax.numpy as jnp
      >>> image = jnp.arange(4.0)[:, None, None] * jnp.ones((1, 4, 1))
      >>> resized_crop(image, jnp.array([1.0, 0.0, 2.0, 4.0]))[:, 0, 0].tolist()
      [0.75, 1.25, 1.75, 2.25]
    """

    def weights(start: Array, length: Array, size: int) -> Array:
        """``[size, size]``: weight of each old pixel (column) in each new one (row)."""
        pixels = jnp.arange(size, dtype=jnp.float32)
        source = jnp.clip(start + (pixels + 0.5) * (length / size) - 0.5, 0, size - 1)
        return jnp.maximum(1 - jnp.abs(source[:, None] - pixels[None, :]), 0)

    height, width, _ = image.shape
    rows, columns = weights(box[0], box[2], height), weights(box[1], box[3], width)
    return jnp.einsum("yh,xw,hwc->yxc", rows, columns, image)


def random_resized_crop(
    key: Key, images: Array, *, area: tuple[float, float] = (0.85, 1.0)
) -> Array:
    """A random crop of every image, resized to the image's size.

    Args:
      key: consumed.
      images: ``[N, H, W, C]`` float.
      area: least and largest share of an image's area.

    Returns:
      ``[N, H, W, C]``.

    Example:
      >>> import jax
      >>> images = jax.random.uniform(jax.random.key(0), (2, 8, 8, 1))
      >>> jax.jit(random_resized_crop)(jax.random.key(1), images).shape
      (2, 8, 8, 1)
    """
    size, height, width, _ = images.shape
    boxes = jax.vmap(crop_box, (0, None, None, None))(
        jax.random.split(key, size), height, width, area
    )
    return jax.vmap(resized_crop)(images, boxes)


def augmented(key: Key, points: Array, backbone: Backbone, crop: tuple[float, float]) -> Array:
    """Points as a training step uses them: float32, images randomly cropped.

    Args:
      key: consumed.
      points: ``[N, ...]``.
      backbone: has the shape of one point; only images, ``(H, W, C)``, are cropped.
      crop: least and largest share of an image's area; (1, 1) leaves images as they are.

    Returns:
      ``[N, ...]`` float32.
    """
    points = as_float(points)
    if is_for_images(backbone) and crop != (1.0, 1.0):
        return random_resized_crop(key, points, area=crop)
    return points
