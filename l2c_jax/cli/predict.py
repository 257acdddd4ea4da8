"""``l2c predict``: label the rows of a table with a fitted model."""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro

from l2c_jax.atomic import check_output, replacing
from l2c_jax.cli.columns import FileFlags
from l2c_jax.io import label_file, predict_file
from l2c_jax.tabular.fitted_model import load_fitted_model


@dataclass(frozen=True)
class Predict:
    """Label the rows of a table with a model that l2c cluster --save wrote: the table as CSV with
    a cluster and probabilities per row.

    Nothing is fitted: a row gets the answer that it would have had in the table of the model. The
    columns are found by name; others are ignored, and both is said on standard error.
    """

    model: tyro.conf.Positional[Path]
    """From l2c cluster --save, or from MetaClusterer.save in Python."""
    file: tyro.conf.Positional[Path]
    """CSV with any delimiter, JSON lines, .parquet, or .npy; also .gz, .bz2, .xz, .zip, a pipe, or
    - for standard input."""
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
