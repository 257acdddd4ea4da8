"""The documentation: its Python runs and prints what it shows, its commands parse."""

import contextlib
import io
import re
import shlex
from pathlib import Path

import jax
import pytest

DOCS = Path(__file__).parent.parent / "docs"
PAGES = sorted(path for path in DOCS.rglob("*.md") if "_build" not in path.parts)
BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^\$ (l2c .*?)(?:\s+#.*)?$", re.MULTILINE)


def page_id(path: Path) -> str:
    return str(path.relative_to(DOCS))


@pytest.mark.parametrize("page", [p for p in PAGES if BLOCK.search(p.read_text())], ids=page_id)
def test_python_blocks_print_what_the_page_shows(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    jax.config.update("jax_numpy_rank_promotion", "allow")  # as a reader's JAX has it
    jax.config.update("jax_debug_key_reuse", False)
    names = {"__name__": "page"}
    try:
        for block, shown in BLOCK.findall(page.read_text()):
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                exec(compile(block, str(page), "exec"), names)
            assert printed.getvalue() == shown, block
    finally:
        jax.config.update("jax_numpy_rank_promotion", "raise")
        jax.config.update("jax_debug_key_reuse", True)


@pytest.mark.parametrize("page", [p for p in PAGES if COMMAND.search(p.read_text())], ids=page_id)
def test_commands_parse(page):
    import tyro

    from l2c_jax.cli import Command

    for line in COMMAND.findall(page.read_text()):
        tyro.cli(Command, args=shlex.split(line)[1:])


def test_every_public_package_has_a_reference_page():
    import l2c_jax

    folder = Path(l2c_jax.__file__).parent
    packages = {
        path.parent.name for path in folder.glob("*/__init__.py") if "__all__" in path.read_text()
    }
    pages = {path.stem for path in (DOCS / "reference").glob("*.rst")}
    assert packages - {"cli"} <= pages
