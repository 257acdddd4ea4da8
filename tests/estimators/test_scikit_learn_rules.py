"""scikit-learn's conformance checks of the clusterer."""

import os
import subprocess
import sys

import pytest

EVERY_RULE = """
import json, sys, warnings
warnings.simplefilter("ignore")
from sklearn.utils.estimator_checks import check_estimator
from l2c_jax.estimators.meta_clusterer import MetaClusterer
from l2c_jax.tabular import clusterer
clusterer.CHUNK = clusterer._ROWS_JUDGED = 32
estimator = MetaClusterer(json.loads(sys.argv[1]), n_orders=2)
results = check_estimator(estimator, on_skip=None, on_fail=None)
print(len(results), *(r["check_name"] for r in results if r["status"] != "passed"))
"""


@pytest.mark.parametrize("k", ["3", pytest.param("null", marks=pytest.mark.slow)])
def test_it_keeps_every_rule_of_scikit_learn(k):
    # in a process of its own: one of the checks wants this setting before anything is imported
    done = subprocess.run(
        [sys.executable, "-c", EVERY_RULE, k],
        env={**os.environ, "SCIPY_ARRAY_API": "1", "JAX_DISABLE_MOST_OPTIMIZATIONS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    count, *broken = done.stdout.split(maxsplit=1)
    assert int(count) > 40
    assert not broken
