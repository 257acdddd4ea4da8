"""Levels: one spelling for every type, and known orders."""

import numpy as np

from l2c_jax.preprocessing.levels import level_cells, ordered_levels


def test_scales_may_lack_levels_but_not_have_others():
    assert ordered_levels(["High", "low", "very_low"]) == ("very_low", "low", "High")
    assert ordered_levels(["high", "low", "red"]) is None
    assert ordered_levels(["high", "low"]) is None


def test_levels_are_spelt_alike_whatever_their_type():
    assert level_cells(np.array([1.0, 2.5, np.nan])).tolist() == ["1", "2.5", None]
    assert level_cells(np.array([" a", "True", None, "NA"], object)).tolist() == [
        "a",
        "true",
        None,
        None,
    ]
