"""The README's Python prints what the README shows."""

import contextlib
import io
import re
from pathlib import Path

import jax
import pytest

README = (Path(__file__).parent.parent / "README.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", README, flags=re.DOTALL)


def test_every_python_block_shows_what_it_prints():
    assert len(BLOCKS) == README.count("```python") > 3


@pytest.mark.parametrize(("code", "shown"), BLOCKS)
def test_block_prints_what_is_shown(code, shown):
    jax.config.update("jax_numpy_rank_promotion", "allow")  # as a reader's JAX has it
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            exec(compile(code, "README.md", "exec"), {})
    finally:
        jax.config.update("jax_numpy_rank_promotion", "raise")
    assert said.getvalue() == shown
