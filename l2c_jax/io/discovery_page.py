"""The page and the picture of a discovery, as files."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from l2c_jax.io.discovery_input import New
from l2c_jax.io.discovery_output import image_items, write_places
from l2c_jax.io.discovery_rows import row_items
from l2c_jax.pairwise.discovery import Discovery
from l2c_jax.pairwise.merging import MergePath
from l2c_jax.pairwise.predict import similarity_features
from l2c_jax.report import make_discovery_page, write_page

PICTURED = 1500
"""Images or rows in the picture, at most."""


def write_discovery_page(
    out: Path,
    title: str,
    found: Discovery,
    path: MergePath,
    new: New,
    probabilities: np.ndarray,
    embed: Callable[[np.ndarray, int], np.ndarray],
    *,
    notes: Sequence[str] = (),
    command: str = "",
    seed: int = 0,
) -> None:
    """Write ``report.html``, and of images ``embedding.png``.

    Args:
      out: folder.
      title: of the new data.
      found: the discovery.
      path: the candidates for the number of clusters.
      new: what was clustered.
      probabilities: ``[N, k]``.
      embed: features ``[n, F]`` and a seed to places ``[n, 2]``.
      notes: what was skipped or noticed while reading.
      command: that computes it again.
      seed: of the picture.
    """
    if new.rows is None:
        items = image_items(new.names, new.points, probabilities)
    else:
        items = row_items(new.rows, probabilities)
    few = np.arange(len(new.points))[:: max(1, -(-len(new.points) // PICTURED))]
    places = embed(similarity_features(found.similarity, new.points[few]), seed)
    page = make_discovery_page(
        *(title, found, path, probabilities, items),
        pictured=(few, places),
        agreement=found.how["agreement"],
        notes=notes,
        command=command,
    )
    write_page(out / "report.html", page)
    if new.rows is None:
        write_places(out, new.points[few], places, probabilities[few])
