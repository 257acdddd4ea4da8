"""Files of learned similarities: what is written comes back; anything else is refused."""

import jax
import numpy as np
import pytest

from l2c_jax.pairwise.backbones import MLP, VGGS
from l2c_jax.pairwise.learned import Similarity, described, load_similarity, save_similarity
from l2c_jax.pairwise.networks import init_similarity
from l2c_jax.training import weights
from l2c_jax.training.weights import WeightsError


@pytest.mark.parametrize("trunk", [MLP(2, (4, 3)), VGGS(size=16, width=1 / 64, mean=0.5)])
def test_similarity_comes_back_bit_for_bit(trunk, tmp_path):
    shapes = jax.eval_shape(lambda: init_similarity(jax.random.key(0), trunk))
    rng = np.random.default_rng(0)
    variables = jax.tree.map(lambda x: rng.normal(size=x.shape).astype(np.float32), shapes)
    save_similarity(tmp_path / "g.safetensors", Similarity(variables, trunk, {"iterations": 7}))
    back = load_similarity(tmp_path / "g.safetensors")
    assert back.trunk == trunk
    assert back.header["iterations"] == 7
    assert back.header["kind"] == "similarity"
    jax.tree.map(np.testing.assert_array_equal, back.variables, variables)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ({"kind": "recurrent"}, "expected weights of kind \"similarity\", found 'recurrent'"),
        ({"kind": "similarity"}, "expected the configuration of a trunk, found None"),
        ({"kind": "similarity", "trunk": {"name": "ResNet"}}, "ResNet"),
        ({"kind": "similarity", "trunk": {"name": "MLP", "columns": 0}}, "at least 1"),
        ({"kind": "similarity", "trunk": {"name": "MLP", "width": 3}}, "unexpected keyword"),
        ({"kind": "similarity", "trunk": described(MLP(2, (3,)))}, "expected arrays"),
    ],
)
def test_files_that_hold_no_similarity_are_refused(header, message, tmp_path):
    weights.save(tmp_path / "other.safetensors", {"a": np.zeros(3)}, header)
    with pytest.raises(WeightsError, match=message):
        load_similarity(tmp_path / "other.safetensors")
