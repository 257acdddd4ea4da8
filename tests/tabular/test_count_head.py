"""The head for the number of clusters."""

import jax
import jax.numpy as jnp
import numpy as np

from l2c_jax.tabular.count_head import count_log_probs, init_count_head
from l2c_jax.tabular.features import num_features


def test_the_head_is_a_perceptron():
    head = init_count_head(jax.random.key(0), dimensions=2, hidden=5, num_clusters=3)
    head = head._replace(hidden_bias=jnp.arange(5.0), output_bias=jnp.arange(3.0))
    features = np.random.default_rng(0).normal(size=num_features(2, 3))
    weights = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), head)
    hidden = np.maximum(features @ weights.hidden_kernel + weights.hidden_bias, 0)
    logits = hidden @ weights.output_kernel + weights.output_bias
    expected = logits - np.log(np.exp(logits).sum())
    found = count_log_probs(head, jnp.asarray(features, jnp.float32))
    np.testing.assert_allclose(found, expected, atol=1e-4)
