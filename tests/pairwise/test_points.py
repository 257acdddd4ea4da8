"""Points and labels as people have them: one scale, no missing label, nothing lost in a cast."""

import numpy as np
import pandas as pd
import pytest

from l2c_jax.pairwise.backbones import MLP, VGGS, backbone_from_description, default_backbone
from l2c_jax.pairwise.backbones import describe_backbone as describe
from l2c_jax.pairwise.points import as_float, checked_labels, checked_points

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (4, 16, 16, 1))
IMAGES = VGGS(size=16)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int32", "int64", "uint64"])
def test_integer_images_of_any_type_have_one_scale(dtype):
    found = checked_points(PIXELS.astype(dtype), IMAGES)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, PIXELS)


def test_true_pixels_are_white():
    found = as_float(checked_points(PIXELS > 100, IMAGES))
    np.testing.assert_array_equal(found, np.where(PIXELS > 100, 255, 0).astype(np.uint8) / 255)


@pytest.mark.parametrize("images", [PIXELS * 257, PIXELS - 1])
def test_integer_images_of_another_range_are_refused(images):
    with pytest.raises(ValueError, match=r"X: integer images must lie in 0 to 255, got .* int64"):
        checked_points(images, IMAGES, name="X")


def test_integers_in_tables_are_numbers():
    np.testing.assert_array_equal(checked_points([[300], [-5]], MLP(1)), [[300], [-5]])


def test_a_large_offset_is_subtracted_before_the_cast():
    table = RNG.normal(size=(50, 3))
    moved = table + np.array([1e8, 0, -1e8])
    backbone = default_backbone(moved)
    assert [round(value, -6) for value in backbone.offset] == [1e8, 0, -1e8]
    found = checked_points(moved, backbone)
    np.testing.assert_allclose(
        found, table - [table[:, 0].mean(), 0, table[:, 2].mean()], atol=1e-6
    )
    images = RNG.random((4, 16, 16, 1))
    found = checked_points(images + 1e8, default_backbone(images + 1e8))
    np.testing.assert_allclose(found, images - images.mean(), atol=1e-6)


@pytest.mark.parametrize(
    "points",
    [
        RNG.normal(size=(50, 3)),
        RNG.normal(size=(50, 3)).astype(np.float32) + 1e6,
        np.ones((5, 2)),
        PIXELS,
        RNG.random((4, 16, 16, 1)),
    ],
)
def test_where_nothing_is_lost_there_is_no_offset(points):
    backbone = default_backbone(points)
    assert not np.any(backbone.offset)
    assert "offset" not in describe(backbone)


def test_an_offset_is_in_the_description():
    for backbone in (MLP(2, (3,), offset=(1e8, 0.0)), VGGS(offset=1e8)):
        assert backbone_from_description(describe(backbone)) == backbone
    with pytest.raises(ValueError, match="offset must have 2 numbers, got 1"):
        MLP(2, offset=(1.0,))


@pytest.mark.parametrize(
    "labels",
    [
        ["a", None, "b"],
        np.array([0, np.nan, 1]),
        pd.array([0, None, 1], dtype="Int64"),
        pd.Series(["a", None, "b"], dtype="category"),
        np.array(["2020-01-01", "NaT", "2021-01-01"], "datetime64[D]"),
        np.ma.array([0, 1, 2], mask=[0, 1, 0]),
        pd.array(["a", None, "b"], dtype="string"),
    ],
)
def test_missing_labels_are_refused(labels):
    with pytest.raises(ValueError, match="y must not be missing; 1 of 3 are"):
        checked_labels(labels, 3, "y")


@pytest.mark.parametrize("labels", [["a", "b", "a"], [True, False, True], [1.0, 2.0, 1.0]])
def test_labels_of_any_type_are_taken(labels):
    np.testing.assert_array_equal(checked_labels(labels, 3), labels)


@pytest.mark.parametrize(
    ("points", "error", "message"),
    [
        ([["a", "b"]], ValueError, "X must be real numbers"),
        ([[1j, 0]], ValueError, "Complex data not supported: X must be real"),
        (np.ma.array([[1.0, 2.0]], mask=[[0, 1]]), ValueError, "X must have no masked values"),
        (np.array([[1, "b"]], object), ValueError, "X must be numbers"),
    ],
)
def test_what_is_no_number_is_refused(points, error, message):
    with pytest.raises(error, match=message):
        checked_points(points, MLP(2), name="X")
