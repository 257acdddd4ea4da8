"""``RESULTS.md``, rendered from the records: no number in it is typed by hand."""

from pathlib import Path

from experiments.lib import registry
from experiments.lib.records import Record, read_records
from l2c_jax.atomic import replacing

HEAD = """\
# Results

This page is rendered from the records beside it by `python -m experiments --render`. A mean is \
given with its standard error, mean ± standard error. The line below a section names the command, \
the seed, the commit and the time that the command took. Results that the command did not compute \
itself but read from an earlier run are counted separately. [Training time](#training-time) has a \
section of its own."""


def render(folder: Path) -> str:
    """The whole page, from the records in the folder."""
    parts = [HEAD]
    for name in registry.MODULES:
        path = folder / f"{name}.json"
        if path.exists():
            records = read_records(path)
            section = registry.renderer(name)(records).rstrip()
            parts.append(f"{section}\n\n{origin(name, records[0])}")
    return "\n\n".join(parts) + "\n"


def origin(name: str, record: Record) -> str:
    """The line below a section: how its records were made.

    Args:
      name: of the experiment.
      record: one of its records.

    Returns:
      Markdown.
    """
    made = (
        f"`{registry.command(name)}`, seed {record['seed']}, commit {record['commit']}, "
        f"{record['device']}, {record['minutes']} minutes"
    )
    count = record.get("reused_parts", record.get("kept_parts"))  # the latter in release 1
    if count:
        commits = ", ".join(record.get("part_commits", ()))
        of = f"computed at commit {commits}" if commits else "whose commits were not recorded"
        made += f", besides {count} cached results of earlier runs, {of}"
    smoke = " **A smoke run: it measures nothing.**" if record.get("smoke") else ""
    return f"{made}.{smoke}"


def write(folder: Path) -> Path:
    """Render ``RESULTS.md`` in the folder."""
    page = folder / "RESULTS.md"
    with replacing(page) as draft:
        draft.write_text(render(folder))
    return page
