"""Plain sentences about clusters, made of the numbers of their profiles."""

import math

import numpy as np

from l2c_jax.tabular.profile import ClusterProfile, ColumnDifference

NOTABLE = 0.5
"""A smaller standardized difference is not worth a sentence."""
MOST = 6
"""Sentences about one cluster."""


def difference_sentence(difference: ColumnDifference) -> str:
    """One difference in words.

    Args:
      difference: of a cluster from all other rows.

    Returns:
      A sentence without markup; names and levels are as in the table.

    Example:
      >>> difference_sentence(ColumnDifference("height", "number", 1.5, 4.25, -2.31))
      'height is lower: 1.5 on average, 4.25 in the other rows (standardized difference -2.3).'
      >>> difference_sentence(ColumnDifference("color", "level", 0.9, 0.1, 2.7, "red", 3.0))
      'color is red in 90% of its rows, in 30% of all rows (3.0 times as often).'
    """
    name, inside, outside = difference.column, difference.inside, difference.outside
    if difference.aspect == "level":
        lift = difference.lift or 0.0
        if inside < 1e-9:
            return (
                f"{name} is never {difference.level}, but in {percent(outside)} of the other rows."
            )
        everywhere = inside / lift if lift else 0.0
        often = f"{lift:.1f} times as often"
        return (
            f"{name} is {difference.level} in {percent(inside)} of its rows, in "
            f"{percent(everywhere)} of all rows ({often})."
        )
    if difference.aspect == "missing":
        return (
            f"{name} is missing in {percent(inside)} of its rows, in {percent(outside)} of the "
            "other rows."
        )
    if math.isnan(outside):
        return f"{name} is {_value(difference, inside)} on average."
    words = ("later", "earlier") if difference.aspect == "date" else ("higher", "lower")
    return (
        f"{name} is {words[difference.difference < 0]}: {_value(difference, inside)} on average, "
        f"{_value(difference, outside)} in the other rows (standardized difference "
        f"{difference.difference:.1f})."
    )


def notable_differences(profile: ClusterProfile) -> list[ColumnDifference]:
    """The differences that are worth a sentence, the largest first.

    Of a column with levels at most two are, and of one with two levels the one that the cluster
    has more often.

    Args:
      profile: of a cluster.
    """
    found: list[ColumnDifference] = []
    levels: dict[str, list[ColumnDifference]] = {}
    for difference in profile.differences:
        if difference.aspect == "level":
            levels.setdefault(difference.column, []).append(difference)
    for difference in profile.differences:
        if abs(difference.difference) < NOTABLE:
            continue
        if difference.aspect == "level":
            of_column = levels[difference.column]
            if len(of_column) == 2 and difference.inside < 0.5:
                continue
            if sum(other.column == difference.column for other in found) == 2:
                continue
        found.append(difference)
    return found[:MOST]


def profile_sentences(profile: ClusterProfile) -> list[str]:
    """What sets a cluster apart.

    Args:
      profile: of a cluster.

    Returns:
      At least one sentence.

    Example:
      >>> profile_sentences(ClusterProfile(0, 5, 0.5, 0.9, 0, ()))
      ['No column by itself differs by half a standard deviation from the other rows.']
    """
    sentences = [difference_sentence(one) for one in notable_differences(profile)]
    if sentences:
        return sentences
    if profile.differences and all(math.isnan(one.outside) for one in profile.differences):
        return ["There is one cluster: there are no other rows to compare it with."]
    return ["No column by itself differs by half a standard deviation from the other rows."]


def number(value: float, digits: int = 3) -> str:
    """A number with some digits that count; whole numbers have all of theirs.

    Args:
      value: the number.
      digits: how many.

    Example:
      >>> [number(value) for value in (0.0, 12.3456, 1234567.0, 54321.9, 2.5e-7, float("nan"))]
      ['0', '12.3', '1,234,567', '54,322', '2.5e-07', '']
      >>> number(12.3456, digits=6)
      '12.3456'
    """
    if math.isnan(value):
        return ""
    size = abs(value)
    if value and (size < 1e-3 or size >= 1e9):
        return f"{value:.{digits}g}"
    if value == round(value) or size >= 10**digits:
        return f"{value:,.0f}"
    return f"{float(f'{value:.{digits}g}'):g}"


def percent(share: float) -> str:
    """A share in words that are not wrong at its ends.

    Example:
      >>> [percent(share) for share in (0.0, 0.002, 0.256, 0.998, 1.0)]
      ['0%', 'less than 1%', '26%', 'more than 99%', '100%']
    """
    if 1e-12 < share < 0.01:
        return "less than 1%"
    if 0.99 < share < 1 - 1e-12:
        return "more than 99%"
    return f"{share:.0%}"


def date(days: float) -> str:
    """The day so many days after 1970-01-01.

    Example:
      >>> date(59.5)
      '1970-03-01'
    """
    if math.isnan(days):
        return ""
    return str(np.datetime64(0, "D") + math.floor(days))


def _value(difference: ColumnDifference, value: float) -> str:
    return date(value) if difference.aspect == "date" else number(value)
