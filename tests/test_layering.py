"""Imports point down, and heavy libraries stay in the rooms they were given."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import l2c_jax

ROOT = Path(l2c_jax.__file__).parent
WINGS = ("recurrent", "pairwise", "baselines")
FLOORS = [
    ("types", "atomic", "runtime", "processes", "provenance"),
    ("tasks", "matching"),
    ("weights", "metrics", "checkpoints", "loop"),
    WINGS,
    ("evaluate", "report", "plots", "table_files", "tables", "axioms", "demo"),
    ("estimator", "similarity_clusterer", "label_file"),
    ("cli", "__init__", "__main__"),
]
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
MODULES = {path.relative_to(ROOT).as_posix(): path for path in sorted(ROOT.rglob("*.py"))}
HOMES = {  # who may import what; a folder ends in /
    "matplotlib": ("plots.py",),
    "sklearn": ("estimator.py", "similarity_clusterer.py", "baselines/", "demo.py"),
    "flax": ("pairwise/", "baselines/dec.py"),
    "orbax": ("checkpoints.py",),
    "tyro": ("cli.py",),
    "pyarrow": ("table_files.py",),
}


def imports(module: str) -> Iterator[str]:
    """Every dotted name that a module imports, at its top or inside a function."""
    for node in ast.walk(ast.parse(MODULES[module].read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room(name: str) -> str:
    """``recurrent`` of ``l2c_jax.recurrent.model.init``; ``__init__`` of the package's face."""
    part = name.split(".")[1] if "." in name else "__init__"
    return part if (ROOT / part).is_dir() or (ROOT / f"{part}.py").is_file() else "__init__"


@pytest.mark.parametrize("module", MODULES)
def test_every_module_has_a_floor(module):
    assert module.split("/")[0].removesuffix(".py") in FLOOR, "say in FLOORS where it lives"


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_down(module):
    here = module.split("/")[0].removesuffix(".py")
    ours = {room(name) for name in imports(module) if name.split(".")[0] == "l2c_jax"}
    for there in ours - {here}:
        assert FLOOR[there] <= FLOOR[here], f"{module} imports {there}, which is above it"
        sideways = here in WINGS and there in WINGS
        assert not sideways, f"{module} imports {there}, the wing beside it"


@pytest.mark.parametrize("library", HOMES)
def test_heavy_libraries_stay_at_home(library):
    users = {module for module in MODULES if library in {n.split(".")[0] for n in imports(module)}}
    homes = HOMES[library]
    strangers = {user for user in users if not any(user == h or user.startswith(h) for h in homes)}
    assert not strangers


def test_reading_imports_sees_those_inside_functions():
    assert "orbax.checkpoint" in set(imports("checkpoints.py"))


def test_importing_the_core_imports_nothing_heavy():
    code = (
        "import sys, l2c_jax, l2c_jax.tasks, l2c_jax.recurrent\n"
        f"print(*sorted({set(HOMES)} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.split() == []
