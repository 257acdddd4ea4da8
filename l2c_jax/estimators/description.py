"""All rows labelled, and what can be said about them and about the clusters."""

from typing import NamedTuple

import numpy as np

from l2c_jax.estimators.rows import TableRows
from l2c_jax.preprocessing.encoder import sample_rows
from l2c_jax.tabular.fitted_model import FittedModel, keep_used
from l2c_jax.tabular.outliers import DESCRIBED_ROWS, medoids, outlier_scores
from l2c_jax.tabular.profile import PROFILED_ROWS, ClusterProfile, cluster_profiles


class Description(NamedTuple):
    """Of N rows and k clusters."""

    used: np.ndarray  # [k] int, those of the model's clusters that have a row
    probabilities: np.ndarray  # [N, k]
    outlier_scores: np.ndarray  # [N]
    medoid_indices: np.ndarray  # [k] int
    profiles: tuple[ClusterProfile, ...]  # k


def describe(model: FittedModel, table: TableRows, seed: int) -> Description:
    """Label the rows of the table to which a model adapted.

    Args:
      model: whose clusters are all kept.
      table: N rows.
      seed: of the samples of rows.

    Returns:
      What was found.
    """
    chosen = sample_rows(table.rows, DESCRIBED_ROWS, seed)
    points = model.points(table.take(chosen))
    around, first = model.surroundings(points)
    found, scores = [], []
    for piece in [points] if len(chosen) == table.rows else map(model.points, table.pieces()):
        part = first if piece is points else model.raw_probabilities(piece)
        found.append(part)
        scores.append(outlier_scores(around, piece, part.argmax(axis=1)))
    raw, every_score = np.concatenate(found), np.concatenate(scores)
    used = np.unique(raw.argmax(axis=1))
    probabilities = keep_used(raw, used)
    labels = probabilities.argmax(axis=1)
    central = medoids(around, points, labels[chosen], len(used))
    indices = [
        chosen[rows[0]] if rows.size else probabilities[:, cluster].argmax()
        for cluster, rows in enumerate(central)
    ]
    profiled = sample_rows(table.rows, PROFILED_ROWS, seed)
    profiles = cluster_profiles(
        model.encoder.columns,
        table.take(profiled),
        probabilities[profiled],
        every_score[profiled],
        np.bincount(labels, minlength=len(used)),
    )
    return Description(used, probabilities, every_score, np.array(indices), profiles)
