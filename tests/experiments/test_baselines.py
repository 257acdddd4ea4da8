"""One battery over the registry of baselines."""

import numpy as np
import pytest

from experiments.lib.baselines import BASELINES
from l2c_jax.metrics import error_rate

pytestmark = pytest.mark.filterwarnings("ignore")  # the libraries' own


@pytest.fixture(scope="module")
def blobs() -> tuple[np.ndarray, np.ndarray]:
    """Three round, well separated clusters of 30 points in the plane."""
    labels = np.repeat(np.arange(3), 30)
    centres = np.array([[0.0, 0.0], [6.0, 0.0], [0.0, 6.0]])
    return centres[labels] + 0.4 * np.random.default_rng(0).standard_normal((90, 2)), labels


# parameters under which each finds such blobs
FITTING = {
    "DBSCAN": {"eps": 1.0},
    "kernel k-means": {"gamma": 0.05},
    "DEC": {"hidden": (32,), "pretraining": 200, "finetuning": 100},
}


@pytest.mark.parametrize("name", BASELINES)
def test_finds_separated_blobs(name, blobs):
    points, labels = blobs
    found = BASELINES[name](points, 3, 0, **FITTING.get(name, {}))
    assert found.shape == (90,)
    assert np.issubdtype(found.dtype, np.integer)
    assert error_rate(labels, found) <= 0.05


@pytest.mark.parametrize("name", BASELINES)
def test_the_same_seed_gives_the_same_labels_and_leaves_the_points_alone(name, blobs):
    points = blobs[0].copy()
    first, second = (BASELINES[name](points, 3, 7, **FITTING.get(name, {})) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(points, blobs[0])
