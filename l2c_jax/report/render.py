"""A page as one HTML file without links to anything outside of it."""

from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

from l2c_jax.atomic import replacing
from l2c_jax.report.page import Page
from l2c_jax.report.pictures import HEIGHT, WIDTH
from l2c_jax.report.sentences import percent

TEMPLATE = "page.html.jinja"


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
def _template() -> Any:
    require_templates()
    import jinja2

    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["percent"] = percent
    source = resources.files("l2c_jax.report").joinpath(TEMPLATE).read_text(encoding="utf-8")
    return environment.from_string(source)


def render_page(page: Page) -> str:
    """The page as HTML; every text of the table is escaped.

    Args:
      page: from :func:`l2c_jax.report.page.make_page`.

    Returns:
      A whole document: style and pictures are in it, nothing is fetched, no script runs.

    Raises:
      ImportError: without Jinja2.
    """
    return _template().render(page=page, width=WIDTH, height=HEIGHT, colors=10)


def write_page(path: str | Path, page: Page) -> None:
    """Write the page; an existing file is replaced in one step.

    Args:
      path: of the HTML file.
      page: from :func:`l2c_jax.report.page.make_page`.
    """
    text = render_page(page)
    with replacing(path) as draft:
        draft.write_text(text, encoding="utf-8", errors="replace")
