"""Every experiment by name, in the order of the results page.

Modules are named, not imported: an experiment imports :mod:`experiments.lib`, so an import in the
other direction would be circular.
"""

from collections.abc import Callable, Mapping
from importlib import import_module

from experiments.lib.records import Record

MODULES: Mapping[str, str] = {
    "first_look": "experiments.universal.first_look",
    "figure2": "experiments.meta_clustering.figure2",
    "table1": "experiments.meta_clustering.table1",
    "figure3": "experiments.meta_clustering.figure3",
    "table2": "experiments.meta_clustering.table2",
    "table3": "experiments.tables.table3",
    "table4": "experiments.tables.table4",
    "roles": "experiments.tables.roles",
    "ablations": "experiments.meta_clustering.ablations",
    "training_time": "experiments.meta_clustering.training_time",
    "demo": "experiments.meta_clustering.demo",
    "zero_shot": "experiments.universal.zero_shot",
    "prior_ablation": "experiments.universal.prior_ablation",
    "axioms": "experiments.meta_clustering.axioms",
    "omniglot": "experiments.pairwise.omniglot",
    "robustness": "experiments.pairwise.robustness",
    "domain_shift": "experiments.pairwise.domain_shift",
    "discovery": "experiments.pairwise.discovery",
    "speed": "experiments.bench.speed",
    "pair_head_speed": "experiments.bench.pair_head_speed",
    "readers": "experiments.bench.readers",
    "large": "experiments.bench.large",
    "start": "experiments.bench.start",
}
"""Name of an experiment and of its record file, to the module that measures and renders it."""


def command(name: str) -> str:
    """The command that runs an experiment.

    Example:
      >>> command("table1")
      'python -m experiments.meta_clustering.table1'
    """
    return f"python -m {MODULES[name]}"


def renderer(name: str) -> Callable[[list[Record]], str]:
    """The function of an experiment that makes its section of the page; imports its module."""
    return import_module(MODULES[name]).render
