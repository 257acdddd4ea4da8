"""Columns of a further table: by name, whatever their order, signs and units."""

import numpy as np
import pytest

from l2c_jax.preprocessing.column_options import CellError, ColumnChoiceError
from l2c_jax.preprocessing.encoder import encode, fit_encoder
from l2c_jax.preprocessing.matching import detect_decimals, match_columns, unit_notes
from l2c_jax.preprocessing.roles import detect_roles

NAMES = ["id", "x", "color", "y"]
CELLS = [
    np.array([f"r{i}" for i in range(20)], object),
    np.arange(20.0),
    np.array(["red", "blue", "green", "red"], object)[np.arange(20) % 4],
    np.sin(np.arange(20.0)),
]
ROLES = detect_roles(NAMES, CELLS)
ENCODER = fit_encoder(ROLES, CELLS)


def test_columns_are_found_by_name_in_any_order():
    order = [3, 0, 2, 1]
    matched = match_columns(ENCODER, ROLES, [NAMES[i] for i in order])
    found = encode(matched.encoder, [CELLS[i] for i in order]).matrix
    np.testing.assert_array_equal(found, encode(ENCODER, CELLS).matrix)
    assert matched.notes == ()
    assert [role.kind for role in matched.roles] == [ROLES[i].kind for i in order]


def test_a_column_that_is_not_used_may_be_missing_and_others_may_be_there():
    matched = match_columns(ENCODER, ROLES, ["new", "color", "y", "x", "newer"])
    assert matched.notes == (
        "the model does not know the columns 'new', 'newer', which are ignored",
    )
    assert [column.index for column in matched.encoder.columns] == [3, 1, 2]


def test_columns_that_are_used_are_named_where_they_are_missing():
    with pytest.raises(ColumnChoiceError, match="lacks columns 'color', 'y', which the model"):
        match_columns(ENCODER, ROLES, ["id", "x", "z"])


def test_an_earlier_answer_is_neither_known_nor_reported():
    names = [*NAMES, "cluster", "probability_0", "probability_1"]
    matched = match_columns(ENCODER, ROLES, names)
    assert matched.notes == ()
    assert [role.kind for role in matched.roles[-3:]] == ["earlier answer"] * 3


def test_columns_of_one_name_keep_their_order():
    cells = [np.array([1.0, 2.0, 4.0]), np.array([7.0, 8.0, 1.0])]
    roles = detect_roles(["a", "a"], cells)
    matched = match_columns(fit_encoder(roles, cells), roles, ["b", "a", "a"])
    assert [column.index for column in matched.encoder.columns] == [1, 2]


def test_an_array_has_its_columns_by_position():
    cells = [np.arange(9.0), np.cos(np.arange(9.0))]
    names = ["column1", "column2"]
    roles = detect_roles(names, cells)
    encoder = fit_encoder(roles, cells)
    matched = match_columns(encoder, roles, ["width", "height"], by_position=True)
    assert [column.index for column in matched.encoder.columns] == [0, 1]
    assert "taken in order" in matched.notes[0]
    assert match_columns(encoder, roles, names, by_position=True).notes == ()
    with pytest.raises(ColumnChoiceError, match="has 3 columns; the model was fitted on 2"):
        match_columns(encoder, roles, ["a", "b", "c"], by_position=True)


def test_decimal_signs_are_those_of_the_further_table():
    commas = [f"{value:.6f}".replace(".", ",") for value in CELLS[3]]
    cells = [*CELLS[:3], np.array(commas, object)]
    encoder = detect_decimals(ENCODER, cells)
    np.testing.assert_allclose(
        encode(encoder, cells).matrix, encode(ENCODER, CELLS).matrix, atol=1e-6
    )
    with pytest.raises(CellError, match="not a finite number"):
        encode(detect_decimals(ENCODER, cells, "."), cells)


def test_a_sign_that_is_open_is_asked_for():
    cells = [*CELLS[:3], np.array(["1,234", "5,678"] * 10, object)]
    with pytest.raises(ColumnChoiceError, match="either decimal sign"):
        detect_decimals(ENCODER, cells, likely=None)
    for sign, value in ((",", 1.234), (".", 1234.0)):
        assert encode(detect_decimals(ENCODER, cells, sign), cells).matrix[0, -1] == value
        assert encode(detect_decimals(ENCODER, cells, likely=sign), cells).matrix[0, -1] == value


def test_dates_are_no_numbers():
    cells = [*CELLS[:3], np.arange(20).astype("datetime64[D]")]
    with pytest.raises(ColumnChoiceError, match="'y' holds dates"):
        detect_decimals(ENCODER, cells)


def test_another_unit_is_reported_and_a_few_far_values_are_not():
    assert unit_notes(ENCODER, CELLS) == []
    far = CELLS[1].copy()
    far[:5] = 1e9
    assert unit_notes(ENCODER, [CELLS[0], far, *CELLS[2:]]) == []
    (note,) = unit_notes(ENCODER, [CELLS[0], 1000 * CELLS[1], *CELLS[2:]])
    assert note.startswith("95% of column 'x' are more than 8 standard deviations from its mean")
