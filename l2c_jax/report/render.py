"""A page as one HTML file without links to anything outside of it."""

from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

from l2c_jax.atomic import replacing
from l2c_jax.report.discovery_page import DiscoveryPage
from l2c_jax.report.page import Page
from l2c_jax.report.pictures import HEIGHT, WIDTH
from l2c_jax.report.sentences import percent

COLORS = 10
"""Colors of clusters; then they repeat."""
TEMPLATES = {Page: "page.html.jinja", DiscoveryPage: "discovery.html.jinja"}


def require_templates() -> None:
    """Refuse to begin without the template engine.

    Raises:
      ImportError: with the way out.
    """
    try:
        import jinja2  # noqa: F401
    except ImportError as error:
        raise ImportError("a report needs Jinja2: pip install l2c_jax[report]") from error


@lru_cache(maxsize=1)
def _environment() -> Any:
    require_templates()
    import jinja2

    folder = resources.files("l2c_jax.report")
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: (folder / name).read_text(encoding="utf-8")),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = percent
    return environment


def render_page(page: Page | DiscoveryPage) -> str:
    """The page as HTML; every text of the table is escaped.

    Args:
      page: from :func:`l2c_jax.report.make_page` or
        :func:`l2c_jax.report.make_discovery_page`.

    Returns:
      A whole document: style and pictures are in it, nothing is fetched, no script runs.

    Raises:
      ImportError: without Jinja2.
    """
    template = _environment().get_template(TEMPLATES[type(page)])
    return template.render(page=page, width=WIDTH, height=HEIGHT, colors=COLORS)


def write_page(path: str | Path, page: Page | DiscoveryPage) -> None:
    """Write the page; an existing file is replaced in one step.

    Args:
      path: of the HTML file.
      page: from :func:`l2c_jax.report.make_page` or
        :func:`l2c_jax.report.make_discovery_page`.
    """
    text = render_page(page)
    with replacing(path) as draft:
        draft.write_text(text, encoding="utf-8", errors="replace")
