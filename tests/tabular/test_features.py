"""Features of a table for the number of clusters, against NumPy and their laws."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from l2c_jax.tabular.features import NEIGHBORS, RIDGE, count_features
from l2c_jax.tabular.persistence import mode_prominences
from l2c_jax.tabular.separation import separation


def answers(key: jax.Array, number: int, readings: int, points: int) -> jax.Array:
    """Made up, but as told: 1 ... K clusters."""
    logits = 3 * jax.random.normal(key, (number, readings, points, number))
    allowed = jnp.arange(number)[None, :] <= jnp.arange(number)[:, None]
    return jax.nn.softmax(jnp.where(allowed[:, None, None, :], logits, -1e9), axis=-1)


POINTS_KEY = jax.random.key(4)


POINTS = jax.random.normal(jax.random.key(1), (7, 2))


def test_the_numbering_of_the_clusters_does_not_matter():
    given, mask = answers(jax.random.key(0), 3, 2, 7), jnp.arange(7) < 5
    turned = given.at[2, 1].set(given[2, 1][:, jnp.array([2, 0, 1])])
    np.testing.assert_allclose(
        count_features(POINTS, mask, given, given[1]),
        count_features(POINTS, mask, turned, given[1][:, :, ::-1]),
        atol=1e-6,
    )


def test_masked_points_do_not_matter():
    given, mask = answers(jax.random.key(0), 3, 2, 7), jnp.arange(7) < 5
    changed = given.at[:, :, 5:].set(1 / 3)
    moved = POINTS.at[5:].set(9.0)
    np.testing.assert_allclose(
        count_features(POINTS, mask, given, given[0]),
        count_features(moved, mask, changed, changed[0]),
        atol=1e-6,
    )


@pytest.mark.optimized
def test_features_against_numpy():
    given, mask = answers(jax.random.key(0), 3, 2, 7), jnp.ones(7, bool)
    found = np.asarray(count_features(POINTS, mask, given, given[1]))
    points = np.asarray(POINTS, np.float64)
    expected = []
    for told, of_number in enumerate(np.asarray(given, np.float64), start=1):
        single = []
        for p in of_number:
            means = (p.T @ points)[:told] / p.sum(axis=0)[:told, None]
            far = ((points[:, None] - means[None]) ** 2).sum(axis=2)
            between = (points**2).sum() - (p[:, :told] * far).sum()
            within = 1 - between / (points**2).sum()
            entropy = -(p[:, :told] * np.log(p[:, :told] + 1e-9)).sum() / 7
            smallest = p.sum(axis=0)[:told].min() / 7
            likely = 0.0
            for weights in p.T[:told]:
                spread = np.cov(points.T, aweights=weights, ddof=0) / (points**2).sum() * 7
                log_volume = np.linalg.slogdet(spread + RIDGE * np.eye(2))[1]
                likely += weights.mean() * (np.log(weights.mean()) - 0.5 * log_volume)
            single.append([p.max(axis=1).mean(), entropy, np.log(within), smallest, likely])
        with_whom = [p @ p.T for p in of_number]
        cosine = (with_whom[0] * with_whom[1]).sum() / np.prod(
            [np.linalg.norm(table) for table in with_whom]
        )
        hard = [np.eye(3, dtype=np.float32)[p.argmax(axis=1)] for p in of_number]
        gaps = np.array([separation(POINTS, labels, told) for labels in hard])
        expected += [*np.mean(single, axis=0), cosine]
        expected += [*gaps.mean(axis=0), *gaps[:, :2].min(axis=0)]
    free = np.asarray(given[1], np.float64)
    expected += [*np.sort(free.mean(axis=1), axis=1)[:, ::-1].mean(axis=0)]
    expected += [free.max(axis=2).mean(), -(free * np.log(free + 1e-9)).sum(axis=2).mean()]
    for neighbours in NEIGHBORS:
        expected += [*mode_prominences(POINTS, mask, neighbors=neighbours, most=5).ravel()]
    expected += [*(points**2).mean(axis=0), np.log10(7)]
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_one_reading_agrees_with_itself_and_one_point_is_finite():
    given = answers(POINTS_KEY, 3, 1, 4)
    found = count_features(jnp.zeros((4, 2)), jnp.arange(4) < 1, given, given[0])
    assert np.isfinite(found).all()
    assert found[5] == 1.0
