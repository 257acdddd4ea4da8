"""``l2c predict``: label the rows of a table with a fitted model."""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro

from l2c_jax.atomic import check_output, replacing
from l2c_jax.cli.columns import FileFlags
from l2c_jax.io import discovery_input, label_file, predict_file
from l2c_jax.io.discovery_output import write_clusters
from l2c_jax.pairwise.discovery_file import is_discovery, load_discovery
from l2c_jax.tabular.fitted_model import load_fitted_model


@dataclass(frozen=True)
class Predict:
    """Label the rows of a table with a model that l2c cluster --save wrote: the table as CSV with
    a cluster and probabilities per row. With a model of l2c discover --save: images or rows, as
    in its clusters.csv.

    Nothing is fitted: a row gets the answer that it would have had in the table of the model. The
    columns are found by name; others are ignored, and both is said on standard error.
    """

    model: tyro.conf.Positional[Path]
    """From l2c cluster --save or l2c discover --save, or from MetaClusterer.save in Python."""
    file: tyro.conf.Positional[Path]
    """CSV with any delimiter, JSON lines, .parquet, or .npy; also .gz, .bz2, .xz, .zip, a pipe, or
    - for standard input. For a model of images: a folder of images, or one image."""
    out: Annotated[Path | None, tyro.conf.arg(aliases=["-o"])] = None
    """Where the answer goes; default: standard output."""
    label_column: str | None = None
    """A column with true labels: compared with the answer."""
    decimal: Literal[".", ","] | None = None
    """The sign before the decimals; default: detected."""
    layout: tyro.conf.OmitArgPrefixes[FileFlags] = field(default_factory=FileFlags)

    def run(self) -> int:
        """Read, label, write."""
        if self.out is not None:
            check_output(self.out, (self.file, self.model))
        if self.model.is_file() and is_discovery(self.model):
            return self._discovered()
        model = load_fitted_model(self.model)
        matched = predict_file.match_file(
            *(model, self.file, self.layout.options()),
            decimal=self.decimal,
            label_column=self.label_column,
        )
        if self.out is None:
            summary = label_file.write_labels(model.model, matched.file, sys.stdout)
        else:
            with replacing(self.out) as draft, draft.open("w", newline="") as file:
                summary = label_file.write_labels(model.model, matched.file, file)
        for line in predict_file.prediction_lines(matched, summary):
            print(line, file=sys.stderr)
        return 0

    def _discovered(self) -> int:
        """Images or rows, by what l2c discover found."""
        found = load_discovery(self.model)
        if self.label_column is not None:
            raise ValueError("--label-column is for models of l2c cluster --save")
        if found.columns is None:
            new = discovery_input.read_new_images(self.file, found.backbone.shape)
        else:
            new = discovery_input.read_new_table(
                self.file, found.columns, self.layout.options(), self.decimal
            )
        probabilities = found.probabilities(new.points)
        noun = "file" if found.columns is None else "row"
        write_clusters(self.out, noun, new.names, probabilities)
        used = len(set(probabilities.argmax(axis=1).tolist()))
        for line in (*new.notes, f"{len(new.names)} {new.noun}s in {used} clusters"):
            print(line, file=sys.stderr)
        return 0
