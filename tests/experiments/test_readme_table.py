"""The README's comparison table is that of the committed records."""

from experiments.lib.paths import ROOT
from experiments.lib.readme import BEGIN, END, table


def test_the_table_is_rendered_from_the_records():
    shown = (ROOT / "README.md").read_text().split(BEGIN)[1].split(END)[0].strip()
    assert shown == table(ROOT / "experiments" / "results")
