"""Weight files: what is written comes back; anything else is refused with reasons."""

import ast
import json
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

import l2c_jax
from l2c_jax.training.weights import (
    FORMAT,
    WeightsError,
    content_hash,
    leaf_names,
    load,
    nonfinite_leaves,
    read_header,
    save,
)

HEADER = {"kind": "test", "seed": 3, "nested": {"loss": 0.25, "names": ["a", "ü"]}}


class Pair(NamedTuple):
    kernel: jax.Array
    bias: jax.Array


PARAMS = {
    "layers": (
        Pair(jnp.arange(6.0).reshape(2, 3), jnp.array([1e-30, -0.0, 3e38])),
        Pair(jnp.ones((3, 1)), jnp.zeros(1)),
    ),
    "count": jnp.int32(7),
}


@pytest.fixture
def file(tmp_path) -> Path:
    save(tmp_path / "made" / "on demand.safetensors", PARAMS, HEADER)
    return tmp_path / "made" / "on demand.safetensors"


def test_leaves_are_named_by_their_place():
    assert leaf_names(PARAMS) == [
        "count",
        *(f"layers.{index}.{name}" for index in (0, 1) for name in ("kernel", "bias")),
    ]


def test_parameters_come_back_bit_for_bit(file):
    back = load(file, PARAMS)
    assert jax.tree.structure(back) == jax.tree.structure(PARAMS)
    for found, saved in zip(jax.tree.leaves(back), jax.tree.leaves(PARAMS), strict=True):
        assert isinstance(found, np.ndarray)
        assert found.dtype == saved.dtype
        assert found.tobytes() == np.asarray(saved).tobytes()


def test_shapes_alone_are_enough_to_load(file):
    back = load(file, jax.eval_shape(lambda: PARAMS))
    jax.tree.map(np.testing.assert_array_equal, back, PARAMS)


@pytest.mark.parametrize(
    "array", [np.arange(6.0).reshape(2, 3).T, np.arange(8)[::2]], ids=["transposed", "strided"]
)
def test_memory_order_does_not_matter(tmp_path, array):
    save(tmp_path / "w", {"w": array}, {})
    np.testing.assert_array_equal(load(tmp_path / "w", {"w": array})["w"], array)


def test_transposed_jax_arrays_come_back(tmp_path):
    params = {"w": jnp.arange(6.0).reshape(2, 3).T}
    save(tmp_path / "w", params, {})
    np.testing.assert_array_equal(load(tmp_path / "w", params)["w"], params["w"])


def test_header_comes_back(file):
    expected = {**HEADER, "format": FORMAT, "content_hash": content_hash(PARAMS)}
    assert read_header(file) == expected


def test_a_header_that_was_read_can_be_saved_with_other_arrays(file):
    other = jax.tree.map(lambda x: x + 1, PARAMS)
    save(file, other, {**read_header(file), "format": 1})
    assert read_header(file)["content_hash"] == content_hash(other)
    assert read_header(file)["format"] == FORMAT
    load(file, PARAMS)


def test_saving_replaces_and_leaves_nothing_else(file):
    save(file, PARAMS, {"seed": 4})
    assert read_header(file)["seed"] == 4
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def refused(path: Path, expected: str, like=PARAMS) -> None:
    """Loading fails, and the message names the file and what was expected of it."""
    with pytest.raises(WeightsError, match=expected) as error:
        load(path, like)
    assert str(path) in str(error.value)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.1, 0.5, 0.9, 0.999])
def test_truncated_file_is_refused(file, share):
    content = file.read_bytes()
    file.write_bytes(content[: int(share * len(content))])
    refused(file, "expected a complete safetensors file")
    with pytest.raises(WeightsError, match="truncated"):
        read_header(file)


@pytest.mark.parametrize("length", [0, 1, 8, 100, 10_000])
def test_random_bytes_are_refused(tmp_path, length):
    (tmp_path / "noise").write_bytes(np.random.default_rng(length).bytes(length))
    refused(tmp_path / "noise", "expected a complete safetensors file")


@pytest.mark.parametrize("name", ["nothing", "."])
def test_missing_file_is_refused(tmp_path, name):
    refused(tmp_path / name, "no such weight file")


@pytest.mark.parametrize(
    "metadata",
    [None, {"other": "{}"}, {"l2c_jax": "not json"}, {"l2c_jax": ""}],
    ids=["no header", "other header", "no json", "empty"],
)
def test_file_of_another_program_is_refused(tmp_path, metadata):
    save_file({"w": np.zeros(2)}, tmp_path / "foreign", metadata=metadata)
    refused(tmp_path / "foreign", 'expected a header named "l2c_jax"')


@pytest.mark.parametrize("text", ["null", "[1]", "3", '"format"'])
def test_header_that_is_no_object_is_refused(tmp_path, text):
    save_file({"w": np.zeros(2)}, tmp_path / "foreign", metadata={"l2c_jax": text})
    refused(tmp_path / "foreign", "expected")


@pytest.mark.parametrize("version", [FORMAT + 1, 0, None, "1"])
def test_other_format_is_refused(tmp_path, version):
    text = json.dumps({"format": version})
    save_file({"w": np.zeros(2)}, tmp_path / "newer", metadata={"l2c_jax": text})
    refused(tmp_path / "newer", f"expected header format 1 or {FORMAT}, found {version}")


def rewritten(file: Path, **changed: np.ndarray) -> None:
    """The same file and header with other arrays."""
    with safe_open(file, framework="numpy") as opened:
        metadata = opened.metadata()
        arrays = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    save_file({**arrays, **changed}, file, metadata=metadata)


def test_files_of_release_1_load_without_a_hash(tmp_path):
    text = json.dumps({"format": 1, "seed": 3})
    save_file({"w": np.ones(2)}, tmp_path / "old", metadata={"l2c_jax": text})
    np.testing.assert_array_equal(load(tmp_path / "old", {"w": np.zeros(2)})["w"], 1)
    assert read_header(tmp_path / "old") == {"format": 1, "seed": 3}


def test_arrays_that_were_changed_are_refused(file):
    rewritten(file, count=np.array(8, np.int32))
    refused(file, f"expected arrays of content hash {content_hash(PARAMS)}, found")
    rewritten(file, count=np.array(7, np.int32))
    load(file, PARAMS)


def test_a_flipped_bit_is_refused(file):
    content = bytearray(file.read_bytes())
    content[-5] ^= 1
    file.write_bytes(content)
    refused(file, "content hash")


def test_a_flipped_bit_is_always_found(tmp_path):
    path = tmp_path / "w.safetensors"
    numbers = {"small": 1e-5, "long": 0.30000000000000004, "name": "\u00fc", "lines": "a\nb"}
    save(path, PARAMS, {**HEADER, **numbers})
    content, rng = path.read_bytes(), np.random.default_rng(0)
    for bit in rng.integers(8 * len(content), size=200):
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        with pytest.raises(WeightsError):
            read_header(path)
        with pytest.raises(WeightsError):
            load(path, PARAMS)
    path.write_bytes(content)
    load(path, PARAMS)


def test_a_header_that_was_changed_is_refused(file):
    with safe_open(file, framework="numpy") as opened:
        metadata = opened.metadata()
        arrays = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    metadata["l2c_jax"] = metadata["l2c_jax"].replace('"seed": 3', '"seed": 4')
    save_file(arrays, file, metadata=metadata)
    refused(file, "was changed after it was written")
    with pytest.raises(WeightsError, match="was changed"):
        read_header(file)


def test_arrays_that_were_exchanged_are_refused(tmp_path):
    save(tmp_path / "w", {"a": np.zeros(2), "b": np.ones(2)}, {})
    rewritten(tmp_path / "w", a=np.ones(2), b=np.zeros(2))
    refused(tmp_path / "w", "content hash", {"a": np.zeros(2), "b": np.zeros(2)})


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_arrays_that_are_not_finite_are_refused(tmp_path, value):
    array = np.array([0, value], np.float32)
    with pytest.raises(WeightsError, match=r"expected finite arrays, .* in \['w'\]"):
        save(tmp_path / "w", {"w": array}, {})
    assert not (tmp_path / "w").exists()
    save_file({"w": array}, tmp_path / "w", metadata={"l2c_jax": '{"format": 1}'})
    refused(tmp_path / "w", "expected finite arrays", {"w": array})


def test_leaves_of_other_half_precision_are_checked_too():
    tree = {"a": jnp.array([jnp.nan], jnp.bfloat16), "b": jnp.ones(1, jnp.bfloat16)}
    assert nonfinite_leaves(tree) == ["a"]


def test_old_names_are_mapped(file):
    like = {"tower": PARAMS["layers"], "count": PARAMS["count"]}
    names = {
        f"layers.{index}.{name}": f"tower.{index}.{name}"
        for index in (0, 1)
        for name in ("kernel", "bias")
    }
    back = load(file, like, renamed={**names, "absent": "unused"})
    jax.tree.map(np.testing.assert_array_equal, back, like)
    back = load(file, PARAMS, renamed={"absent": "unused"})
    jax.tree.map(np.testing.assert_array_equal, back, PARAMS)


def test_two_arrays_of_one_new_name_are_refused(tmp_path):
    save(tmp_path / "w", {"a": np.zeros(2), "b": np.ones(2)}, {})
    with pytest.raises(WeightsError, match=r"expected arrays \['b'\], found \['a', 'b'\]"):
        load(tmp_path / "w", {"b": np.zeros(2)}, renamed={"a": "b"})


@pytest.mark.parametrize(
    "like", [{}, {**PARAMS, "more": jnp.zeros(1)}, {"count": PARAMS["count"]}]
)
def test_other_names_are_refused(file, like):
    refused(file, r"expected arrays \[.*\], found \['count', 'layers", like)


def test_other_shape_is_refused(file):
    refused(file, r"expected count of shape \(2,\)", {**PARAMS, "count": jnp.zeros(2, jnp.int32)})


def test_other_type_is_refused(file):
    refused(
        file,
        r"expected count .* float32, found \(\) and int32",
        {**PARAMS, "count": jnp.float32(7)},
    )


def test_nothing_is_ever_unpickled():
    unsafe = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
    for path in Path(l2c_jax.__file__).parent.rglob("*.py"):
        source = path.read_text()
        assert "allow_pickle" not in source, path
        for node in ast.walk(ast.parse(source)):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            assert not unsafe & {name.split(".")[0] for name in names}, path


def test_the_hash_depends_on_content_shape_and_type():
    array = np.arange(6.0)
    hashes = {
        content_hash(other)
        for other in (
            array,
            array[::-1],
            array.reshape(2, 3),
            array.astype(np.float32),
            [array] * 2,
        )
    }
    assert len(hashes) == 5
    assert content_hash(array[::2]) == content_hash(array[::2].copy())


def test_the_hash_is_that_of_release_1():
    assert content_hash({"w": np.arange(3, dtype=np.float32)}) == "9af943c90435c4f1"
