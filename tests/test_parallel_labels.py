"""A saved model under a real Dask cluster: the lines of the page, on two worker processes."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from l2c_jax import MetaClusterer

PAGE = Path(__file__).parent.parent / "docs" / "howto" / "save-and-report.md"
RNG = np.random.default_rng(0)
GROUP = np.arange(300) % 3
FRAME = pd.DataFrame(
    {
        "x": GROUP * 5 + RNG.normal(size=300),
        "y": RNG.normal(size=300),
        "color": np.array(["red", "green", "blue"], object)[GROUP],
    }
)


@pytest.mark.filterwarnings("default")
def test_two_workers_label_as_one_process_does(tmp_path, monkeypatch):
    pytest.importorskip("dask.dataframe")
    pytest.importorskip("distributed")
    monkeypatch.chdir(tmp_path)
    clusterer = MetaClusterer(3, n_orders=2, random_state=0).fit(FRAME)
    clusterer.save("model.safetensors")
    for part in range(4):
        FRAME[part * 75 : (part + 1) * 75].to_csv(f"parts-{part}.csv", index=False)
    (code,) = re.findall(r"^```py\n(import dask.*?)^```", PAGE.read_text(), re.M | re.S)
    code = code.replace("Client(", "Client(dashboard_address=None, ")
    exec(compile(code, str(PAGE), "exec"), {"__name__": "page"})
    found = pd.concat([pd.read_csv(path) for path in sorted(tmp_path.glob("labels-*.csv"))])
    np.testing.assert_array_equal(found["cluster"], clusterer.labels_)
