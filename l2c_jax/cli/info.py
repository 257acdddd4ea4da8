"""``l2c info``: what weights are; ``l2c demo``: what they do."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import jax
import tyro

from l2c_jax.atomic import check_output
from l2c_jax.cli.cluster import DEFAULT_WEIGHTS
from l2c_jax.recurrent.learner import read_header
from l2c_jax.tabular.model import TabularModel, load_tabular_model


@dataclass(frozen=True)
class Demo:
    """Cluster Iris, Wine and Breast cancer with packaged weights, and draw the answers."""

    out: Annotated[Path, tyro.conf.arg(aliases=["-o"])] = Path("demo.png")
    """The picture."""
    picture: bool = True
    """Whether to draw it (needs matplotlib)."""

    def run(self) -> int:
        """Run the demo."""
        from l2c_jax.demo import run

        run(check_output(self.out) if self.picture else None)
        return 0


@dataclass(frozen=True)
class Info:
    """Describe weights: what they cluster, how they were trained, how well they do."""

    weights: tyro.conf.Positional[str] = DEFAULT_WEIGHTS
    """A weight file, or the name of packaged weights."""
    json: bool = False
    """The whole header as JSON."""

    def run(self) -> int:
        """Print the page, or the header."""
        model = load_tabular_model(self.weights)
        size = sum(leaf.size for leaf in jax.tree.leaves(model))
        if self.json:
            print(json.dumps({**read_header(self.weights), "parameters": size}, indent=2))
        else:
            print("\n".join(page(self.weights, model, size)))
        return 0


def page(name: str, model: TabularModel, size: int) -> Iterator[str]:
    """The lines of a page for people.

    Args:
      name: of the weights.
      model: what they hold.
      size: how many parameters.

    Yields:
      Lines of text.
    """
    config, made = model.learner.config, model.learner.metadata
    found = "found or given" if model.judge is not None else "given"
    if not config.condition_on_num_clusters:
        found = "an upper bound; the learner may use fewer"
    yield f"{name}: {size:,} parameters"
    yield ""
    yield f"  clusters        1 to {config.num_clusters}; the number is {found}"
    axes = {
        "raw": "columns",
        "principal": "principal axes",
        "clipped": "principal axes (clipped)",
        "robust": "principal axes (bounded and clipped)",
        "columns": "columns",
    }
    yield f"  reads           {config.dimensions} {axes[config.preprocessing]}"
    yield f"  architecture    {config.architecture}, hidden {', '.join(map(str, config.hidden))}"
    if made.training is not None:
        yield (
            f"  trained         {made.iterations:,} iterations of {made.training.batch} tasks, "
            f"{made.training.epochs} epochs each, {made.minutes:g} minutes, "
            f"seed {made.training.seed}"
        )
    if made.tasks:
        yield f"  tasks           {made.tasks.get('kind', 'synthetic')}" + _sizes(made.tasks)
    if made.error:
        yield f"  error           {_measured(made.error)} on {made.error['n']} fresh tasks"
    commit = made.provenance.get("commit", "unknown")
    yield f"  made by         commit {commit}, on {made.provenance.get('device', 'unknown')}"
    card = made.extra.get("card") or {}
    for title in ("limits", "known_failures"):
        if card.get(title):
            yield f"\n  {title.replace('_', ' ')}"
            yield from (f"    - {line}" for line in card[title])
    if card.get("scores"):
        yield "\n  scores (mean ± standard error)"
        for what, entry in card["scores"].items():
            yield f"    {what:48} {_measured(entry)} (n = {entry['n']})"
    yield "\n  the whole header: l2c info --json " + name


def _sizes(tasks: Mapping[str, Any]) -> str:
    parts = [
        f"{text} {tasks[key]}"
        for key, text in (
            ("num_points", "N <="),
            ("dimensions", "D <="),
            ("num_clusters", "K <="),
        )
        if key in tasks
    ]
    return f" ({', '.join(parts)})" if parts else ""


def _measured(entry: Mapping[str, Any]) -> str:
    error = "" if entry.get("stderr") is None else f" ± {entry['stderr']:.3f}"
    return f"{entry['mean']:.3f}{error}"
