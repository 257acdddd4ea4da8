"""The library in processes of its own: the second one compiles nothing, and no setting changes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

CODE = """
import json, os, sys
import numpy as np
import jax
events = []
listen = jax.monitoring.register_event_duration_secs_listener
listen(lambda event, *_, **more: events.append([event.split("/")[-1], more.get("fun_name")]))
from l2c_jax.recurrent.config import InferenceConfig, ModelConfig
from l2c_jax.recurrent.learner import Learner
from l2c_jax.recurrent.slots import CHANNELS
from l2c_jax.estimators.meta_clusterer import MetaClusterer
from l2c_jax.tabular.clusterer import TabularConfig, adapt_table, predict_table
from l2c_jax.tabular.judge import init_judge
from l2c_jax.tabular.model import TabularModel
from l2c_jax.recurrent.model import init
config = ModelConfig(2, 2, (4,), condition_on_num_clusters=True)
weights = lambda key: (init(key, config), init_judge(key, 2, 2, 3))
shapes = jax.eval_shape(weights, jax.random.key(0))
rng = np.random.default_rng(0)
params, judge = jax.tree.map(lambda leaf: rng.normal(size=leaf.shape).astype("f4"), shapes)
model = TabularModel(Learner(params, config), judge)
small = TabularConfig(InferenceConfig(orders=4, points_per_epoch=8), count_orders=2, max_rows=16)
events.clear()
before = dict(jax.config.values), dict(os.environ)
rows = rng.normal(size=(40, 3))
answer = predict_table(model, adapt_table(model, rows, config=small), rows)
assert (dict(jax.config.values), dict(os.environ)) == before
loaded = [name for name in ("optax", "tqdm", "orbax", "flax", "duckdb", "sklearn.metrics",
                            "sklearn.cluster", "matplotlib") if name in sys.modules]
print(json.dumps({"events": events, "answer": answer.tolist(), "loaded": loaded}))
"""


def run(folder: Path, **environment: str) -> dict:
    """What one process reports, with the cache of a user whose cache folder this is."""
    names = ("JAX_COMPILATION_CACHE_DIR", "JAX_ENABLE_COMPILATION_CACHE", "L2C_JAX_CACHE")
    own = {name: value for name, value in os.environ.items() if name not in names}
    own |= {"JAX_PLATFORMS": "cpu", "JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}
    own |= {"XDG_CACHE_HOME": str(folder), **environment}
    done = subprocess.run(
        [sys.executable, "-c", CODE], env=own, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def kept(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.program"))


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cache")
    return folder, run(folder)


def test_the_second_process_traces_and_compiles_nothing(first):
    folder, one = first
    files = kept(folder)
    assert len(files) == 4
    other = run(folder)
    assert other["events"] == []
    assert other["answer"] == one["answer"]
    assert kept(folder) == files
    assert other["loaded"] == []


def test_a_cache_that_the_user_chose_is_used_and_no_other(first, tmp_path):
    folder, one = first
    (tmp_path / "mine" / "programs").mkdir(parents=True)
    for path in kept(folder):
        (tmp_path / "mine" / "programs" / path.name).write_bytes(path.read_bytes())
    mine = str(tmp_path / "mine")
    other = run(tmp_path / "default", JAX_COMPILATION_CACHE_DIR=mine)
    assert other["events"] == []
    assert other["answer"] == one["answer"]
    assert not (tmp_path / "default").exists()
