"""The page that a person reads: clusters, what sets them apart, and how sure they are."""

from l2c_jax.report.assembly import make_page
from l2c_jax.report.discovery_page import (
    DiscoveryPage,
    Items,
    make_discovery_page,
    shown_items,
)
from l2c_jax.report.evidence import Evidence, RowMark
from l2c_jax.report.page import Page, Sample, Table
from l2c_jax.report.render import render_page, require_templates, write_page
from l2c_jax.report.sentences import difference_sentence, profile_sentences

__all__ = [
    "DiscoveryPage",
    "Evidence",
    "Items",
    "Page",
    "RowMark",
    "Sample",
    "Table",
    "difference_sentence",
    "make_discovery_page",
    "make_page",
    "profile_sentences",
    "render_page",
    "require_templates",
    "shown_items",
    "write_page",
]
