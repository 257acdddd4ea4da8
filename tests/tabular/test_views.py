"""All views of a table: laws, and degenerate tables."""

import numpy as np
import pytest

from l2c_jax.tabular.views import VIEWS, apply_view, fit_views

ROWS = (
    np.random.default_rng(0).normal(size=(60, 4)) * [1, 2, 3, 4] + 5 * (np.arange(60) % 2)[:, None]
)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize(
    "moved",
    [ROWS * 1e-7, ROWS + 1e7, ROWS * 10.0 ** np.arange(-6, 2, 2), ROWS[:, ::-1]],
    ids=["small", "far", "units", "order of columns"],
)
def test_units_offsets_and_order_of_columns_do_not_matter(view, moved):
    expected = apply_view(fit_views(ROWS, "robust", 6)[0], view, ROWS, 3)
    found = apply_view(fit_views(moved, "robust", 6)[0], view, moved, 3)
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("view", VIEWS)
def test_every_row_is_mapped_by_itself(view):
    views, *_ = fit_views(ROWS[:40], "robust", 3)
    whole = apply_view(views, view, ROWS, 3)
    parts = [apply_view(views, view, ROWS[i : i + 7], 3) for i in range(0, 60, 7)]
    np.testing.assert_allclose(whole, np.concatenate(parts), atol=1e-6)


def test_the_diffusion_view_has_one_coordinate_less_than_clusters():
    views, *_ = fit_views(ROWS, "robust", 5)
    for k in (1, 2, 4):
        found = apply_view(views, "diffusion", ROWS, k)
        assert (found != 0).any(axis=0).tolist() == [True] * (k - 1) + [False] * (6 - k)
        if k > 1:
            np.testing.assert_allclose((found**2).sum(axis=1).mean(), 1, rtol=1e-4)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize(
    "rows",
    [np.zeros((5, 2)), ROWS[:1], ROWS[:2], ROWS[:, :1], np.repeat(ROWS[:3], 9, axis=0)],
    ids=["equal", "one row", "two rows", "one column", "equal rows"],
)
def test_degenerate_tables_have_views(view, rows):
    views, *_ = fit_views(rows, "robust", 4)
    found = apply_view(views, view, rows, 3)
    assert found.shape == (len(rows), 4)
    assert np.isfinite(found).all()


@pytest.mark.parametrize("wild", [1e3, 1e9])
def test_one_wild_cell_moves_no_view(wild):
    rows = ROWS.copy()
    rows[7, 0] = wild
    for view in VIEWS:
        clean = apply_view(fit_views(ROWS, "robust", 3)[0], view, ROWS, 2)
        found = apply_view(fit_views(rows, "robust", 3)[0], view, rows, 2)
        others = np.arange(60) != 7
        similar = abs(np.corrcoef(clean[others, 0], found[others, 0])[0, 1])
        assert similar > (0.95 if view == "paths" else 0.98)  # a place of many rows is gone
