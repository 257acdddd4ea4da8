"""What sets a cluster apart, against pandas."""

import numpy as np
import pandas as pd
import pytest

from l2c_jax.preprocessing.encoder import fit_encoder
from l2c_jax.preprocessing.roles import detect_roles
from l2c_jax.tabular.profile import cluster_profiles

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 3, 200)
FRAME = pd.DataFrame(
    {
        "x": RNG.normal(size=200) + 3 * LABELS,
        "holes": np.where(RNG.random(200) < 0.3, np.nan, 1e8 + RNG.normal(size=200)),
        "color": np.array(["red", "green", "blue"], object)[
            (LABELS + (RNG.random(200) < 0.3)) % 3
        ],
        "flag": np.array(["no", "yes"], object)[(LABELS == 1).astype(int)],
    }
)
FRAME.loc[4, "color"] = None


def profiles(scores=None, probabilities=None):
    cells = [FRAME[name].to_numpy() for name in FRAME]
    encoder = fit_encoder(detect_roles(list(FRAME), cells), cells)
    scores = np.zeros(200) if scores is None else scores
    sure = np.eye(3)[LABELS] if probabilities is None else probabilities
    return cluster_profiles(encoder.columns, cells, sure, scores)


def standardized(inside, outside):
    return (inside.mean() - outside.mean()) / np.sqrt((inside.var() + outside.var()) / 2)


def test_numbers_are_compared_by_standardized_difference():
    for profile in profiles():
        for name in ("x", "holes"):
            (found,) = (d for d in profile.differences if (d.column, d.aspect) == (name, "number"))
            column = FRAME[name]
            inside = column[profile.cluster == LABELS].dropna().to_numpy()
            outside = column[profile.cluster != LABELS].dropna().to_numpy()
            assert found.inside == pytest.approx(inside.mean(), rel=1e-12)
            assert found.outside == pytest.approx(outside.mean(), rel=1e-12)
            assert found.difference == pytest.approx(standardized(inside, outside), abs=1e-6)
            assert found.lift is None


def test_levels_are_compared_by_lift():
    for profile in profiles():
        found = {d.level: d for d in profile.differences if d.column == "color"}
        assert set(found) == {"red", "green", "blue"}
        known = FRAME["color"].notna()
        for level, difference in found.items():
            here = (FRAME["color"] == level)[known]
            inside = here[profile.cluster == LABELS[known]]
            assert difference.inside == pytest.approx(inside.mean())
            assert difference.lift == pytest.approx(inside.mean() / here.mean())


def test_missing_values_are_an_aspect_of_columns_that_miss_many():
    for profile in profiles():
        found = [d for d in profile.differences if d.aspect == "missing"]
        assert [d.column for d in found] == ["holes"]
        gone = FRAME["holes"].isna()
        assert found[0].inside == pytest.approx(gone[profile.cluster == LABELS].mean())


def test_the_largest_difference_is_first_and_sizes_are_counted():
    probabilities = 0.9 * np.eye(3)[LABELS] + 0.1 / 3
    for profile in profiles(probabilities=probabilities):
        sizes = [abs(d.difference) for d in profile.differences]
        assert sizes == sorted(sizes, reverse=True)
        assert profile.size == (profile.cluster == LABELS).sum()
        assert profile.share == profile.size / 200
        assert profile.confidence == pytest.approx(0.9 + 0.1 / 3)
    flag = next(d for d in profiles()[1].differences if d.level == "yes")
    assert (flag.inside, flag.outside) == pytest.approx((1, 0))
    assert flag.difference > 1.9  # varies in neither part: by the deviation of all rows


def test_rows_that_belong_nowhere_take_part_in_nothing():
    scores = np.zeros(200)
    scores[:50] = 7
    found = next(d for d in profiles(scores)[0].differences if d.column == "x")
    inside = FRAME["x"][50:][LABELS[50:] == 0]
    assert found.inside == pytest.approx(inside.mean())
    assert profiles(scores)[0].outliers == (LABELS[:50] == 0).sum()


def test_one_cluster_differs_from_nothing():
    found = profiles(probabilities=np.ones((200, 1)))[0]
    assert all(d.difference == 0 and np.isnan(d.outside) for d in found.differences)


def test_huge_numbers_do_not_overflow():
    cells = [np.array([8e307, -8e307, 8e307, 0.0])]
    encoder = fit_encoder(detect_roles(["x"], cells), cells)
    found = cluster_profiles(encoder.columns, cells, np.eye(2)[[0, 1, 0, 1]], np.zeros(4))
    assert found[0].differences[0].inside == pytest.approx(8e307)
    assert np.isfinite(found[0].differences[0].difference)
