"""``l2c cluster``: label the rows of a table."""

import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

import tyro

from l2c_jax.atomic import check_output, replacing
from l2c_jax.cli.columns import ColumnFlags, FileFlags
from l2c_jax.cli.command_line import command_line
from l2c_jax.io import label_file
from l2c_jax.io.report_file import FileReport
from l2c_jax.recurrent.config import InferenceConfig
from l2c_jax.report import require_templates, write_page
from l2c_jax.tabular.clusterer import TabularConfig
from l2c_jax.tabular.fitted_model import save_fitted_model
from l2c_jax.tabular.model import load_tabular_model

DEFAULT_WEIGHTS = "universal"


@dataclass(frozen=True)
class Reading:
    """How a table is read: the part of the library's configuration that has a flag."""

    standardize: bool = True
    """Give every column the same variance first."""
    orders: int = 16
    """Members of the ensemble, each with orders of its own. Of the weights "universal" the quarter
    that agrees most with the others is averaged, of others the most confident ones."""
    epochs: int = 2
    """Passes of each member over the sample."""

    def config(self) -> TabularConfig:
        """The library's configuration."""
        default = TabularConfig()
        inference = replace(default.inference, orders=self.orders, epochs=self.epochs)
        return replace(default, inference=inference, standardize=self.standardize)

    def paper(self) -> InferenceConfig:
        """The same for synthetic tasks: every point is read."""
        return InferenceConfig(epochs=self.epochs, orders=self.orders)


@dataclass(frozen=True)
class Cluster:
    """Cluster the rows of a table: the table as CSV with a cluster and probabilities per row.

    The learner adapts to a sample of the rows and labels all of them in pieces, so that the file
    may be larger than the memory. What each column was read as, and why, is printed to standard
    error.
    """

    file: tyro.conf.Positional[Path]
    """CSV with any delimiter, JSON lines, .parquet, or .npy; also .gz, .bz2, .xz, .zip, a pipe, or
    - for standard input."""
    weights: Annotated[str, tyro.conf.arg(aliases=["-w"])] = DEFAULT_WEIGHTS
    """A weight file, or the name of packaged weights."""
    num_clusters: Annotated[int | None, tyro.conf.arg(aliases=["-k", "--n-clusters"])] = None
    """How many clusters; default: the learner finds the number (some weights need it)."""
    out: Annotated[Path | None, tyro.conf.arg(aliases=["-o"])] = None
    """Where the answer goes; default: standard output."""
    plot: Path | None = None
    """A picture of the clusters on two principal axes (needs matplotlib)."""
    report: Path | None = None
    """A page for people, one HTML file: the clusters, what sets them apart, how sure they are
    (needs Jinja2)."""
    save: Path | None = None
    """The fitted model, for l2c predict and MetaClusterer.load."""
    label_column: str | None = None
    """A column with true labels: not read, but compared with the answer."""
    columns: tyro.conf.OmitArgPrefixes[ColumnFlags] = field(default_factory=ColumnFlags)
    layout: tyro.conf.OmitArgPrefixes[FileFlags] = field(default_factory=FileFlags)
    reading: tyro.conf.OmitArgPrefixes[Reading] = field(default_factory=Reading)
    seed: int = 0
    """Seed of the sample and the orders."""

    def run(self) -> int:
        """Read, cluster, write."""
        if self.report is not None:
            require_templates()
        every = (self.out, self.plot, self.save, self.report)
        outputs = [path for path in every if path is not None]
        for path in outputs:
            others = (other for other in outputs if other is not path)
            check_output(path, (self.file, self.weights, *others))
        request = label_file.LabelRequest(
            self.file,
            num_clusters=self.num_clusters,
            columns=self.columns.options(self.label_column),
            read=self.layout.options(),
            config=self.reading.config(),
            seed=self.seed,
        )
        model = load_tabular_model(self.weights)
        fitted = label_file.adapt_file(model, request)
        kept = label_file.fitted_model_of(model, fitted, self.weights)
        page = FileReport(kept, fitted) if self.report is not None else None
        observe = None if page is None else page.observe
        if self.out is None:
            summary = label_file.write_labels(model, fitted, sys.stdout, observe)
        else:
            with replacing(self.out) as draft, draft.open("w", newline="") as file:
                summary = label_file.write_labels(model, fitted, file, observe)
        if self.save is not None:
            save_fitted_model(self.save, kept)
        if page is not None and self.report is not None:
            write_page(self.report, page.page(command_line("cluster", self)))
        for line in label_file.report_lines(fitted, summary):
            print(line, file=sys.stderr)
        if self.plot is not None:
            label_file.draw_sample(fitted, summary, self.plot)
        return 0
