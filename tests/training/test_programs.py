"""Programs on disk: found again, never where they do not belong, and nothing else is touched."""

import os
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from l2c_jax.recurrent.inference import Prediction
from l2c_jax.training import program_files
from l2c_jax.training.program_files import VARIABLE, program_folder
from l2c_jax.training.programs import KEPT, Program

ROWS = np.arange(6, dtype=np.float32).reshape(3, 2)
TRACES: list[str] = []


class Own(NamedTuple):
    value: jax.Array


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder of its own, with the cache on."""
    monkeypatch.setenv(VARIABLE, str(tmp_path / "kept"))
    TRACES.clear()
    chosen = {"jax_enable_compilation_cache": True, "jax_compilation_cache_dir": None}
    before = {name: getattr(jax.config, name) for name in chosen}
    for name, value in chosen.items():
        jax.config.update(name, value)
    yield tmp_path / "kept"
    for name, value in before.items():
        jax.config.update(name, value)


def fresh() -> Program:
    """As another process would make it."""

    def body(tree, scale, *, power=1):
        TRACES.append("traced")
        one, other = tree["a"] * scale, tree["b"] ** power
        return Prediction(one, (other, [other.sum()], None)), {"c": one - 1}

    return Program(of_the_package(body), static_argnames=("power",))


def of_the_package(function):
    """Only functions of the package are kept."""
    function.__module__, function.__qualname__ = "l2c_jax.somewhere", "function"
    return function


def arguments(rows=ROWS):
    return {"a": rows, "b": rows + 1}, np.float32(2)


def test_a_program_is_found_again_without_tracing(folder):
    first = fresh()(*arguments(), power=2)
    assert len(TRACES) == 1
    assert len(list(folder.iterdir())) == 1
    again = fresh()(*arguments(), power=2)
    assert len(TRACES) == 1
    assert jax.tree.structure(again) == jax.tree.structure(first)
    for one, other in zip(jax.tree.leaves(first), jax.tree.leaves(again), strict=True):
        np.testing.assert_array_equal(one, other)
        assert (one.dtype, one.shape, one.weak_type) == (other.dtype, other.shape, False)
    np.testing.assert_array_equal(again[0].labels, 2 * ROWS)


def test_its_answer_can_be_used_like_any_array():
    fresh()(*arguments())
    found = fresh()(*arguments())[1]["c"]
    assert jax.jit(jnp.sum)(found) == jax.jit(jnp.sum)(2 * ROWS - 1)
    np.testing.assert_array_equal(
        fresh()({"a": found, "b": found}, np.float32(1))[0].labels, found
    )


def test_shapes_types_static_arguments_and_settings_make_programs_of_their_own(folder):
    run = fresh()
    run(*arguments())
    run(*arguments(ROWS[:2]))
    run(*arguments(ROWS.astype(np.int32)))
    run(*arguments(), power=3)
    with jax.enable_x64(True):
        wide = run(*arguments(ROWS.astype(np.float64)))
    assert wide[1]["c"].dtype == np.float64
    assert len(list(folder.iterdir())) == len(TRACES) == 5
    with jax.enable_x64(True):
        again = fresh()(*arguments(ROWS.astype(np.float64)))
    assert again[1]["c"].dtype == np.float64
    assert len(TRACES) == 5


def test_another_source_version_or_processor_is_another_program(folder, monkeypatch):
    fresh()(*arguments())
    for name in ("_source", "_versions", "_processor"):
        value = ("other",) if name == "_versions" else "other"
        with monkeypatch.context() as patch:
            patch.setattr(program_files, name, lambda value=value: value)
            fresh()(*arguments())
    assert len(list(folder.iterdir())) == len(TRACES) == 4


def test_a_start_gives_the_shapes_of_the_answer_and_is_not_repeated():
    run = fresh()
    shapes = run.start(*arguments())
    assert shapes[0].labels == jax.ShapeDtypeStruct((3, 2), np.float32)
    found = run(*arguments())
    assert len(TRACES) == 1
    assert jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), found) == jax.tree.map(
        lambda leaf: (leaf.shape, leaf.dtype), fresh().start(*arguments())
    )


@pytest.mark.parametrize("damage", [b"", b"{}\n", b"not json", None])
def test_a_damaged_file_is_replaced(folder, damage):
    fresh()(*arguments())
    path = next(folder.iterdir())
    whole = path.read_bytes()
    path.write_bytes(whole[:-7] if damage is None else damage)
    fresh()(*arguments())
    assert len(TRACES) == 2
    fresh()(*arguments())
    assert len(TRACES) == 2


def test_an_executable_that_cannot_be_loaded_is_compiled_again(folder):
    fresh()(*arguments())
    path = next(folder.iterdir())
    stored = program_files.read_program(folder, path.stem)
    program_files.write_program(folder, path.stem, stored._replace(executable=b"another form"))
    np.testing.assert_array_equal(fresh()(*arguments())[0].labels, 2 * ROWS)
    assert len(TRACES) == 2
    fresh()(*arguments())
    assert len(TRACES) == 2


def test_a_folder_that_cannot_be_written_is_left_alone(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("mine")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "file"))
    np.testing.assert_array_equal(fresh()(*arguments())[0].labels, 2 * ROWS)
    assert (tmp_path / "file").read_text() == "mine"


def test_the_oldest_files_go_where_there_are_too_many(folder, monkeypatch):
    for size in (1, 2, 3):
        fresh()(*arguments(ROWS[:size]))
    for age, path in enumerate(sorted(folder.iterdir())):
        os.utime(path, (age, age))
    oldest = min(folder.iterdir(), key=lambda path: path.stat().st_mtime)
    limit = sum(path.stat().st_size for path in folder.iterdir())
    monkeypatch.setattr(program_files, "LARGEST", limit)
    fresh()(*arguments(np.ones((4, 2), np.float32)))
    assert not oldest.exists()
    assert 0 < sum(path.stat().st_size for path in folder.iterdir()) <= limit


@pytest.mark.parametrize(
    ("function", "argument"),
    [
        (lambda key: jax.random.normal(key, (2,)), lambda: jax.random.key(0)),
        (lambda tree: tree.func(ROWS), lambda: jax.tree_util.Partial(partial(jnp.multiply, 2))),
        (lambda rows: Own(2 * rows), lambda: ROWS),
    ],
    ids=["typed key", "function", "named tuple of another package"],
)
def test_what_cannot_be_kept_is_computed_all_the_same(folder, function, argument):
    found = jax.tree.leaves(Program(of_the_package(function))(argument()))[0]
    expected = jax.tree.leaves(function(argument()))[0]
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert not folder.exists()


def test_functions_of_others_are_not_kept(folder):
    assert Program(lambda rows: rows + 1)(ROWS)[0, 0] == 1
    assert Program(lambda rows: rows + 2)(ROWS)[0, 0] == 2
    assert not folder.exists()


def test_a_program_inside_of_jit_is_part_of_it(folder):
    found = jax.jit(lambda rows: fresh()({"a": rows, "b": rows}, 2.0)[1]["c"])(ROWS)
    np.testing.assert_array_equal(found, 2 * ROWS - 1)
    assert not folder.exists()


def test_settings_for_debugging_are_obeyed():
    fresh()(*arguments())
    run = fresh()
    with jax.debug_nans(True), pytest.raises(FloatingPointError):
        run({"a": ROWS * np.float32("nan"), "b": ROWS}, np.float32(1))


def test_an_error_of_the_function_is_raised_every_time():
    run = Program(lambda rows: rows @ rows)
    for _ in range(2):
        with pytest.raises(TypeError, match="dot_general"):
            run(ROWS)


def test_few_compiled_forms_stay_in_memory():
    run = Program(lambda rows: rows + 1)
    for size in range(KEPT + 3):
        run(np.zeros(size, np.float32))
    assert len(run._known) == KEPT


def test_the_folder_is_the_first_that_is_set(monkeypatch, tmp_path):
    assert program_folder() == tmp_path / "kept"
    monkeypatch.setenv(VARIABLE, "OFF")
    assert program_folder() is None
    monkeypatch.delenv(VARIABLE)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    before = jax.config.jax_compilation_cache_dir
    try:
        jax.config.update("jax_compilation_cache_dir", None)
        assert program_folder() == tmp_path / "l2c_jax" / "compiled" / "programs"
        jax.config.update("jax_compilation_cache_dir", str(tmp_path / "mine"))
        assert program_folder() == tmp_path / "mine" / "programs"
        jax.config.update("jax_compilation_cache_dir", "gs://bucket/mine")
        assert program_folder() is None
    finally:
        jax.config.update("jax_compilation_cache_dir", before)
    jax.config.update("jax_enable_compilation_cache", False)
    assert program_folder() is None
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    assert program_folder() is None
