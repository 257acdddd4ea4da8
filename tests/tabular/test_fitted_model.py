"""A fitted model in a file: the same answer, and nothing but a fitted model is read."""

import json
from dataclasses import replace
from typing import NamedTuple

import jax
import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from l2c_jax.preprocessing.encoder import fit_encoder
from l2c_jax.preprocessing.roles import detect_roles
from l2c_jax.recurrent import Cell, Learner, ModelConfig, init, pretrained_weights, slots
from l2c_jax.recurrent.config import InferenceConfig
from l2c_jax.tabular import (
    TabularConfig,
    TabularModel,
    adapt_table,
    fitted_model,
    save_tabular_model,
)
from l2c_jax.tabular.fitted_model import (
    FittedModel,
    load_fitted_model,
    save_fitted_model,
    weights_hash,
)
from l2c_jax.tabular.judge import init_judge
from l2c_jax.training import weights
from l2c_jax.training.weights import WeightsError, read_header

RNG = np.random.default_rng(0)
COLUMNS = [
    RNG.normal(size=60) * 1e3,
    np.array(["red", "green", "blue", None], object)[np.arange(60) % 4],
    np.where(np.arange(60) % 7, RNG.normal(size=60), np.nan),
    np.array(["low", "medium", "high"], object)[np.arange(60) % 3],
]
NAMES = ["weight", "color", "height", "grade"]


def model_of(architecture: str, judged: bool) -> FittedModel:
    config = ModelConfig(
        *(4, 3, (5,) if architecture == "slots" else (5, 5)),
        architecture=architecture,
        condition_on_num_clusters=True,
        preprocessing="robust",
        logit_scale=1.0 if architecture == "slots" else 4.0,
    )
    learner = Learner(init(jax.random.key(0), config), config)
    judge = init_judge(jax.random.key(1), 4, 3, 4) if judged else None
    model = TabularModel(learner, judge)
    roles = detect_roles(NAMES, COLUMNS)
    fitted = FittedModel(model, None, roles, fit_encoder(roles, COLUMNS), how={"seed": 3})
    table = TabularConfig(InferenceConfig(orders=2), standardize=False)
    adapted = adapt_table(model, fitted.points(COLUMNS), 3, config=table)
    return replace(fitted, fitted=adapted, used=(0, 2))


def probabilities(model: FittedModel) -> np.ndarray:
    return next(model.probabilities([COLUMNS]))


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "model.safetensors"
    model = model_of("slots", True)
    save_fitted_model(path, model)
    return path, model


@pytest.mark.parametrize(("architecture", "judged"), [("slots", True), ("stacked", False)])
def test_a_model_in_a_file_answers_as_the_one_in_memory(architecture, judged, tmp_path):
    model, path = model_of(architecture, judged), tmp_path / "model.safetensors"
    save_fitted_model(path, model)
    again = load_fitted_model(path)
    np.testing.assert_array_equal(probabilities(again), probabilities(model))
    assert (again.roles, again.encoder.columns) == (model.roles, model.encoder.columns)
    assert (again.used, again.how, again.num_clusters) == ((0, 2), {"seed": 3}, 2)
    save_fitted_model(tmp_path / "again.safetensors", again)
    assert read_header(tmp_path / "again.safetensors") == read_header(path)


def test_the_file_is_readable_by_people_and_has_nothing_pickled(saved):
    path, _ = saved
    header = read_header(path)
    assert header["kind"] == "fitted model"
    assert [column["name"] for column in header["columns"]] == NAMES
    assert header["fitted"]["fitted.num_columns"] == 8
    assert "l2c_jax" in header["versions"]
    with safe_open(path, framework="numpy") as file:
        assert json.loads(file.metadata()["l2c_jax"])["content_hash"] == header["content_hash"]


def test_a_cell_of_the_first_rows_is_not_in_the_file(saved):
    content = saved[0].read_bytes()
    assert np.float64(COLUMNS[0][0]).tobytes() not in content


def test_the_hash_of_weights_is_that_of_their_file(tmp_path):
    model = model_of("slots", True).model
    save_tabular_model(tmp_path / "w.safetensors", model)
    assert weights_hash(model) == read_header(tmp_path / "w.safetensors")["content_hash"]


def test_single_flipped_bits_and_truncated_files_are_refused(saved, tmp_path):
    content, damaged = saved[0].read_bytes(), tmp_path / "damaged.safetensors"
    rng = np.random.default_rng(0)
    for place in rng.integers(0, 8 * len(content), 100):
        changed = bytearray(content)
        changed[place // 8] ^= 1 << (place % 8)
        damaged.write_bytes(changed)
        with pytest.raises(WeightsError, match=r"damaged\.safetensors"):
            load_fitted_model(damaged)
    for length in (0, 7, 100, len(content) // 2, len(content) - 1):
        damaged.write_bytes(content[:length])
        with pytest.raises(WeightsError, match="truncated"):
            load_fitted_model(damaged)


def test_what_is_no_fitted_model_is_refused(tmp_path, saved):
    with pytest.raises(WeightsError, match="no such"):
        load_fitted_model(tmp_path / "nowhere")
    with pytest.raises(WeightsError, match="found weights of kind 'recurrent'"):
        load_fitted_model(pretrained_weights()["demo"])
    save_file({"x": np.ones(1)}, tmp_path / "other.safetensors")
    with pytest.raises(WeightsError, match="made by something else"):
        load_fitted_model(tmp_path / "other.safetensors")
    header, arrays = weights.read(saved[0])
    for changes, message in (
        ({"model_format": 2}, "written by l2c_jax"),
        ({"columns": [{"name": "x"}]}, "not those of this version"),
        ({"config": {"hidden": 3}}, "expected a model configuration"),
    ):
        path = tmp_path / "changed.safetensors"
        weights.save(path, arrays, {**header, **changes}, infinite=list(arrays))
        with pytest.raises(WeightsError, match=message):
            load_fitted_model(path)
    arrays.pop("fitted.offsets")
    weights.save(path, arrays, header, infinite=list(arrays))
    with pytest.raises(WeightsError, match=r"fitted\.offsets"):
        load_fitted_model(path)


def test_a_cell_of_ones_own_cannot_be_saved(saved, tmp_path):
    _, model = saved
    cell = Cell(slots.SLOTS.init, slots.SLOTS.clear, slots.SLOTS.step)
    config = replace(model.model.learner.config, architecture=cell)
    own = replace(model, model=TabularModel(Learner(model.model.learner.params, config)))
    with pytest.raises(WeightsError, match="cell of your own"):
        save_fitted_model(tmp_path / "own.safetensors", own)


def test_infinite_bounds_come_back_and_infinite_weights_do_not(tmp_path, saved):
    _, model = saved
    bounds = model.fitted.views.principal.bounds
    open_ends = bounds._replace(high=np.full_like(bounds.high, np.inf))
    principal = model.fitted.views.principal._replace(bounds=open_ends)
    fitted = model.fitted._replace(views=model.fitted.views._replace(principal=principal))
    path = tmp_path / "open.safetensors"
    save_fitted_model(path, replace(model, fitted=fitted))
    found = load_fitted_model(path).fitted.views.principal.bounds
    np.testing.assert_array_equal(found.high, open_ends.high)
    params = jax.tree.map(lambda leaf: leaf * np.inf, model.model.learner.params)
    bad = replace(model, model=TabularModel(Learner(params, model.model.learner.config)))
    with pytest.raises(WeightsError, match="finite"):
        save_fitted_model(path, bad)


def test_every_field_of_a_fitted_table_has_a_place(saved):
    arrays, values = {}, {}
    fitted_model._flatten("fitted", saved[1].fitted, arrays, values)
    names = {name.split(".")[1] for name in (*arrays, *values)}
    assert names == set(saved[1].fitted._fields)


class Inner(NamedTuple):
    bounds: np.ndarray | None
    name: str


class Outer(NamedTuple):
    several: tuple[Inner, ...]
    pair: tuple[int, np.ndarray]
    named: dict[str, Inner]
    nothing: Inner | None


def test_tuples_and_dictionaries_of_arrays_come_back():
    inner = [Inner(np.arange(2.0), "a"), Inner(None, "b")]
    value = Outer(tuple(inner), (3, np.ones(1)), {"x": inner[0]}, None)
    arrays, values = {}, {}
    fitted_model._flatten("v", value, arrays, values)
    found = fitted_model._restore("v", Outer, json.loads(json.dumps(values)), arrays, None)
    assert isinstance(found.several, tuple)
    assert found.several[1] == inner[1]
    assert found.nothing is None
    assert (found.pair[0], found.named["x"].name) == (3, "a")
    np.testing.assert_array_equal(found.named["x"].bounds, inner[0].bounds)
    np.testing.assert_array_equal(found.pair[1], [1])
