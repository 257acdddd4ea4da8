"""Imports point down, there is no circle, and heavy libraries stay where they belong."""

import ast
import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import l2c_jax

ROOT = Path(l2c_jax.__file__).parent
LAYERS = [  # from the bottom up; a set holds neighbors, which do not import each other
    {"types", "atomic"},
    {"metrics", "training"},
    {"preprocessing"},
    {"tasks"},
    {"recurrent", "pairwise"},
    {"tabular"},
    {"estimators", "plots"},
    {"estimator", "similarity_clusterer", "deprecated"},  # deprecated names of the layer below
    {"report"},
    {"io"},
    {"comparison"},
    {"demo"},
    {"cli"},
    {"__init__", "__main__"},
]
LAYER = {package: number for number, packages in enumerate(LAYERS) for package in packages}
MODULES = {path.relative_to(ROOT).as_posix(): path for path in sorted(ROOT.rglob("*.py"))}
HOMES = {  # who may import what; a folder ends in /
    "matplotlib": ("plots.py",),
    "sklearn": ("estimators/", "metrics.py", "comparison.py"),
    "flax": ("pairwise/",),
    "orbax": ("training/checkpoints.py",),
    "tyro": ("cli/",),
    "jinja2": ("report/",),
    "duckdb": ("io/database.py",),
    "PIL": ("io/images.py",),
}


def imports(path: Path) -> Iterator[str]:
    """Every dotted name that a module imports, at its top or inside a function."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def package(name: str) -> str:
    """``recurrent`` of ``l2c_jax.recurrent.model.init``; ``__init__`` for the top's own names."""
    part = name.split(".")[1] if "." in name else "__init__"
    return part if (ROOT / part).is_dir() or (ROOT / f"{part}.py").is_file() else "__init__"


def module_file(name: str) -> str | None:
    """The file of ``l2c_jax.recurrent.model.init``: ``recurrent/model.py``."""
    parts = name.split(".")[1:]
    for length in range(len(parts), 0, -1):
        stem = "/".join(parts[:length])
        for file in (f"{stem}.py", f"{stem}/__init__.py"):
            if file in MODULES:
                return file
    return None


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_down(module):
    here = module.split("/")[0].removesuffix(".py")
    assert here in LAYER, "say in LAYERS where it belongs"
    ours = {package(name) for name in imports(MODULES[module]) if name.split(".")[0] == "l2c_jax"}
    for there in ours - {here}:
        assert LAYER[there] < LAYER[here], f"{module} imports {there}, which is not below it"


def test_modules_import_each_other_without_a_circle():
    edges = {
        module: {
            file
            for name in imports(path)
            if name.split(".")[0] == "l2c_jax"
            and (file := module_file(name)) not in (None, module)
            and not file.endswith("__init__.py")
        }
        for module, path in MODULES.items()
        if not module.endswith("__init__.py")
    }
    done: set[str] = set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, f"a circle: {' -> '.join((*trail, module))}"
        if module not in done:
            for other in edges.get(module, ()):
                visit(other, (*trail, module))
            done.add(module)

    for module in edges:
        visit(module, ())


@pytest.mark.parametrize("library", HOMES)
def test_heavy_libraries_stay_where_they_belong(library):
    users = {
        module
        for module, path in MODULES.items()
        if library in {name.split(".")[0] for name in imports(path)}
    }
    homes = HOMES[library]
    assert users
    assert not {user for user in users if not any(user.startswith(home) for home in homes)}


def test_reading_imports_includes_those_inside_functions():
    assert "orbax.checkpoint" in set(imports(MODULES["training/checkpoints.py"]))


def test_no_public_name_is_both_a_module_and_something_else():
    for module in MODULES:
        if not module.endswith("__init__.py"):
            continue
        folder = (ROOT / module).parent
        names = {path.stem for path in folder.glob("*.py")}
        names |= {path.parent.name for path in folder.glob("*/__init__.py")}
        dotted = ".".join(["l2c_jax", *Path(module).parent.parts])
        public = set(getattr(importlib.import_module(dotted), "__all__", ()))
        assert not public & names, f"{dotted}: {public & names}"


def test_importing_the_library_imports_nothing_heavy():
    code = f"import sys, l2c_jax\nprint(*sorted({set(HOMES)} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.split() == []


def test_every_public_name_is_there():
    for name in l2c_jax.__all__:
        assert getattr(l2c_jax, name) is not None
    assert list(l2c_jax.__all__) == sorted(l2c_jax.__all__)
    assert set(l2c_jax.__all__) <= set(dir(l2c_jax))
