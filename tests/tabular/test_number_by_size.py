"""The packaged weights find the same number of clusters in a structure, however many its rows."""

import numpy as np
import pytest

from l2c_jax.tabular.clusterer import adapt_table
from l2c_jax.tabular.model import load_tabular_model

SIZES = (60, 200, 1000, 2000, 20_000)


@pytest.fixture(scope="module")
def universal():
    return load_tabular_model("universal")


def blobs(rng, rows):
    centers = np.array([[0.0, 0.0], [8.0, 0.0], [0.0, 8.0], [9.0, 9.0]])
    return centers[np.arange(rows) % 4] + rng.normal(size=(rows, 2))


def rings(rng, rows):
    angle = 2 * np.pi * rng.uniform(size=rows)
    radius = 1.0 + 2.0 * (np.arange(rows) % 2) + 0.08 * rng.normal(size=rows)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def one_cloud(rng, rows):
    return rng.normal(size=(rows, 3))


@pytest.mark.slow  # tables of 20,000 rows with the packaged weights
@pytest.mark.parametrize(("structure", "k"), [(blobs, 4), (rings, 2), (one_cloud, 1)])
def test_the_number_does_not_depend_on_the_number_of_rows(universal, structure, k):
    found = []
    for rows in SIZES:
        points = structure(np.random.default_rng(rows), rows)
        probabilities = adapt_table(universal, points, seed=0).count_probabilities
        found.append(int(probabilities.argmax()) + 1)
    assert found == [k] * len(SIZES)
