"""Features of partitions: against scikit-learn and NumPy, and as laws."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score, davies_bouldin_score, silhouette_samples

from l2c_jax.tabular.partition_features import (
    NESTED,
    OWN,
    num_table_features,
    partition_features,
)
from l2c_jax.tabular.partition_measures import isolation, log_determinant, rand_index
from l2c_jax.tabular.reading import make_cloud
from l2c_jax.tabular.views import apply_view, fit_views

RNG = np.random.default_rng(0)
SIZE, K = 96, 4
TRUTH = np.arange(80) % 3
ROWS = RNG.normal(size=(80, 3)) + 6 * np.eye(3)[TRUTH]
pytestmark = pytest.mark.optimized


def cloud_of(rows, seed=0, size=SIZE):
    views, *rest = fit_views(rows, "robust", 3)
    cloud, order = make_cloud(rows, views, *rest, size, np.random.default_rng(seed))
    return cloud, order, views


def log_probs(labels, size=SIZE):
    padded = np.zeros(size, int)
    padded[: len(labels)] = labels
    return jnp.log(0.9 * jax.nn.one_hot(padded, K) + 0.1 / K)


def features(rows, labels, k=3, size=SIZE):
    """``[F]`` of one partition, as the only candidate in all views."""
    cloud, order, views = cloud_of(rows, size=size)
    given = jnp.broadcast_to(log_probs(labels[order], size), (4, 1, 1, size, K))
    found = jax.jit(partition_features)(cloud, given, jnp.array([k]))
    return dict(zip(OWN, np.asarray(found.own[0, 0, 0]), strict=True)), found, views


def test_against_scikit_learn():
    found, _, views = features(ROWS, TRUTH)
    for name, view in (("axes", "principal"), ("ranks", "ranks"), ("walk", "diffusion")):
        points = apply_view(views, view, ROWS, 3)
        samples = silhouette_samples(points, TRUTH)
        np.testing.assert_allclose(found[f"silhouette, {name}"], samples.mean(), atol=1e-4)
        least = min(samples[label == TRUTH].mean() for label in range(3))
        np.testing.assert_allclose(found[f"least silhouette, {name}"], least, atol=1e-4)
    expected = davies_bouldin_score(apply_view(views, "principal", ROWS, 3), TRUTH)
    root_mean_square = np.expm1(found["Davies-Bouldin, axes"])  # theirs: mean distance
    np.testing.assert_allclose(root_mean_square, expected, rtol=0.15)


def test_sizes_and_confidence():
    found, _, _ = features(ROWS, np.repeat([0, 1, 2], [60, 15, 5]))
    share = np.array([60, 15, 5]) / 80
    np.testing.assert_allclose(found["largest share"], 0.75, atol=1e-5)
    np.testing.assert_allclose(found["least share"], np.log10(5 / 80 + 1e-3), atol=1e-4)
    entropy = -(share * np.log(share)).sum() / np.log(3)
    np.testing.assert_allclose(found["entropy of sizes"], entropy, atol=1e-4)
    np.testing.assert_allclose(found["confidence"], 0.9 + 0.1 / K, atol=1e-5)
    assert found["agreement of views"] == 1


def test_the_true_partition_looks_better_than_a_random_one():
    true, _, _ = features(ROWS, TRUTH)
    random, _, _ = features(ROWS, RNG.permutation(TRUTH))
    for name in ("silhouette, axes", "silhouette, walk", "silhouette, paths", "isolation"):
        assert true[name] > random[name] + 0.5
    for name in ("neighbors kept", "conductance", "worst dip", "log variance within, axes"):
        assert true[name] < random[name]
    assert true["Gaussian log-likelihood"] > random["Gaussian log-likelihood"]


def test_neither_numbering_nor_padding_nor_order_matters():
    first, _, _ = features(ROWS, TRUTH)
    order = np.random.default_rng(3).permutation(80)
    for other in (
        features(ROWS, (TRUTH + 1) % 3)[0],
        features(ROWS[order], TRUTH[order])[0],
        features(ROWS, TRUTH, size=128)[0],
    ):
        for name in OWN:
            np.testing.assert_allclose(other[name], first[name], atol=2e-3, err_msg=name)


def test_features_hardly_depend_on_the_number_of_rows():
    def drawn(count):
        labels = np.arange(count) % 3
        points = np.random.default_rng(count).normal(size=(count, 3)) + 4 * np.eye(3)[labels]
        return features(points, labels, size=512)[0]

    small, large = drawn(150), drawn(512)
    for name in ("silhouette, axes", "log variance within, axes", "largest share", "worst dip"):
        np.testing.assert_allclose(small[name], large[name], atol=0.15, err_msg=name)


@pytest.mark.parametrize("labels", [np.zeros(80, int), TRUTH], ids=["one", "three"])
@pytest.mark.parametrize(
    "rows", [np.zeros((80, 2)), np.repeat(np.eye(2), 40, axis=0), ROWS], ids=["equal", "two", "ok"]
)
def test_every_feature_is_finite(rows, labels):
    _, found, _ = features(rows, labels, k=1 + labels.max())
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(found))
    assert found.own.shape == (4, 1, 1, len(OWN))
    assert found.nested.shape == (4, 1, len(NESTED))
    assert found.table.shape == (num_table_features(3),)


def test_isolation_is_the_gap_around_a_cluster_over_those_inside():
    place = np.array([0.0, 1.0, 2.0, 9.0, 11.0])
    gaps = np.abs(place[:, None] - place[None])
    hard = np.eye(2, dtype=np.float32)[[0, 0, 0, 1, 1]]
    around = gaps[:3, 3:].min()
    inside = [gaps[:3, :3].sum() / 6, gaps[3, 4]]
    expected = np.log(around / np.array(inside) + 1e-3)
    found = isolation(jnp.asarray(gaps), jnp.asarray(hard))
    np.testing.assert_allclose(found[0], expected @ [0.6, 0.4], atol=1e-4)
    np.testing.assert_allclose(found[1:], [expected.min(), expected.max()], atol=1e-4)
    assert not np.asarray(isolation(jnp.asarray(gaps), jnp.ones((5, 1)))).any()


def test_rand_index_against_scikit_learn():
    one, other = RNG.integers(3, size=50), RNG.integers(4, size=50)
    joint = np.zeros((4, 4), np.float32)
    np.add.at(joint, (one, other), 1)
    np.testing.assert_allclose(rand_index(joint), adjusted_rand_score(one, other), atol=1e-5)
    assert rand_index(np.diag([3.0, 4, 0, 0])) == 1


def test_log_determinant_against_numpy():
    matrices = RNG.normal(size=(5, 4, 9)).astype(np.float32)
    matrices = matrices @ matrices.swapaxes(1, 2)
    expected = np.linalg.slogdet(matrices.astype(np.float64))[1]
    np.testing.assert_allclose(log_determinant(jnp.asarray(matrices)), expected, rtol=1e-4)
