"""The confusion of a similarity: measured on held-out classes, used by the corrected loss."""

import numpy as np
import pytest

from l2c_jax.pairwise import (
    ConstrainedConfig,
    SimilarityConfig,
    cluster_by_similarity,
    learn_similarity,
    load_similarity,
    predict_similarity,
    save_similarity,
)
from l2c_jax.pairwise.backbones import MLP
from l2c_jax.pairwise.config import describe_config
from l2c_jax.pairwise.confusion import measured_confusion, split_classes
from l2c_jax.training.loop import RunOptions

RNG = np.random.default_rng(0)
LABELS = np.repeat(np.arange(12), 10)
POINTS = 3 * RNG.normal(size=(12, 4))[LABELS] + RNG.normal(size=(120, 4)) + 1e8
QUIET = RunOptions(progress=False)
OFFSET = tuple(POINTS.mean(axis=0).tolist())
BACKBONE = MLP(4, (16,), offset=OFFSET)


@pytest.fixture(scope="module")
def learned():
    config = SimilarityConfig(60, 6, 5, learning_rate=5e-3, held_out=0.25)
    return learn_similarity(POINTS, LABELS, BACKBONE, config, run=QUIET)[0]


def test_the_metadata_say_how_often_it_is_right_about_held_out_classes(learned):
    found = learned.metadata.confusion
    assert found["classes"] == 3
    assert 0 <= found["dissimilar"] < found["similar"] <= 1
    held_out = split_classes(LABELS, 0.25, 0)
    assert len(set(LABELS[held_out])) == 3
    assert not set(LABELS[held_out]) & set(LABELS[~held_out])
    again = measured_confusion(learned, POINTS[held_out], LABELS[held_out])
    assert again == found


def test_it_is_close_to_what_the_similarity_says(learned):
    held_out = split_classes(LABELS, 0.25, 0)
    said = predict_similarity(learned, POINTS[held_out], adapt=True) > 0.5
    same = LABELS[held_out][:, None] == LABELS[held_out][None]
    other = ~np.eye(len(said), dtype=bool)
    found = learned.metadata.confusion
    assert abs(said[same & other].mean() - found["similar"]) < 0.1
    assert abs(said[~same].mean() - found["dissimilar"]) < 0.1


def test_it_is_in_the_file(learned, tmp_path):
    save_similarity(tmp_path / "g.safetensors", learned)
    again = load_similarity(tmp_path / "g.safetensors")
    assert again.metadata.confusion == learned.metadata.confusion
    assert again.metadata.training.held_out == 0.25
    assert again.backbone == BACKBONE


def test_the_clustering_uses_it(learned):
    def fitted(confusion):
        config = ConstrainedConfig(num_clusters=4, epochs=2, confusion=confusion)
        return cluster_by_similarity(learned, POINTS, None, config, run=QUIET)[0].probabilities

    measured = learned.metadata.confusion
    found = fitted("held_out")
    np.testing.assert_array_equal(found, fitted((measured["similar"], measured["dissimilar"])))
    assert abs(found - fitted(None)).max() > 1e-4


def test_a_confusion_that_was_not_measured_cannot_be_used():
    config = ConstrainedConfig(num_clusters=2, epochs=1, confusion="held_out")
    with pytest.raises(ValueError, match="held_out > 0"):
        cluster_by_similarity(np.eye(120), POINTS, BACKBONE, config, run=QUIET)
    with pytest.raises(ValueError, match="two numbers are with the similarity"):
        config.pair_loss  # noqa: B018


@pytest.mark.parametrize("confusion", [(0.5, 0.5), (1.5, 0), (0.5,), "other", (np.nan, 0.0)])
def test_an_impossible_confusion_is_refused(confusion):
    with pytest.raises(ValueError, match="confusion must be"):
        ConstrainedConfig(confusion=confusion)


def test_a_confusion_is_for_mcl_only():
    with pytest.raises(ValueError, match="corrects the loss 'mcl', not 'kcl'"):
        ConstrainedConfig(loss="kcl", confusion=(0.9, 0.1))


def test_few_classes_cannot_be_held_out():
    with pytest.raises(ValueError, match="at least 4 classes, got 3"):
        split_classes(np.arange(3), 0.5, 0)


def test_a_description_without_new_settings_is_that_of_earlier_versions():
    new = {"held_out", "targets", "confusion"}
    for config in (SimilarityConfig(), ConstrainedConfig()):
        assert not new & set(describe_config(config))
    changed = ConstrainedConfig(targets="soft", confusion=(0.9, 0.1))
    assert {"targets", "confusion"} <= set(describe_config(changed))


def test_soft_targets_are_the_similarity_itself(learned):
    near = np.exp(-((POINTS[:, None] - POINTS[None]) ** 2).sum(axis=-1) / 8)
    answers = []
    for similarity in (learned, near):
        for targets in ("hard", "soft"):
            config = ConstrainedConfig(num_clusters=4, epochs=2, targets=targets)
            found, _ = cluster_by_similarity(similarity, POINTS, BACKBONE, config, run=QUIET)
            answers.append(found.probabilities)
    assert abs(answers[0] - answers[1]).max() > 1e-4
    assert abs(answers[2] - answers[3]).max() > 1e-4


def test_a_backbone_of_another_offset_is_refused(learned):
    with pytest.raises(ValueError, match="offset of the similarity's backbone"):
        cluster_by_similarity(learned, POINTS, MLP(4, (16,)), run=QUIET)
