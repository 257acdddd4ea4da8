"""Equations as MathML, which browsers draw themselves: no script, no font, no network."""

import re
from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.errors import SphinxError


def to_mathml(latex: str, display: str) -> str:
    """One formula as a ``<math>`` element.

    Args:
      latex: without dollar signs.
      display: "inline" or "block".

    Returns:
      HTML.
    """
    latex = re.sub(r"\\bigl|\\bigr|\\Bigl|\\Bigr", "", latex)
    latex = re.sub(r"\\[,;!]", lambda found: {",": r"\,", ";": r"\;"}.get(found[0][1], ""), latex)
    if display == "block" and ("\\\\" in latex or "&" in latex) and "\\begin" not in latex:
        latex = rf"\begin{{align*}}{latex}\end{{align*}}"
    try:
        return convert(latex, display=display)
    except Exception as error:
        raise SphinxError(f"no MathML for {latex!r}: {error}") from error


def visit_inline(self: Any, node: nodes.math) -> None:
    """A formula within a sentence."""
    self.body.append(to_mathml(node.astext(), "inline"))
    raise nodes.SkipNode


def visit_block(self: Any, node: nodes.math_block) -> None:
    """A formula on lines of its own; it scrolls where it is wider than the page."""
    self.body.append(f'<div class="equation">{to_mathml(node.astext(), "block")}</div>\n')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the renderer."""
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
