"""The demo prints a line for each data set and draws a panel for each method."""

import numpy as np
import pytest

from l2c_jax import demo
from l2c_jax.comparison import Data, plane, real, rivals

RNG = np.random.default_rng(0)
LABELS = np.arange(60) % 2
BLOBS = Data("blobs", RNG.normal(size=(60, 2)) + 8 * LABELS[:, None], LABELS)
ANSWERS = [
    (BLOBS, {"learned": LABELS, "learned (k found)": LABELS, "k-means": np.zeros(60, int)}),
]


def test_the_data_sets_are_labelled_tables():
    every = [*plane(num_points=40), *real()]
    assert len(every) == 11
    for data in every:
        assert data.points.shape[0] == data.labels.shape[0] >= 40
        assert np.isfinite(data.points).all()
        assert 1 <= data.num_clusters <= 10


def test_the_first_page_is_that_of_scikit_learn():
    circles = next(iter(plane()))
    inner = np.linalg.norm(circles.points[circles.labels == 1], axis=1)
    assert circles.points.shape == (500, 2)
    assert abs(inner.mean() - 0.5) < 0.02


def test_every_other_clusterer_answers():
    for name, rival in rivals().items():
        labels = rival(BLOBS.points, 2, 0)
        assert labels.shape == (60,), name
        assert demo.score(BLOBS, labels) > 0.8, name


def test_lines_and_summary():
    header, rule, line = demo.table_lines(ANSWERS)
    assert "k-means" in header
    assert set(rule) == {"-", " "}
    assert "1.00 (2)" in line
    assert list(demo.summary(ANSWERS)) == [
        "learned is better than k-means on 1 of 1, worse on 0, within .01 on the others."
    ]


def test_a_panel_for_each_method_is_drawn(tmp_path):
    demo.draw(tmp_path / "demo.png", ANSWERS)
    assert (tmp_path / "demo.png").stat().st_size > 5_000


@pytest.mark.slow
def test_the_demo_runs(tmp_path):
    lines = []
    demo.run(tmp_path / "demo.png", lines.append)
    text = "\n".join(lines)
    assert all(name in text for name in ("circles", "no structure", "Digits", "HDBSCAN"))
    assert (tmp_path / "demo.png").stat().st_size > 100_000
