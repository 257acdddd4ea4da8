"""The settings of JAX that people switch on change no answer, and no weight file."""

from contextlib import contextmanager

import jax
import numpy as np
import pytest

from l2c_jax.estimators import MetaClusterer, SimilarityClusterer
from l2c_jax.pairwise import load_similarity, save_similarity
from l2c_jax.recurrent.learner import load_learner, save_learner
from l2c_jax.tabular import clusterer

RNG = np.random.default_rng(0)
LABELS = np.repeat(np.arange(4), 15)
ROWS = 4 * RNG.normal(size=(4, 3))[LABELS] + RNG.normal(size=(60, 3))
IMAGES = RNG.random((12, 16, 16, 1))
KINDS = np.arange(12) % 3

SETTINGS = {
    "x64": lambda: jax.enable_x64(True),
    "strict": lambda: jax.numpy_dtype_promotion("strict"),
    "guard": lambda: jax.transfer_guard("disallow"),
}


@contextmanager
def every_setting():
    with SETTINGS["x64"](), SETTINGS["strict"](), SETTINGS["guard"]():
        yield


SETTINGS["all"] = every_setting


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(clusterer, "CHUNK", 64)


def of_a_table() -> tuple[np.ndarray, ...]:
    found = MetaClusterer(random_state=0, n_orders=2).fit(ROWS)
    given = MetaClusterer(3, weights="demo", random_state=0, n_orders=2).fit(ROWS)
    return found.labels_, given.predict(ROWS[:7]), given.probabilities_


def of_pairs(folder) -> tuple[np.ndarray, ...]:
    model = SimilarityClusterer(3, iterations=10, epochs=10)
    model.fit_similarity(ROWS, LABELS).fit(ROWS)
    path = folder / "g.safetensors"
    save_similarity(path, model.similarity_)
    again = SimilarityClusterer(3, similarity=path, epochs=10).fit(ROWS)
    images = SimilarityClusterer(2, iterations=2, epochs=1, width=1 / 32)
    images.fit_similarity(IMAGES, KINDS).fit(IMAGES)
    return model.labels_, model.predict(ROWS[:7]), again.probabilities_, images.probabilities_


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clusterer, "CHUNK", 64)
        return (*of_a_table(), *of_pairs(tmp_path_factory.mktemp("expected")))


ALONE = [pytest.param(name, marks=pytest.mark.slow) for name in SETTINGS if name != "all"]


@pytest.mark.parametrize("setting", [*ALONE, "all"])
def test_the_answers_are_the_same(setting, expected, tmp_path):
    with SETTINGS[setting]():
        found = (*of_a_table(), *of_pairs(tmp_path))
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("setting", SETTINGS)
def test_weights_are_written_and_read_in_single_precision(setting, tmp_path):
    with SETTINGS[setting]():
        learner = load_learner("demo")
        save_learner(tmp_path / "again.safetensors", learner)
        again = load_learner(tmp_path / "again.safetensors")
        model = SimilarityClusterer(2, iterations=1, epochs=1).fit_similarity(ROWS, LABELS)
        save_similarity(tmp_path / "g.safetensors", model.similarity_)
        similarity = load_similarity(tmp_path / "g.safetensors")
    for one, other in zip(*map(jax.tree.leaves, (learner, again)), strict=True):
        np.testing.assert_array_equal(one, other)
    leaves = jax.tree.leaves((again.params, similarity.variables))
    assert {leaf.dtype for leaf in leaves} == {np.dtype(np.float32)}
