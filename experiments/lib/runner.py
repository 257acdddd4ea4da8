"""The command line of an experiment: measure, write its records, render the page."""

import argparse
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jax

from experiments.lib import page, registry
from experiments.lib.cache import Cache
from experiments.lib.paths import RESULTS, RUNS
from experiments.lib.provenance import UNKNOWN, provenance
from experiments.lib.records import Record, write_records
from l2c_jax.training import runtime

OUT_HELP = "folder of records (default: experiments/results; of smoke runs: runs/smoke)"


@dataclass(frozen=True)
class Options:
    """The options of one run of an experiment."""

    smoke: bool
    """Everything small, in seconds: shows that it runs, measures nothing."""
    seed: int
    out: Path
    """Folder of records and figures."""
    retrain: bool
    """Train anew instead of loading the weights that are there."""
    own: Mapping[str, Any] = field(default_factory=dict)
    """Options of this experiment alone, by name."""
    cache: Cache = field(default_factory=Cache)
    """Cached results; smoke runs store none."""
    weights: dict[str, str] = field(default_factory=dict)
    """Commit by name, of all weight files that were loaded."""


def default_out(smoke: bool) -> Path:
    """The folder of records if none is named; smoke runs do not touch what is published."""
    return RUNS / "smoke" if smoke else RESULTS


def main(
    name: str,
    measure: Callable[[Options], Sequence[Record]],
    arguments: Sequence[str] | None = None,
    own: Mapping[str, Mapping[str, Any]] | None = None,
) -> None:
    """Parse the command line, measure, write ``NAME.json``, render ``RESULTS.md``.

    Args:
      name: of the experiment, a key of :data:`experiments.lib.registry.MODULES`.
      measure: does the work and returns the records; ``--help`` begins with the first line of its
        module's docstring.
      arguments: instead of those of the command line.
      own: further options, as arguments of ``argparse.add_argument``, by name.
    """
    about = (sys.modules[measure.__module__].__doc__ or "").split("\n")[0]
    parser = argparse.ArgumentParser(prog=registry.command(name), description=about)
    parser.add_argument("--smoke", action="store_true", help="small and quick, measures nothing")
    parser.add_argument("--seed", type=int, default=0, help="of test tasks and baselines")
    parser.add_argument("--out", type=Path, help=OUT_HELP)
    parser.add_argument("--retrain", action="store_true", help="train anew")
    for option, settings in (own or {}).items():
        parser.add_argument(f"--{option}", **settings)
    given = vars(parser.parse_args(arguments))
    given["out"] = given["out"] or default_out(given["smoke"])
    special = {key: given.pop(key) for key in (key.replace("-", "_") for key in own or {})}
    runtime.start()
    if given["smoke"]:
        jax.config.update("jax_disable_most_optimizations", True)  # small programs: compile fast
    made_by = provenance()
    cache = Cache(None if given["smoke"] else RUNS, made_by["commit"])
    options = Options(**given, own=special, cache=cache)
    start = time.perf_counter()
    records = list(measure(options))
    minutes = round((time.perf_counter() - start) / 60, 2)
    shared = {**made_by, "minutes": minutes, **parts(options)}
    write_records(options.out / f"{name}.json", [{**shared, **entry} for entry in records])
    print(page.write(options.out).read_text())


def parts(options: Options) -> dict[str, Any]:
    """The fields of a record that name what the run did not compute itself.

    Args:
      options: of a run that has ended.

    Returns:
      ``reused_parts``, the number of cached results, and ``part_commits``, the distinct commits
      that computed them; ``weights_commits``, the distinct commits that trained the weights that
      were loaded; ``smoke``. What does not apply is left out.
    """
    found: dict[str, Any] = {}
    if options.cache.reused:
        commits = sorted(set(options.cache.reused.values()))
        found |= {"reused_parts": len(options.cache.reused), "part_commits": commits}
    if options.weights:
        found["weights_commits"] = sorted(set(options.weights.values()) or {UNKNOWN})
    return {**found, **({"smoke": True} if options.smoke else {})}
