"""Pages of the reference, made from what a package exports.

A line ``.. public-api:: PACKAGE [MODULE ...]`` in a page becomes one section for each module of
the package, in the order given and then by name: the module's docstring, and every name that it
defines and that the package exports in ``__all__``. A package without ``__all__`` exports all
public names of its modules.

A line ``.. public-names:: PACKAGE`` becomes a table of what the package exports, with links.
"""

import ast
import importlib
import inspect
import pkgutil
import re
import sys
import tokenize
from collections.abc import Iterator
from io import StringIO
from types import ModuleType
from typing import Any

from sphinx.application import Sphinx

PAGE = re.compile(r"^\.\. public-api:: (\S+)((?: \S+)*)$", re.MULTILINE)
TABLE = re.compile(r"^\.\. public-names:: (\S+)$", re.MULTILINE)


def defined_names(module: ModuleType) -> list[str]:
    """Public names that a module defines itself, in the order of its source."""
    names = []
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.append(node.name)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.append(node.target.id)
        elif isinstance(node, ast.Assign):
            names += [target.id for target in node.targets if isinstance(target, ast.Name)]
    return [name for name in dict.fromkeys(names) if not name.startswith("_")]


def modules_of(package: ModuleType) -> list[ModuleType]:
    """The modules of a package; a module without a path is its own."""
    if not hasattr(package, "__path__"):
        return [package]
    found = sorted(info.name for info in pkgutil.iter_modules(package.__path__))
    return [importlib.import_module(f"{package.__name__}.{name}") for name in found]


def exported(package: ModuleType) -> list[tuple[ModuleType, list[str]]]:
    """For each module, the names of it that the package exports."""
    chosen = getattr(package, "__all__", None)
    groups = [(module, defined_names(module)) for module in modules_of(package)]
    if chosen is None:
        return [(module, documented(module, names)) for module, names in groups]
    return [(module, [name for name in names if name in chosen]) for module, names in groups]


def documented(module: ModuleType, names: list[str]) -> list[str]:
    """Functions and classes; plain values are details of a module."""
    kinds = inspect.isfunction, inspect.isclass
    return [name for name in names if any(kind(getattr(module, name)) for kind in kinds)]


def page_lines(package: ModuleType, first: list[str]) -> Iterator[str]:
    """The reference of a package as reStructuredText."""
    groups = {
        module.__name__.rpartition(".")[2]: (module, names) for module, names in exported(package)
    }
    listed = [name for name in first if name in groups]
    for short in listed + sorted(set(groups) - set(first)):
        module, names = groups[short]
        if not names and short not in first:
            continue
        if module is not package:
            yield from ("", short, "-" * len(short), "")
        yield from (f".. automodule:: {module.__name__}", "   :no-members:", "")
        for name in names:
            yield from entry(package, module, name)


def entry(package: ModuleType, module: ModuleType, name: str) -> Iterator[str]:
    """One directive."""
    value = getattr(module, name)
    public = getattr(package, name, None) is value
    public = public and f"{package.__name__}.{name}" not in sys.modules  # a module of that name
    shown = package.__name__ if public else module.__name__
    if inspect.isclass(value) and value.__module__ == module.__name__:
        yield from (f".. autoclass:: {shown}.{name}", "")
    elif inspect.isfunction(value) or (callable(value) and hasattr(value, "__wrapped__")):
        yield from (f".. autofunction:: {shown}.{name}", "")
    else:
        yield from (f".. autodata:: {module.__name__}.{name}", "   :no-value:", "")


def table_lines(package: ModuleType) -> Iterator[str]:
    """The names that a package exports, with the first line of each docstring."""
    names = getattr(package, "__all__", None) or [
        name
        for name, value in vars(package).items()
        if not name.startswith("_") and not inspect.ismodule(value)
    ]
    yield from (".. list-table::", "   :widths: 35 65", "   :class: names", "")
    for name in sorted(names, key=str.lower):
        value = getattr(package, name)
        line = (inspect.getdoc(value) or "").partition("\n\n")[0].replace("\n", " ")
        if isinstance(value, str | int | float | dict | tuple):
            line = ""
        home = getattr(value, "__module__", None) or package.__name__
        yield f"   * - :py:obj:`{name} <{home}.{name}>`"
        yield f"     - {line}"
    yield ""


def expand(app: Sphinx, docname: str, source: list[str]) -> None:
    """Replace the lines in a page."""

    def page(found: re.Match) -> str:
        return "\n".join(page_lines(importlib.import_module(found[1]), found[2].split()))

    def table(found: re.Match) -> str:
        return "\n".join(table_lines(importlib.import_module(found[1])))

    source[0] = TABLE.sub(table, PAGE.sub(page, source[0]))


def field_comments(cls: type) -> dict[str, str]:
    """The comments behind the fields of a NamedTuple: shapes and meanings."""
    comments, name = {}, None
    for token in tokenize.generate_tokens(StringIO(inspect.getsource(cls)).readline):
        if token.type == tokenize.NAME and token.start[1] == 4:
            name = token.string
        elif token.type == tokenize.COMMENT and name is not None:
            comments.setdefault(name, token.string.lstrip("# "))
    return comments


def describe_field(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]
) -> None:
    """Replace "Alias for field number 0" by the comment behind the field."""
    if not (lines and lines[0].startswith("Alias for field number")):
        return
    parent, _, field = name.rpartition(".")
    module, _, cls = parent.rpartition(".")
    text = field_comments(getattr(importlib.import_module(module), cls)).get(field, "")
    shape = re.sub(r"(\[[^\]]*\])", r"``\1``", text)
    lines[:] = [shape] if shape else []


def setup(app: Sphinx) -> dict[str, Any]:
    """Register both."""
    app.connect("source-read", expand)
    app.connect("autodoc-process-docstring", describe_field)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
