"""The judge: its network, its training, and that it learns."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from l2c_jax.recurrent.config import ModelConfig
from l2c_jax.recurrent.learner import Learner
from l2c_jax.recurrent.model import init
from l2c_jax.tabular.judge import VIEWS, assess, init_judge
from l2c_jax.tabular.judge_examples import Examples, JudgeConfig, join_examples, read_examples
from l2c_jax.tabular.judge_training import fit_judge, judge_loss, measured, train_judge
from l2c_jax.tabular.partition_features import NESTED, OWN, Features, num_table_features
from l2c_jax.tasks.gaussian import GaussianTasks

K = 3
JUDGE = init_judge(jax.random.key(0), 2, K, 8)
RNG = np.random.default_rng(0)


def made_up(tasks: int) -> Examples:
    """Features that give everything away: the first one is the score of a candidate."""
    counts = RNG.integers(1, K + 1, size=tasks).astype(np.int32)
    scores = RNG.uniform(size=(tasks, VIEWS, K, 2)).astype(np.float32) * 0.6
    scores[np.arange(tasks), :, counts - 1] += 0.4
    own = RNG.normal(size=(tasks, VIEWS, K, 2, len(OWN))).astype(np.float32)
    own[..., 0] = scores
    nested = np.zeros((tasks, VIEWS, K, len(NESTED)), np.float32)
    table = RNG.normal(size=(tasks, num_table_features(2))).astype(np.float32)
    return Examples(Features(own, nested, table), scores, counts, np.full(tasks, K, np.int32))


def test_probabilities_sum_to_one_and_members_are_judged_alike():
    example = jax.tree.map(lambda leaf: leaf[0], made_up(1))
    verdict = assess(JUDGE, example.features, jnp.arange(1, K + 1), K)
    np.testing.assert_allclose(jnp.exp(verdict.count_log_probs).sum(), 1, rtol=1e-5)
    swapped = example.features._replace(own=example.features.own[:, :, ::-1])
    again = assess(JUDGE, swapped, jnp.arange(1, K + 1), K)
    np.testing.assert_allclose(again.quality[:, :, ::-1], verdict.quality, rtol=1e-4)
    np.testing.assert_allclose(again.count_log_probs, verdict.count_log_probs, rtol=1e-4)


def test_the_quality_for_a_given_number_does_not_depend_on_the_other_numbers():
    example = jax.tree.map(lambda leaf: leaf[0], made_up(1))
    whole = assess(JUDGE, example.features, jnp.arange(1, K + 1), K)
    own, nested = example.features.own[:, 1:2], example.features.nested[:, 1:2]
    alone = assess(JUDGE, Features(own, nested, example.features.table), jnp.array([2]), K)
    np.testing.assert_allclose(alone.quality[:, 0], whole.quality[:, 1], rtol=1e-5)


def test_the_loss_against_numpy():
    example = jax.tree.map(lambda leaf: leaf[0], made_up(1))
    verdict = assess(JUDGE, example.features, jnp.arange(1, K + 1), K)
    quality = np.asarray(verdict.quality, np.float64)
    entropy = -(example.scores * np.log(quality) + (1 - example.scores) * np.log1p(-quality))
    weight = np.where(np.arange(1, K + 1) == example.counts, 5.0, 1.0)
    expected = (entropy.mean(axis=(0, 2)) * weight).sum() / weight.sum()
    expected -= float(verdict.count_log_probs[example.counts - 1])
    np.testing.assert_allclose(judge_loss(JUDGE, example, 5.0), expected, rtol=1e-4)


def test_a_judge_learns_what_the_features_say():
    config = JudgeConfig(iterations=400, batch=32, hidden=16, weight_decay=1e-3)
    judge = fit_judge(made_up(600), 2, config)
    found = measured(judge, made_up(200))
    assert found["exact"] > 0.7  # by chance 1/3
    assert found["view"] > 0.5 * (found["principal"] + found["diffusion"]) + 0.05
    again = fit_judge(made_up(1), 2, replace(config, iterations=1))
    assert jax.tree.structure(again) == jax.tree.structure(judge)


CONFIG = ModelConfig(
    *(2, K, (4,)),
    architecture="slots",
    logit_scale=1.0,
    condition_on_num_clusters=True,
    preprocessing="robust",
)
LEARNER = Learner(init(jax.random.key(1), CONFIG), CONFIG)
SMALL = JudgeConfig(tasks=9, rows=24, length=12, members=1, iterations=2, hidden=4, batch=4)


def test_examples_of_tables():
    tables = [(RNG.normal(size=(n, 2)), np.arange(n) % 2) for n in (10, 40)]
    found = join_examples(read_examples(LEARNER, tables, SMALL))
    assert found.scores.shape == (2, VIEWS, K, 1)
    assert found.counts.tolist() == [2, 2]
    assert (found.scores[:, :, 0] == 0).all()  # one cluster tells nothing
    assert np.isfinite(found.features.own).all()


def test_the_metadata_say_how_the_judge_was_trained():
    model = train_judge(LEARNER, GaussianTasks(num_points=24, num_clusters=2), SMALL)
    entry = model.learner.metadata.extra["judge"]
    assert entry["tasks"] == 8
    assert 0 <= entry["exact"] <= 1
    assert model.judge is not None


def test_a_learner_without_an_input_for_the_number_is_refused():
    config = replace(CONFIG, condition_on_num_clusters=False)
    with pytest.raises(ValueError, match="condition_on_num_clusters"):
        train_judge(Learner(LEARNER.params, config), GaussianTasks(), SMALL)
