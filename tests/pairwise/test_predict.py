"""Predicting similarity: in blocks, adapted or not, by the network or by any function."""

import jax
import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from l2c_jax.pairwise import predict
from l2c_jax.pairwise.backbones import MLP
from l2c_jax.pairwise.networks import init_similarity, pair_log_odds
from l2c_jax.pairwise.predict import predict_similarity
from l2c_jax.pairwise.similarity import Similarity

BACKBONE = MLP(columns=2, hidden=(4,))
RNG = np.random.default_rng(0)
LEARNED = Similarity(
    jax.jit(init_similarity, static_argnums=1)(jax.random.key(0), BACKBONE), BACKBONE
)
FIRST, SECOND = (RNG.normal(size=(n, 2)).astype(np.float32) for n in (7, 5))
compare = jax.jit(pair_log_odds, static_argnames=("backbone", "train"))


@pytest.mark.parametrize("adapt", [False, True])
def test_blocks_together_equal_the_network_on_whole_batches(adapt, monkeypatch):
    monkeypatch.setattr(predict, "BLOCK", 3)
    found = predict_similarity(LEARNED, FIRST, SECOND, adapt=adapt)
    log_odds, _ = compare(LEARNED.variables, FIRST, SECOND, backbone=BACKBONE, train=adapt)
    np.testing.assert_allclose(found, expit(np.asarray(log_odds)), atol=1e-5)


def test_one_batch_is_paired_with_itself(monkeypatch):
    monkeypatch.setattr(predict, "BLOCK", 3)
    alone, twice = predict_similarity(LEARNED, FIRST), predict_similarity(LEARNED, FIRST, FIRST)
    np.testing.assert_array_equal(alone, twice)


def test_any_classifier_of_pairs_is_a_similarity(monkeypatch):
    """Trained on the pairs of two classes, evaluated on two others."""
    monkeypatch.setattr(predict, "BLOCK", 8)

    def pairs(first, second):
        return np.abs(first[:, None] - second[None]).reshape(-1, 2)

    labels = np.repeat([0, 1], 10)
    known = 4.0 * labels[:, None] + RNG.normal(size=(20, 2))
    same = (labels[:, None] == labels[None]).ravel()
    classifier = LogisticRegression().fit(pairs(known, known), same)

    def similarity(first, second):
        return classifier.predict_proba(pairs(first, second))[:, 1].reshape(len(first), -1)

    new = 20 - 5.0 * labels[:, None] + RNG.normal(size=(20, 2))
    found = predict_similarity(similarity, new, new[:15])
    assert found.shape == (20, 15)
    assert ((found > 0.5) == (labels[:, None] == labels[None, :15])).mean() > 0.95


@pytest.mark.parametrize(
    ("similarity", "first", "options", "message"),
    [
        (LEARNED, np.zeros((3, 4)), {}, r"shape \[N, 2\]"),
        (LEARNED, FIRST, {"second": np.zeros((3, 4))}, r"shape \[N, 2\]"),
        (LEARNED, FIRST[:0], {}, "at least 1 point"),
        (lambda a, b: np.zeros((2, 2)), FIRST, {}, r"shape \[7, 7\], got \[2, 2\]"),
        (lambda a, b: np.full((7, 7), 2.0), FIRST, {}, r"in \[0, 1\]"),
        (lambda a, b: np.zeros((7, 7)), FIRST, {"adapt": True}, "has no batch norm"),
        (lambda a, b: np.zeros((0, 0)), FIRST[:0], {}, "at least 1 point"),
    ],
)
def test_what_does_not_fit_is_refused(similarity, first, options, message):
    with pytest.raises(ValueError, match=message):
        predict_similarity(similarity, first, **options)
