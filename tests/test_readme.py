"""The README's Python runs."""

import re
from pathlib import Path

import jax
import pytest

README = Path(__file__).parent.parent / "README.md"
BLOCKS = re.findall(r"```python\n(.*?)```", README.read_text(), flags=re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS)
def test_python_block_runs(block):
    jax.config.update("jax_numpy_rank_promotion", "allow")  # as a reader's JAX has it
    try:
        exec(compile(block, "README.md", "exec"), {})
    finally:
        jax.config.update("jax_numpy_rank_promotion", "raise")
