"""Roles of columns: what is detected, what can be said, and what stops the run."""

import numpy as np
import pytest

from l2c_jax.preprocessing.column_options import CellError, ColumnChoiceError, ColumnOptions
from l2c_jax.preprocessing.roles import detect_roles

RNG = np.random.default_rng(0)
N = 60
NUMBER = RNG.normal(size=N)


def words(*levels, rows=N):
    return np.array([levels[i % len(levels)] for i in range(rows)], object)


COLUMNS = {
    "number": NUMBER,
    "yes/no": words("yes", "no"),
    "ordered": words("low", "high", "medium"),
    "categorical": words("red", "green", "blue", None),
    "date": np.array([f"2020-01-{1 + i % 28:02d}" for i in range(N)], object),
    "text": np.array([f"word {i % 30}" for i in range(N)], object),
    "identifier": np.array([f"name {i}" for i in range(N)], object),
    "constant": words("same"),
    "empty": words("", "NA"),
}


@pytest.mark.parametrize("kind", COLUMNS)
def test_every_kind_is_detected(kind):
    _, role = detect_roles(["x", "column"], [NUMBER, COLUMNS[kind]])
    assert role.kind == kind
    assert role.used == (kind in ("number", "yes/no", "ordered", "categorical"))
    assert role.why or role.kind == "number"


@pytest.mark.parametrize(
    ("name", "values", "kind"),
    [
        ("", np.arange(N), "row number"),
        ("Unnamed: 0", np.arange(N), "row number"),
        ("first", np.arange(N) + 1, "row number"),
        ("id", RNG.permutation(N) + 1000, "identifier"),
        ("customer_id", RNG.permutation(N), "identifier"),
        ("orderId", np.arange(N) // 2, "identifier"),
        ("", RNG.integers(0, 9, N), "number"),
        ("height", RNG.permutation(N), "number"),
        ("id", RNG.normal(size=N), "number"),
        ("humid", RNG.permutation(N), "number"),
        ("grid", np.arange(N) * 2, "number"),
    ],
)
def test_row_numbers_and_identifiers(name, values, kind):
    role, _ = detect_roles([name, "x"], [values.astype(float), NUMBER])
    assert role.kind == kind


def test_a_row_number_is_used_where_there_is_nothing_else():
    (role,) = detect_roles(["x"], [np.arange(20.0)])
    assert role.used
    assert "no other column" in role.why


def test_an_earlier_answer_is_not_evidence():
    names = ["x", "cluster", "probability_0", "probability_1"]
    roles = detect_roles(names, [NUMBER] * 4)
    assert [role.used for role in roles] == [True, False, False, False]
    assert detect_roles(["x", "cluster"], [NUMBER] * 2)[1].used  # one's own column of that name


@pytest.mark.parametrize("odd", ["x", "12abc", "1e999", "12;3"])
def test_one_odd_cell_stops_the_run_and_is_named(odd):
    column = np.array([str(i) for i in range(N)], object)
    column[7] = odd
    with pytest.raises(CellError) as refused:
        detect_roles(["a"], [column])
    assert (refused.value.column, refused.value.rows) == ("a", (7,))
    assert repr(odd) in str(refused.value)
    (role,) = detect_roles(["a"], [column], ColumnOptions(categorical=("a",)))
    assert role.used


def test_infinite_numbers_stop_the_run():
    with pytest.raises(CellError, match="inf"):
        detect_roles(["a"], [np.array([1.0, np.inf])])


def test_levels_that_are_partly_numbers_are_categories():
    (role,) = detect_roles(["dependents"], [words("0", "1", "2", "3+")])
    assert role.levels == ("0", "1", "2", "3+")


def test_the_sign_of_other_columns_tells():
    open_column = np.array(["1.200", "950", "2.400"], object)
    comma = np.array(["0,5", "1,25", "2,75"], object)
    assert detect_roles(["a", "b"], [open_column, comma], likely_decimal=None)[0].decimal == ","
    with pytest.raises(ColumnChoiceError, match=r"'1\.200' is 1\.2 or 1200"):
        detect_roles(["a"], [open_column], likely_decimal=None)
    assert detect_roles(["a"], [open_column], likely_decimal=".")[0].decimal == "."
    said = ColumnOptions(decimal=",")
    assert detect_roles(["a"], [open_column], said, likely_decimal=None)[0].decimal == ","


def test_what_a_person_says_is_done():
    names = ["x", "code", "when", "nr", "kind"]
    columns = [NUMBER, RNG.integers(0, 4, N) * 1.0, COLUMNS["date"], NUMBER, words("a", "b", "c")]
    options = ColumnOptions(
        drop=("x",),
        categorical=("code",),
        dates=("when",),
        id_columns=("nr",),
        label_column="kind",
    )
    roles = {role.name: role for role in detect_roles(names, columns, options)}
    assert not roles["x"].used
    assert roles["code"].kind == "categorical"
    assert roles["code"].levels == ("0", "1", "2", "3")
    assert (roles["when"].kind, roles["when"].used) == ("date", True)
    assert (roles["nr"].kind, roles["kind"].kind) == ("identifier", "label")
    chosen = detect_roles(names, columns, ColumnOptions(columns=("when", "x")))
    assert [role.used for role in chosen] == [True, False, True, False, False]


@pytest.mark.parametrize(
    "field", ["columns", "drop", "categorical", "dates", "id_columns", "label_column"]
)
def test_a_column_that_is_not_there_is_named(field):
    value = "z" if field == "label_column" else ("z",)
    with pytest.raises(ColumnChoiceError, match="no column 'z'; the columns are x"):
        detect_roles(["x"], [NUMBER], ColumnOptions(**{field: value}))


def test_nothing_to_use_is_refused():
    with pytest.raises(ColumnChoiceError, match=r"no usable column among 'a' \(identifier\)"):
        detect_roles(["a"], [COLUMNS["identifier"]])


@pytest.mark.parametrize("text", [False, True])
def test_the_largest_numbers_are_numbers(text):
    values = np.array([1e308, -1e308, 1.0, 1.7e308, -1.7e308])
    column = np.array([repr(float(v)) for v in values], object) if text else values
    (role,) = detect_roles(["x"], [column])
    assert (role.kind, role.used) == ("number", True)


def test_a_row_number_counts_by_one():
    (role, _) = detect_roles(["id", "x"], [np.arange(N) + 1.0, NUMBER])
    assert role.kind == "row number"
    (role, _) = detect_roles(["id", "x"], [np.append(np.arange(N - 1), 1e300), NUMBER])
    assert role.kind == "identifier"
