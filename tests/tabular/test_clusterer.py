"""Any table: sampling, labelling row by row, the number of clusters told, guessed or left open."""

import jax
import numpy as np
import pytest

from l2c_jax.recurrent import table as tables
from l2c_jax.recurrent.learner import Learner
from l2c_jax.recurrent.model import ModelConfig, init
from l2c_jax.tabular.clusterer import label_chunks, label_table, offsets_to_use_all, study_table

TOLD = ModelConfig(dimensions=3, num_clusters=4, hidden=(6,), given_clusters=True, count_hidden=5)
ROWS = np.random.default_rng(0).normal(size=(40, 5)) * [1, 2, 3, 4, 5]


def learner(model: ModelConfig) -> Learner:
    return Learner(init(jax.random.key(3), model), model, {})


def labels(owner: Learner, rows: np.ndarray, **settings) -> np.ndarray:
    return label_table(owner, study_table(owner, rows, **settings), rows).argmax(axis=1)


def test_a_given_number_of_clusters_is_used_exactly():
    found = labels(learner(TOLD), ROWS, num_clusters=3)
    assert np.unique(found).tolist() == [0, 1, 2]


def test_the_number_is_guessed_by_the_head_and_never_beyond_the_rows():
    known = study_table(learner(TOLD), ROWS[:2])
    assert known.count_probabilities.shape == (4,)
    assert known.count_probabilities[2:].tolist() == [0, 0]
    np.testing.assert_allclose(known.count_probabilities.sum(), 1)
    below = known.count_probabilities.cumsum() < 0.5
    assert len(known.clusters) == 1 + below.sum()


def test_a_learner_that_is_never_told_keeps_its_largest_clusters():
    model = ModelConfig(dimensions=3, num_clusters=4, hidden=(6,))
    known = study_table(learner(model), ROWS, num_clusters=2)
    assert len(known.clusters) == 2
    assert label_table(learner(model), known, ROWS).shape == (40, 2)
    assert len(study_table(learner(model), ROWS).clusters) == 4


def test_a_large_table_is_sampled_and_every_row_labelled(monkeypatch):
    monkeypatch.setattr(tables, "SAMPLE", 32)
    monkeypatch.setattr(tables, "CHUNK", 16)
    owner = learner(TOLD)
    known = study_table(owner, ROWS, num_clusters=2)
    whole = label_table(owner, known, ROWS)
    pieces = np.concatenate(list(label_chunks(owner, known, [ROWS[:7], ROWS[7:33], ROWS[33:]])))
    np.testing.assert_allclose(whole, pieces, atol=1e-6)
    np.testing.assert_allclose(whole.sum(axis=1), 1)


def test_raw_learners_read_the_columns_as_they_are():
    model = ModelConfig(dimensions=5, num_clusters=2, hidden=(6,), frame="raw")
    frame = study_table(learner(model), ROWS, standardise=False).frame
    from l2c_jax.preprocessing.table_frame import enter_frame

    np.testing.assert_allclose(enter_frame(frame, ROWS), ROWS, atol=1e-4)


@pytest.mark.parametrize(
    ("rows", "settings", "message"),
    [
        (np.zeros(3), {}, "rows and columns"),
        (np.zeros((0, 2)), {}, "rows and columns"),
        ([[np.nan, 1.0]], {}, "finite"),
        (ROWS, {"num_clusters": 5}, "at most 4"),
        (ROWS, {"num_clusters": 0}, "at least 1"),
        (ROWS[:2], {"num_clusters": 3}, "at most 2"),
        (ROWS, {"orders": 0}, "at least 1"),
    ],
)
def test_bad_input_is_refused(rows, settings, message):
    with pytest.raises(ValueError, match=message):
        study_table(learner(TOLD), rows, **settings)


def test_other_columns_than_the_studied_ones_are_refused():
    known = study_table(learner(TOLD), ROWS, num_clusters=2)
    with pytest.raises(ValueError, match="4 columns, but 5"):
        label_table(learner(TOLD), known, ROWS[:, :4])


def test_weights_that_must_be_told_say_so():
    model = ModelConfig(dimensions=3, num_clusters=4, hidden=(6,), given_clusters=True)
    with pytest.raises(ValueError, match="have to be told"):
        study_table(learner(model), ROWS)


def test_offsets_move_as_little_as_needed():
    logs = np.log(np.random.default_rng(1).dirichlet(np.ones(3), 50))
    assert not offsets_to_use_all(logs).any()
    logs[:, 2] -= 10
    moved = (logs + offsets_to_use_all(logs)).argmax(axis=1)
    assert (moved == 2).sum() == 1
    before = logs.argmax(axis=1)
    assert (before != moved).sum() == 1
