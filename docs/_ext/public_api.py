"""Pages of the reference, made from what a package exports.

A line ``.. public-api:: PACKAGE [MODULE ...]`` in a page becomes one section for each module of
the package, in the order given and then by name: the module's docstring, and every name that it
defines and that the package exports in ``__all__``. A package without ``__all__`` exports all
public functions and classes of its modules. ``MODULE+`` shows all public names of a module.

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
    if hasattr(package, "__path__"):
        yield from (f".. automodule:: {package.__name__}", "   :no-members:", "")
    whole = {name.rstrip("+") for name in first if name.endswith("+")}
    listed = [name for name in (name.rstrip("+") for name in first) if name in groups]
    for short in listed + sorted(set(groups) - set(listed)):
        module, names = groups[short]
        if short in whole:
            names = defined_names(module)
        if not names and short not in listed:
            continue
        if module is not package:
            yield from ("", short, "-" * len(short), "")
        yield from (f".. automodule:: {module.__name__}", "   :no-members:", "")
        for name in names:
            yield from entry(package, module, name)


def entry(package: ModuleType, module: ModuleType, name: str) -> Iterator[str]:
    """One directive."""
    value = getattr(module, name)
    if inspect.isclass(value) and value.__module__ == module.__name__:
        yield from (f".. autoclass:: {home_of(value)}.{name}", "")
    elif inspect.isfunction(value) or (callable(value) and hasattr(value, "__wrapped__")):
        yield from (f".. autofunction:: {home_of(value)}.{name}", "")
    else:
        yield from (f".. autodata:: {module.__name__}.{name}", "   :no-value:", "")


def home_of(value: Any) -> str:
    """Where a function or class is documented: its package if that exports it, or its module."""
    package = ".".join(value.__module__.split(".")[:2])
    public = getattr(sys.modules.get(package), value.__name__, None) is value
    is_module = f"{package}.{value.__name__}" in sys.modules
    return package if public and not is_module else value.__module__


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
        yield f"   * - :py:obj:`{name} <{package.__name__}.{name}>`"
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


def find(path: str) -> Any:
    """The object of a dotted path, or ``None``; an attribute goes before a module of its name."""
    first, *rest = path.split(".")
    value = importlib.import_module(first)
    for part in rest:
        if not hasattr(value, part) and inspect.ismodule(value):
            try:
                importlib.import_module(f"{value.__name__}.{part}")
            except ImportError:
                return None
        value = getattr(value, part, None)
    return value


def resolve(app: Sphinx, env: Any, node: Any, contnode: Any) -> Any:
    """A reference by another path than the documented one, such as that of the module."""
    if node.get("refdomain") != "py":
        return None
    for target in (node["reftarget"], f"{node.get('py:module')}.{node['reftarget']}"):
        value = find(target) if target.startswith("l2c_jax") else None
        if inspect.isfunction(value) or inspect.isclass(value):
            path = f"{home_of(value)}.{value.__name__}"
            domain, page = env.get_domain("py"), node["refdoc"]
            return domain.resolve_xref(env, page, app.builder, "obj", path, node, contnode)
    return None


_VALUES = ("attribute", "data", "property")
_written: dict[str, list[str]] = {}


def keep_docstring(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]
) -> None:
    """Keep the docstring of a value: napoleon would read "K: the width" as a type and a text."""
    if what in _VALUES:
        _written[name] = lines[:]


def restore_docstring(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]
) -> None:
    """The docstring of a value as it was written."""
    if what in _VALUES:
        lines[:] = _written.pop(name)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the handlers; napoleon has priority 500."""
    app.connect("source-read", expand)
    app.connect("missing-reference", resolve)
    app.connect("autodoc-process-docstring", describe_field, priority=300)
    app.connect("autodoc-process-docstring", keep_docstring, priority=400)
    app.connect("autodoc-process-docstring", restore_docstring, priority=600)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
