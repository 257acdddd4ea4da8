"""Configuration of the documentation; everything it needs is a package in requirements.txt."""

import os
import sys
from importlib import metadata
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE / "_ext")]
os.environ.setdefault("JAX_PLATFORMS", "cpu")

project = "l2c_jax"
author = "The l2c_jax authors"
copyright = "the l2c_jax authors, MIT license"
release = metadata.version("l2c_jax")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "mathml",
    "public_api",
]
exclude_patterns = ["_build", "_ext", "figures"]
myst_enable_extensions = ["amsmath", "attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 4

add_module_names = False
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_default_options = {"members": True, "undoc-members": True}
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False
python_maximum_signature_line_length = 80
toc_object_entries_show_parents = "hide"

html_theme = "furo"
html_title = f"l2c_jax {release}"
html_static_path = ["_static"]
html_css_files = ["l2c.css"]
html_math_renderer = "mathml"
html_copy_source = False
html_show_sphinx = False
pygments_style = "friendly"
pygments_dark_style = "monokai"


def rewrite_links(app, path, docname, content):
    """Links of included files as they are from the pages that include them."""
    content[0] = content[0].replace("](ATTEMPTS.md)", "](attempts.md)")


def setup(app):
    """Called by Sphinx."""
    app.connect("include-read", rewrite_links)
