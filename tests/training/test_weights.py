"""Weight files: what is written comes back; anything else is refused with reasons."""

import ast
import json
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from safetensors.numpy import save_file

import l2c_jax
from l2c_jax.training.weights import (
    FORMAT,
    WeightsError,
    fingerprint,
    leaf_names,
    load,
    read_header,
    save,
)

HEADER = {"kind": "test", "seed": 3, "nested": {"loss": 0.25, "names": ["a", "ü"]}}


class Pair(NamedTuple):
    kernel: jax.Array
    bias: jax.Array


PARAMS = {
    "layers": (
        Pair(jnp.arange(6.0).reshape(2, 3), jnp.array([1e-30, -0.0, np.inf])),
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
    assert read_header(file) == {"format": FORMAT, **HEADER}


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
    refused(tmp_path / "newer", f"expected header format {FORMAT}, found {version}")


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


def test_a_name_follows_from_content_shape_and_type():
    array = np.arange(6.0)
    names = {
        fingerprint(other)
        for other in (
            array,
            array[::-1],
            array.reshape(2, 3),
            array.astype(np.float32),
            [array] * 2,
        )
    }
    assert len(names) == 5
    assert fingerprint(array[::2]) == fingerprint(array[::2].copy())
