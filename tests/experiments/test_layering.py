"""Imports of experiments point down: to their own package's parts, to lib, to the library."""

import ast
import doctest
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

import experiments
from experiments.lib.registry import MODULES

ROOT = Path(experiments.__file__).parent
FILES = {
    ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(ROOT.rglob("*.py"))
}
PACKAGES = {"lib", "meta_clustering", "tables", "universal", "pairwise", "bench"}
HOMES = {  # packages of experiments that may import a heavy library
    "matplotlib": {"lib"},
    "flax": {"lib", "bench"},
    "torch": {"bench"},
    "tslearn": {"lib"},
}


def imports(module: str) -> Iterator[str]:
    """Every dotted name that a module imports, at its top or inside a function."""
    for node in ast.walk(ast.parse(FILES[module].read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def modules(module: str) -> set[str]:
    """The modules of experiments that a module imports."""
    found = set()
    for name in imports(module):
        if name.split(".")[0] == "experiments":
            found.add(name if name in FILES else name.rsplit(".", 1)[0])
    return found - {module}


def package(module: str) -> str:
    """``tables`` of ``experiments.tables.table3``."""
    return module.split(".")[1] if "." in module else ""


@pytest.mark.parametrize("module", FILES)
def test_imports_stay_in_the_own_package_or_lib(module):
    if module == "experiments.__main__":
        assert {package(name) for name in modules(module)} == {"lib"}
    for name in modules(module):
        assert name in FILES, f"{module} imports {name}, which does not exist"
        assert package(name) in {"lib", package(module)}, f"{module} imports {name}"


@pytest.mark.parametrize("module", FILES)
def test_an_experiment_is_imported_by_nobody(module):
    own = module.removesuffix(".__main__")
    for name in modules(module) & set(MODULES.values()):
        assert name == own, f"{module} imports the experiment {name}: move what is shared"


def test_there_is_no_circle():
    graph = {module: {name for name in modules(module) if name in FILES} for module in FILES}
    for module in graph:  # the face of a package imports its parts, not the other way round
        graph[module] -= {name for name in graph if module.startswith(f"{name}.")}
    while leaves := {module for module, needs in graph.items() if not needs}:
        graph = {m: needs - leaves for m, needs in graph.items() if m not in leaves}
    assert not graph, f"a circle among {sorted(graph)}"


def test_the_library_imports_no_experiment():
    for path in (ROOT.parent / "l2c_jax").rglob("*.py"):
        names = ast.walk(ast.parse(path.read_text()))
        found = {n.module or "" for n in names if isinstance(n, ast.ImportFrom)}
        assert not {name for name in found if name.split(".")[0] == "experiments"}, path


@pytest.mark.parametrize("library", HOMES)
def test_heavy_libraries_stay_at_home(library):
    users = {m for m in FILES if library in {name.split(".")[0] for name in imports(m)}}
    assert {package(user) for user in users} <= HOMES[library]


def test_there_are_six_packages_and_results():
    folders = {path.name for path in ROOT.iterdir() if path.is_dir()} - {"__pycache__"}
    assert folders == PACKAGES | {"results"}
    assert {path.name for path in ROOT.glob("*.*")} <= {"__init__.py", "__main__.py"}


def test_every_experiment_measures_and_renders():
    for module in MODULES.values():
        names = {
            node.name
            for node in ast.walk(ast.parse(FILES[module].read_text()))
            if isinstance(node, ast.FunctionDef | ast.alias)
        }
        assert {"measure", "render"} <= names, module


@pytest.mark.parametrize("module", [m for m, path in FILES.items() if ">>>" in path.read_text()])
def test_examples(module):
    flags = doctest.NORMALIZE_WHITESPACE
    found = doctest.testmod(importlib.import_module(module), optionflags=flags)
    assert found.failed == 0
