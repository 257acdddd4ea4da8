"""What stands on the page, before it is drawn."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from l2c_jax.report.pictures import Bar, Picture
from l2c_jax.tabular.profile import ClusterProfile


class Sample(NamedTuple):
    """Some rows of the table, of which profiles and pictures are made."""

    rows: np.ndarray  # [S] their numbers
    cells: list[np.ndarray]  # D arrays [S]
    points: np.ndarray  # [S, D'], as the learner is given them
    probabilities: np.ndarray  # [S, k]


class Table(NamedTuple):
    """The table, as far as the page needs it."""

    title: str
    names: Sequence[str]  # D
    rows: int  # N
    take: Callable[[np.ndarray], list[np.ndarray]]  # the cells of some rows
    notes: Sequence[str] = ()  # how it was read


@dataclass(frozen=True)
class ClusterSection:
    """One cluster on the page."""

    profile: ClusterProfile
    sentences: list[str]
    differences: list[tuple[str, str, str, str, str]]
    """What is compared, in the cluster, in the other rows, standardized difference, lift."""
    typical: list[tuple[int, list[str]]]
    """Number of a row, from 1, and its cells in the key columns."""
    columns: list[str]
    """The key columns of this cluster."""


@dataclass(frozen=True)
class ListedRow:
    """A row that belongs nowhere, or lies between two clusters."""

    number: int
    """From 1."""
    clusters: list[tuple[int, str]]
    """Their numbers and the probabilities of the row."""
    score: str
    cells: list[str]
    reasons: list[str]


@dataclass(frozen=True)
class Page:
    """All that a template draws; text without markup, numbers as they are shown."""

    title: str
    rows: int
    sampled: int
    columns: int
    used_columns: int
    clusters: list[ClusterSection]
    summary: list[str]
    number_bars: tuple[Bar, ...]
    pictures: list[Picture]
    pictured: int
    key_columns: list[str]
    nowhere_count: int
    nowhere: list[ListedRow]
    between_count: int
    between: list[ListedRow]
    notes: list[str]
    roles: list[tuple[str, str, bool, str]]
    more_roles: int
    how: list[tuple[str, str]]
    command: str
