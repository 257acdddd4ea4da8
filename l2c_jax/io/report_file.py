"""The page of a file: rows are looked at while they are labelled."""

from pathlib import Path

import numpy as np

from l2c_jax.io.label_file import FittedFile
from l2c_jax.preprocessing.encoder import sample_rows
from l2c_jax.report import Evidence, Page, Sample, Table, make_page
from l2c_jax.tabular.fitted_model import FittedModel, keep_used
from l2c_jax.tabular.outliers import DESCRIBED_ROWS
from l2c_jax.tabular.profile import PROFILED_ROWS

CELLS = 8_000_000
"""Cells of the sample, at most: of a wide table fewer rows are profiled."""


class FileReport:
    """What a page needs of a file.

    Args:
      model: fitted to the file.
      adapted: the file.
    """

    def __init__(self, model: FittedModel, adapted: FittedFile) -> None:
        file = adapted.prepared.file
        size = max(2048, min(PROFILED_ROWS, CELLS // max(len(file.names), 1)))
        rows = sample_rows(file.rows, size, adapted.request.seed)
        cells = file.take(rows)
        points = model.points(cells)
        few = sample_rows(len(rows), DESCRIBED_ROWS, adapted.request.seed)
        around, _ = model.surroundings(points[few])
        probabilities = keep_used(model.raw_probabilities(points), model.used)
        self._model, self._file = model, file
        self._sample = Sample(rows, cells, points, probabilities)
        self.evidence = Evidence(around, model.num_clusters)

    def observe(self, start: int, points: np.ndarray, probabilities: np.ndarray) -> None:
        """Look at labelled rows; for :func:`l2c_jax.io.label_file.write_labels`."""
        self.evidence.add(start, points, probabilities)

    def page(self, command: str) -> Page:
        """The page, after all rows were labelled.

        Args:
          command: that computes the clusters again.
        """
        file = self._file
        table = Table(Path(file.name).name, file.names, file.rows, file.take, file.notes)
        return make_page(self._model, table, self._sample, self.evidence, command)
