"""The recorded arrays of release 1, and how others are compared with them."""

from functools import cache
from pathlib import Path

import jax
import numpy as np

from l2c_jax.training.weights import leaf_names

HERE = Path(__file__).parent


@cache
def golden(name: str) -> dict[str, np.ndarray]:
    with np.load(HERE / f"{name}.npz") as file:
        return dict(file)


CPU = Path("/proc/cpuinfo")
AS_RECORDED = CPU.exists() and "avx512f" in CPU.read_text()
"""The records were made with AVX-512; other processors round otherwise."""
ROUNDING = 1e-6 if AS_RECORDED else 1e-5
"""Of an array's largest entry."""


def close(found, expected, tolerance: float = ROUNDING) -> None:
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(np.isfinite(found), finite)
    largest = np.abs(expected[finite]).max(initial=1e-30)
    np.testing.assert_allclose(found[finite], expected[finite], rtol=0, atol=tolerance * largest)


def cases(file: str, array: str) -> list[str]:
    ending = f"/{array}"
    return sorted(name.removesuffix(ending) for name in golden(file) if name.endswith(ending))


def leaves_of(case: str, tree) -> dict[str, np.ndarray]:
    return {
        f"{case}.{name}": leaf
        for name, leaf in zip(leaf_names(tree), jax.tree.leaves(tree), strict=True)
    }
