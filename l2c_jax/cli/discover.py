"""``l2c discover``: categories that nobody has labeled, in a folder of images or in a table."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import tyro

from l2c_jax.atomic import check_output
from l2c_jax.cli.columns import ColumnFlags, FileFlags
from l2c_jax.cli.command_line import command_line
from l2c_jax.io import discovery_input, discovery_output
from l2c_jax.io.discovery_input import Labeled, New
from l2c_jax.io.images import ImageError, image_files

if TYPE_CHECKING:
    from l2c_jax.pairwise import ConstrainedConfig, Discovery, Similarity
    from l2c_jax.pairwise.held_out import HeldOut
    from l2c_jax.pairwise.merging import MergePath
    from l2c_jax.training.loop import RunOptions

IMAGE_CLUSTERS, ROW_CLUSTERS = 100, 20
BATCH = 100
"""Examples of an optimizer step of G, about."""
SIMILARITY = "similarity.safetensors"


class _Stopped(Exception):  # noqa: N818  a signal, no error
    """A signal asked the training to stop."""


@dataclass(frozen=True)
class Discover:
    """Find categories that nobody has labeled, in a folder of images or in a table.

    From labeled examples it learns whether two images, or two rows of a table, are of one class;
    then it clusters new ones, whose classes may be others. The folder of the answer gets
    clusters.csv, report.html, and of images a contact sheet for each cluster and embedding.png.
    """

    folders: tyro.conf.Positional[tuple[Path, ...]]
    """LABELED NEW, or only NEW with --similarity. LABELED is a folder with a folder of images for
    each class, or a table with the columns file and label; NEW is a folder of images. With
    --label-column both are tables with the same columns."""
    out: Annotated[Path, tyro.conf.arg(aliases=["-o"])]
    """Folder of the answer, also of similarity.safetensors and what --resume needs."""
    label_column: str | None = None
    """The column of the classes in LABELED: both are tables."""
    similarity: Path | None = None
    """A learned similarity of images, to use instead of learning one."""
    save: Path | None = None
    """What was learned and found, for l2c predict."""
    num_clusters: Annotated[int | None, tyro.conf.arg(aliases=["-k", "--n-clusters"])] = None
    """The most clusters that are looked for; default: 100 of images, 20 of rows."""
    merge: bool = True
    """Look for as many clusters as the spectrum of the similarity has, and merge those that it
    calls similar; otherwise for as many as -k."""
    size: int = 32
    """Side to which images are scaled, in pixels, a multiple of 16."""
    color: bool = False
    """Read colors of images instead of gray."""
    width: float = 0.5
    """Factor on the channels of the network that learns from images."""
    iterations: int = 2000
    """Optimizer steps of the similarity."""
    epochs: int = 150
    """Passes over the new images or rows."""
    columns: tyro.conf.OmitArgPrefixes[ColumnFlags] = field(default_factory=ColumnFlags)
    layout: tyro.conf.OmitArgPrefixes[FileFlags] = field(default_factory=FileFlags)
    resume: bool = False
    """Go on with a run that was stopped."""
    seed: int = 0
    """Decides everything random."""

    def run(self) -> int:
        """Read, learn, cluster, write."""
        from l2c_jax.report import require_templates

        require_templates()
        source, target = self._inputs()
        try:
            return self._run(source, target)
        except _Stopped:
            print("stopped; go on with --resume", file=sys.stderr)
            return 130

    def _run(self, source: Path | None, target: Path) -> int:
        from l2c_jax.pairwise import cluster_by_similarity, save_discovery
        from l2c_jax.pairwise.discovery import discovery_of
        from l2c_jax.pairwise.held_out import threshold_of, with_number

        if self.label_column is None:
            image_files(target)  # before the training, which takes minutes
        labeled = None if source is None else self._read_labeled(source)
        new = None
        if labeled is not None and labeled.columns is not None:
            new = discovery_input.read_new_table(
                target, labeled.columns, self.layout.options(), self.columns.decimal
            )
        self.out.mkdir(parents=True, exist_ok=True)
        config = self._clustering()
        similarity, held_out = self._similarity(labeled, config)
        if new is None:
            new = discovery_input.read_new_images(target, similarity.backbone.shape)
        for line in (*(labeled.notes if labeled else ()), *new.notes):
            print(line, file=sys.stderr)
        if self.merge:
            config = with_number(config, similarity, new.points)
        clustering, finished = cluster_by_similarity(
            similarity, new.points, config=config, run=self._run_options("clusters")
        )
        if not finished:
            raise _Stopped
        threshold = threshold_of(similarity) if self.merge else None
        columns = None if labeled is None else labeled.columns
        found, path = discovery_of(
            similarity, new.points, clustering, threshold, columns=columns, seed=self.seed
        )
        found, agreement = self._best_method(found, new, held_out)
        found = replace(found, how=self._how(found, labeled, agreement, threshold))
        if self.save is not None:
            save_discovery(self.save, found)
        self._write(target, found, path, new, (*(labeled.notes if labeled else ()), *new.notes))
        return 0

    def _inputs(self) -> tuple[Path | None, Path]:
        """The labeled examples, unless the similarity is given, and what is new."""
        if self.similarity is None and len(self.folders) == 2:
            source, target = self.folders
        elif self.similarity is not None and len(self.folders) == 1 and self.label_column is None:
            source, target = None, self.folders[0]
        else:
            raise ImageError("name LABELED and NEW, or a folder NEW and --similarity FILE")
        given = [path for path in (source, target, self.similarity) if path is not None]
        folders = [path for path in given if path.is_dir()]
        files = [path for path in given if not path.is_dir()]
        discovery_output.check_folder(self.out, folders, files)
        if self.save is not None:
            check_output(self.save, tuple(files))
        return source, target

    def _read_labeled(self, source: Path) -> Labeled:
        if self.label_column is None:
            channels = 3 if self.color else 1
            return discovery_input.read_labeled_images(source, self.size, channels, self.width)
        options = self.columns.options(self.label_column)
        return discovery_input.read_labeled_table(source, options, self.layout.options())

    def _clustering(self) -> ConstrainedConfig:
        from l2c_jax.pairwise import ConstrainedConfig

        usual = IMAGE_CLUSTERS if self.label_column is None else ROW_CLUSTERS
        return ConstrainedConfig(self.num_clusters or usual, epochs=self.epochs, seed=self.seed)

    def _run_options(self, name: str) -> RunOptions:
        from l2c_jax.training.loop import RunOptions

        return RunOptions(self.out / name, resume=self.resume, progress=sys.stderr.isatty())

    def _similarity(
        self, labeled: Labeled | None, config: ConstrainedConfig
    ) -> tuple[Similarity, HeldOut | None]:
        """G from its file, or learned; with the threshold of merging."""
        from l2c_jax.pairwise import (
            SimilarityConfig,
            fit_merging,
            learn_similarity,
            load_similarity,
            save_similarity,
        )
        from l2c_jax.pairwise.held_out import held_out_share

        if labeled is None:
            assert self.similarity is not None
            learned = load_similarity(self.similarity)
            if len(learned.backbone.shape) != 3:
                raise ImageError(f"{self.similarity}: is a similarity of tables, not of images")
            return learned, None
        sizes = np.unique(labeled.labels, return_counts=True)[1]
        classes = min(20, len(sizes))
        training = SimilarityConfig(
            self.iterations,
            classes=classes,
            per_class=int(min(sizes.min(), BATCH // classes)),
            held_out=held_out_share(len(sizes)),
            seed=self.seed,
        )
        examples = (labeled.points, labeled.labels)
        learned, finished = learn_similarity(
            *examples, labeled.backbone, training, run=self._run_options("similarity")
        )
        if not finished:
            raise _Stopped
        learned, held_out, finished = fit_merging(
            learned, *examples, config, run=self._run_options("held_out")
        )
        if not finished:
            raise _Stopped
        save_similarity(self.out / SIMILARITY, learned)
        return learned, held_out

    def _best_method(
        self, found: Discovery, new: New, held_out: HeldOut | None
    ) -> tuple[Discovery, dict[str, float]]:
        """Of rows: what divides the held-out classes best."""
        from l2c_jax.estimators.partition_methods import METHODS, choose_method

        if new.rows is None or held_out is None:
            return replace(found, how={"method": "network"}), {}
        choice = choose_method(found.similarity, held_out, self.seed)
        how = {"method": choice.method}
        if choice.method == "network":
            return replace(found, how=how), dict(choice.agreement)
        method, k = METHODS[choice.method], found.num_clusters
        references = method(found.similarity, new.points, k, self.seed)
        return replace(found, references=references, how=how), dict(choice.agreement)

    def _how(
        self,
        found: Discovery,
        labeled: Labeled | None,
        agreement: dict[str, float],
        threshold: float | None,
    ) -> dict[str, object]:
        from l2c_jax.training.weights import content_hash

        given = {} if labeled is None else {
            "labeled": len(labeled.labels),
            "classes": len(np.unique(labeled.labels)),
        }  # fmt: skip
        return {
            **found.how,
            **given,
            "threshold": threshold,
            "agreement": agreement,
            "iterations": found.similarity.metadata.iterations,
            "epochs": self.epochs,
            "seed": self.seed,
            "similarity_hash": content_hash(found.similarity.variables),
        }

    def _write(
        self, target: Path, found: Discovery, path: MergePath, new: New, notes: tuple[str, ...]
    ) -> None:
        from l2c_jax.estimators.embedding import embed
        from l2c_jax.io.discovery_page import write_discovery_page

        probabilities = found.probabilities(new.points)
        noun = "file" if new.rows is None else "row"
        csv_file = self.out / "clusters.csv"
        discovery_output.write_clusters(csv_file, noun, new.names, probabilities)
        if new.rows is None:
            discovery_output.write_sheets(self.out, new.points, probabilities)
        write_discovery_page(
            *(self.out, target.name, found, path, new, probabilities, embed),
            notes=notes,
            command=command_line("discover", self),
            seed=self.seed,
        )
        used = len(np.unique(probabilities.argmax(axis=1)))
        print(f"{self.out}: {len(new.names)} {new.noun}s in {used} clusters", file=sys.stderr)
