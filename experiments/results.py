"""Renders ``RESULTS.md`` from the records: no number in it is typed by hand."""

from collections.abc import Callable
from pathlib import Path

from l2c_jax.atomic import replacing
from l2c_jax.report import Record, read_records


def sections() -> dict[str, Callable[[list[Record]], str]]:
    """What renders each experiment's records, in the order of the page."""
    from experiments import (
        ablations,
        axioms,
        demo,
        discovery,
        domain_shift,
        figure2,
        figure3,
        omniglot,
        pair_head_speed,
        prior_ablation,
        robustness,
        speed,
        table1,
        table2,
        table3,
        table4,
        training_time,
        zero_shot,
    )

    return {
        "figure2": figure2.render,
        "table1": table1.render,
        "figure3": figure3.render,
        "table2": table2.render,
        "table3": table3.render,
        "table4": table4.render,
        "ablations": ablations.render,
        "training_time": training_time.render,
        "demo": demo.render,
        "zero_shot": zero_shot.render,
        "prior_ablation": prior_ablation.render,
        "axioms": axioms.render,
        "omniglot": omniglot.render,
        "robustness": robustness.render,
        "domain_shift": domain_shift.render,
        "discovery": discovery.render,
        "speed": speed.render,
        "pair_head_speed": pair_head_speed.render,
    }


def render(folder: Path) -> str:
    """The whole page, from the records that are in the folder."""
    parts = [
        "# Results\n\n"
        "Rendered from the records beside this page by `experiments/results.py`. "
        "Means are given with their standard error. Minutes are those of the command that is "
        "named, for the parts that it had not kept from earlier runs; "
        "[training time](#training-time) has its own table."
    ]
    for name, section in sections().items():
        path = folder / f"{name}.json"
        if path.exists():
            records = read_records(path)
            first = records[0]
            smoke = " **A smoke run: it measures nothing.**" if first.get("smoke") else ""
            kept = first.get("kept_parts")
            earlier = f", besides {kept} parts kept from earlier runs" if kept else ""
            made = (
                f"`python -m experiments.{name}`, seed {first['seed']}, commit {first['commit']}, "
                f"{first['device']}, {first['minutes']} minutes{earlier}.{smoke}"
            )
            parts.append(f"{section(records).rstrip()}\n\n{made}")
    return "\n\n".join(parts) + "\n"


def write(folder: Path) -> Path:
    """Render ``RESULTS.md`` in the folder."""
    page = folder / "RESULTS.md"
    with replacing(page) as draft:
        draft.write_text(render(folder))
    return page
