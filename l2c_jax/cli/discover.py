"""``l2c discover``: categories in a folder of images that nobody has labeled."""

from __future__ import annotations

import csv
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import tyro

from l2c_jax.atomic import replacing
from l2c_jax.io.images import ImageError, contact_sheet, image_files, read_images

if TYPE_CHECKING:
    from l2c_jax.pairwise import Similarity

SHEET = 100
"""Images on a contact sheet, the surest ones of a cluster."""


@dataclass(frozen=True)
class Discover:
    """Find categories in a folder of unlabeled images.

    From a folder of labeled images, one folder in it for each class, it learns whether two images
    are of one class; then it clusters the images of another folder, whose classes may be others.
    """

    folders: tyro.conf.Positional[tuple[Path, ...]]
    """LABELED NEW, or only NEW with --similarity."""
    out: Annotated[Path, tyro.conf.arg(aliases=["-o"])]
    """Folder of the answer: clusters.csv, a contact sheet for each cluster, similarity.safetensors
    if it was learned, and what --resume needs."""
    similarity: Path | None = None
    """A learned similarity to use instead of learning one."""
    num_clusters: Annotated[int, tyro.conf.arg(aliases=["-k", "--n-clusters"])] = 100
    """Number of clusters, or an upper bound; clusters may stay empty."""
    size: int = 32
    """Side to which the images are scaled, in pixels, a multiple of 16."""
    color: bool = False
    """Read colors instead of gray."""
    width: float = 0.5
    """Factor on the channels of the network that learns."""
    iterations: int = 2000
    """Optimizer steps of the similarity."""
    epochs: int = 150
    """Passes over the new images."""
    resume: bool = False
    """Go on with a run that was stopped."""
    seed: int = 0
    """Decides everything random."""

    def run(self) -> int:
        """Read, learn, cluster, write."""
        from l2c_jax.pairwise import ConstrainedConfig, cluster_by_similarity
        from l2c_jax.training.loop import RunOptions

        labeled, new = self._folders()
        files = image_files(new)  # before the training, which takes minutes
        self.out.mkdir(parents=True, exist_ok=True)
        learned, finished = self._similarity(labeled)
        if not finished:
            return self._stopped()
        height, _, channels = learned.backbone.shape
        read = read_images(files, height, channels=channels)
        self._report(read.broken)
        found, finished = cluster_by_similarity(
            learned,
            read.images,
            config=ConstrainedConfig(self.num_clusters, epochs=self.epochs, seed=self.seed),
            run=RunOptions(
                self.out / "clusters", resume=self.resume, progress=sys.stderr.isatty()
            ),
        )
        if not finished:
            return self._stopped()
        self._write(read.files, read.images, found.probabilities)
        return 0

    def _folders(self) -> tuple[Path | None, Path]:
        """The labeled images, unless the similarity is given, and the new ones."""
        if self.similarity is None and len(self.folders) == 2:
            return self.folders
        if self.similarity is not None and len(self.folders) == 1:
            return None, self.folders[0]
        raise ImageError("name the folders LABELED and NEW, or NEW and --similarity FILE")

    def _similarity(self, labeled: Path | None) -> tuple[Similarity, bool]:
        """G from its file, or learned from a folder."""
        from l2c_jax.pairwise import (
            VGGS,
            SimilarityConfig,
            learn_similarity,
            load_similarity,
            save_similarity,
        )
        from l2c_jax.training.loop import RunOptions

        if labeled is None:
            assert self.similarity is not None
            learned = load_similarity(self.similarity)
            if len(learned.backbone.shape) != 3:
                raise ImageError(f"{self.similarity}: is a similarity of tables, not of images")
            return learned, True
        channels = 3 if self.color else 1
        read = read_images(image_files(labeled), self.size, channels=channels)
        self._report(read.broken)
        classes = np.array([path.relative_to(labeled).parent.as_posix() for path in read.files])
        names, sizes = np.unique(classes, return_counts=True)
        names = names[(sizes > 1) & (names != ".")]
        if len(names) < 2:
            raise ImageError(f"{labeled}: needs at least 2 folders with at least 2 images each")
        known = np.isin(classes, names)
        per_class = int(min(5, sizes[sizes > 1].min()))
        learned, finished = learn_similarity(
            read.images[known],
            classes[known],
            VGGS(size=self.size, channels=channels, width=self.width),
            SimilarityConfig(self.iterations, per_class=per_class, seed=self.seed),
            run=RunOptions(
                self.out / "similarity", resume=self.resume, progress=sys.stderr.isatty()
            ),
        )
        if finished:
            save_similarity(self.out / "similarity.safetensors", learned)
        return learned, finished

    def _stopped(self) -> int:
        print("stopped; go on with --resume", file=sys.stderr)
        return 130

    def _report(self, broken: list[str]) -> None:
        for line in broken:
            print(f"skipped {line}", file=sys.stderr)

    def _write(self, files: list[Path], images: np.ndarray, probabilities: np.ndarray) -> None:
        """``clusters.csv``, and a contact sheet for each cluster, the largest first."""
        labels = probabilities.argmax(axis=1)
        used, sizes = np.unique(labels, return_counts=True)
        used = used[np.argsort(-sizes, kind="stable")]
        kept = probabilities[:, used] / probabilities[:, used].sum(axis=1, keepdims=True)
        with (
            replacing(self.out / "clusters.csv") as draft,
            draft.open("w", newline="", encoding="utf-8") as file,
        ):
            writer = csv.writer(file)
            names = [f"probability_{number}" for number in range(len(used))]
            writer.writerow(["file", "cluster", *names])
            for path, row in zip(files, kept, strict=True):
                writer.writerow([path, int(row.argmax()), *(f"{p:.6f}" for p in row)])
        for old in self.out.glob("cluster_*.png"):
            old.unlink()
        for number in range(len(used)):
            mine = np.flatnonzero(kept.argmax(axis=1) == number)
            mine = mine[np.argsort(-kept[mine, number], kind="stable")][:SHEET]
            with replacing(self.out / f"cluster_{number:03}.png") as draft:
                contact_sheet(images[mine], draft)
        print(f"{self.out}: {len(files)} images in {len(used)} clusters", file=sys.stderr)
