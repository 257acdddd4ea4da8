"""Training and test tables: the settings of Tables 3 and 4, and splits by family."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from l2c_jax.tasks.tables import Pool, TableTasks

SHARE = 0.1
"""Share of the tables in the test set."""
SPLITS = 5
"""Number of splits."""

# Prefixes of names: near-copies, or tables of the same people, plants or machines.
FAMILIES = (
    ("acute-inflammations",),
    ("analcatdata_",),
    ("colic", "horse-colic"),
    ("flare", "solar_flare", "solar-flare"),
    ("heart", "cleve"),
    ("irish",),
    ("schizo",),
    ("thyroid", "sick", "hypothyroid", "allhypo", "allhyper", "allbp", "allrep"),
    ("volcanoes",),
    ("wholesale",),
    ("wine-quality", "wine_quality"),
)

RESAMPLES = 10_000
"""Of a bootstrap interval."""


@dataclass(frozen=True)
class Setting:
    """One row of Table 3 or 4: which tables, and which tasks are drawn from them."""

    slug: str
    """Its name in file names."""
    num_points: int
    """N."""
    dimensions: int
    """Most columns of a table."""
    num_clusters: int
    """k, or the largest k of a range."""
    min_clusters: int | None = None
    """The least k of a range. k is unknown then; clusterers that need a number get the largest."""
    paper: Mapping[str, tuple[float, float]] | None = None
    """Error and its ± by method, in the paper."""

    @property
    def title(self) -> str:
        """Its name on the page."""
        least = self.num_clusters if self.known_k else self.min_clusters
        k = least if self.known_k else f"{least}..{self.num_clusters}"
        return f"k={k}, N={self.num_points}, d<={self.dimensions}"

    @property
    def known_k(self) -> bool:
        """Whether every method is given the number of clusters."""
        return self.min_clusters is None

    @property
    def least_clusters(self) -> int:
        """Least number of classes of a task."""
        return self.num_clusters if self.min_clusters is None else self.min_clusters

    def tasks(self, pool: Pool, num_points: int | None = None) -> TableTasks:
        """The distribution of tasks from the tables, with N points or another number."""
        return TableTasks(
            pool,
            num_points=num_points or self.num_points,
            dimensions=self.dimensions,
            num_clusters=self.num_clusters,
            min_clusters=self.min_clusters,
        )

    def suits(self, entry: Mapping[str, Any]) -> bool:
        """Whether a table of the index has enough classes and not too many columns."""
        return (
            1 <= entry["d"] <= self.dimensions
            and entry["k"] >= self.least_clusters
            and min(entry["class_counts"]) > 0
        )


def family(name: str) -> str:
    """The family of a table: near-copies share one; any other table is a family by itself.

    Example:
      >>> family("volcanoes-a1"), family("solar_flare_1"), family("irish_1696"), family("wine")
      ('volcanoes', 'flare', 'irish', 'wine')
      >>> family("wine_quality_white"), family("phoneme_1489")
      ('wine-quality', 'phoneme')
    """
    for prefixes in FAMILIES:
        if name.lower().startswith(prefixes):
            return prefixes[0]
    return re.sub(r"_\d+$", "", name.lower())


def split(names: Sequence[str], seed: int, number: int) -> tuple[list[str], list[str]]:
    """Training and test tables; no family has tables in both.

    Families, in a random order, are added to the test set while its share is below
    :data:`SHARE`; a family that would make it more than twice as large stays in training. Every
    split starts at another place of the same order, so that test sets overlap only if there are
    few families.

    Args:
      names: the tables.
      seed: of the order.
      number: of the split.

    Returns:
      Names for training and for test, each at least one, in the order given.

    Raises:
      ValueError: if all tables are one family.

    Example:
      >>> training, test = split([*"abcdefgh", "volcanoes-a1", "volcanoes-b1"], 0, 0)
      >>> len(training), len(test)
      (9, 1)
    """
    members: dict[str, list[str]] = {}
    for name in names:
        members.setdefault(family(name), []).append(name)
    if len(members) < 2:
        raise ValueError(f"tables of one family cannot be split: {', '.join(names)}")
    wanted = max(1, round(SHARE * len(names)))
    families = np.random.default_rng(seed).permutation(sorted(members))
    order = np.roll(families, -number * max(1, len(families) // SPLITS)).tolist()
    fitting = [name for name in order if len(members[name]) <= 2 * wanted]
    test: set[str] = set()
    for name in fitting or [min(order, key=lambda name: len(members[name]))]:
        if len(test) < wanted and (not test or len(test) + len(members[name]) <= 2 * wanted):
            test |= set(members[name])
    return [name for name in names if name not in test], [name for name in names if name in test]


def interval(values: np.ndarray, seed: int, groups: Sequence[str]) -> tuple[float, float]:
    """95 % bootstrap interval of the mean; whole groups of tables are resampled.

    Args:
      values: ``[n]``, one per table.
      seed: of the resampling.
      groups: ``[n]``, the family of every table.

    Returns:
      Its ends.
    """
    _, member = np.unique(groups, return_inverse=True)
    sums, sizes = np.bincount(member, values), np.bincount(member)
    draws = np.random.default_rng(seed).integers(sizes.size, size=(RESAMPLES, sizes.size))
    means = sums[draws].sum(axis=1) / sizes[draws].sum(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)
