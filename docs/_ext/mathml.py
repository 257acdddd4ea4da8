"""Equations as MathML, which browsers draw themselves: no script, no font, no network."""

import re
from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.errors import SphinxError

LATEX = (
    (r"\\[bB]ig[lr]|\\!|\\textstyle", ""),
    (r"\\tfrac", r"\\frac"),
    (r"\\arg(?![a-z])", r"\\operatorname{arg}\\,"),
    (r"\\mathrm\{([A-Za-z]{2,})\}", r"\\operatorname{\1}"),
    (r"(\\(?:max|min)_(?:\\?\w+|\{[^}]*\}))", r"\1\\,"),
    (r"(\\(?:log|exp|tanh|max|min))(?![a-z])(?!\s*(?:[(_^]|\\left))", r"\1\\,"),
    (r"(?<=[\w)}])\s*(?=\\(?:log|exp|tanh|cos|sin)(?![a-z]))", r"\\,"),
)
"""Rewritten before conversion: what latex2mathml lacks, and the space around function names."""
PRIME = "<mi>&#x02032;</mi>"
LEAF = r"<mi>[^<]*</mi>"
MATHML = (
    # a prime is raised by its glyph, and too small as an exponent where no math font is installed
    (rf"<msup>({LEAF}){PRIME}</msup>", r'<mrow>\1<mo lspace="0" rspace="0">&#x02032;</mo></mrow>'),
    (
        rf"<msubsup>({LEAF})((?:<mrow>(?:(?!mrow).)*</mrow>)|{LEAF}){PRIME}</msubsup>",
        r'<msub><mrow>\1<mo lspace="0" rspace="0">&#x02032;</mo></mrow>\2</msub>',
    ),
    (r"<mo>([A-Za-z]{2,})</mo>", r"<mi>\1</mi>"),
    (r'<mo accent="true">&#x02015;</mo>', '<mo stretchy="true">&#x000AF;</mo>'),
)
"""Rewritten after conversion."""


def to_mathml(latex: str, display: str) -> str:
    """One formula as a ``<math>`` element.

    Args:
      latex: without dollar signs.
      display: "inline" or "block".

    Returns:
      HTML.
    """
    for pattern, replacement in LATEX:
        latex = re.sub(pattern, replacement, latex)
    if display == "block" and ("\\\\" in latex or "&" in latex) and "\\begin" not in latex:
        latex = rf"\begin{{align*}}{latex}\end{{align*}}"
    try:
        html = convert(latex, display=display)
    except Exception as error:
        raise SphinxError(f"no MathML for {latex!r}: {error}") from error
    for pattern, replacement in MATHML:
        html = re.sub(pattern, replacement, html)
    if unknown := re.search(r">\\+[a-zA-Z]+<", html):
        raise SphinxError(f"no MathML for {unknown[0][1:-1]} in {latex!r}")
    return html


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
