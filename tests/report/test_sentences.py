"""Sentences say what the table says: every number in them is computed again."""

import re

import numpy as np
import pandas as pd
import pytest

from l2c_jax.preprocessing.encoder import fit_encoder
from l2c_jax.preprocessing.roles import detect_roles
from l2c_jax.report.sentences import difference_sentence, notable_differences, profile_sentences
from l2c_jax.tabular.profile import ClusterProfile, ColumnDifference, cluster_profiles

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 3, 300)
FRAME = pd.DataFrame(
    {
        "length": 20 + 4.0 * LABELS + RNG.normal(size=300),
        "width": RNG.normal(size=300) - 2.0 * (LABELS == 1),
        "noise": RNG.normal(size=300),
        "color": np.array(["red", "green", "blue"], object)[
            (LABELS + (RNG.random(300) < 0.2)) % 3
        ],
        "member": np.array(["no", "yes"], object)[(LABELS == 2).astype(int)],
        "income": np.where((RNG.random(300) < 0.6) & (LABELS == 0), np.nan, RNG.normal(size=300)),
    }
)
CELLS = [FRAME[name].to_numpy() for name in FRAME]
ENCODER = fit_encoder(detect_roles(list(FRAME), CELLS), CELLS)
PROFILES = cluster_profiles(ENCODER.columns, CELLS, np.eye(3)[LABELS], np.zeros(300))
SENTENCES = [(p.cluster, text) for p in PROFILES for text in profile_sentences(p)]


def shown(value: float) -> str:
    return f"{float(f'{value:.3g}'):g}"


def percent(share: float) -> str:
    return "less than 1%" if 0 < share < 0.01 else f"{share:.0%}"


@pytest.mark.parametrize(("cluster", "sentence"), SENTENCES)
def test_every_sentence_is_true(cluster, sentence):
    name = sentence.split(" is ")[0]
    column, mine = FRAME[name], cluster == LABELS
    if " on average" in sentence:
        inside, outside = column[mine].dropna().to_numpy(), column[~mine].dropna().to_numpy()
        spread = np.sqrt((inside.var() + outside.var()) / 2)
        difference = (inside.mean() - outside.mean()) / spread
        word = "higher" if inside.mean() > outside.mean() else "lower"
        assert sentence == (
            f"{name} is {word}: {shown(inside.mean())} on average, {shown(outside.mean())} in the "
            f"other rows (standardized difference {difference:.1f})."
        )
    elif " is missing " in sentence:
        gone = column.isna()
        assert sentence == (
            f"{name} is missing in {percent(gone[mine].mean())} of its rows, in "
            f"{percent(gone[~mine].mean())} of the other rows."
        )
    elif " is never " in sentence:
        level = re.search(r"is never (\w+),", sentence)[1]
        assert not (column[mine] == level).any()
        assert f"in {percent((column[~mine] == level).mean())} of the other" in sentence
    else:
        level = re.search(r" is (\w+) in", sentence)[1]
        here = column == level
        lift = here[mine].mean() / here.mean()
        assert sentence == (
            f"{name} is {level} in {percent(here[mine].mean())} of its rows, in "
            f"{percent(here.mean())} of all rows ({lift:.1f} times as often)."
        )


def test_sentences_of_every_kind_were_checked():
    text = " ".join(sentence for _, sentence in SENTENCES)
    for words in (" on average", " is missing ", " is never ", " times as often", "is lower"):
        assert words in text
    assert "noise" not in text


def test_of_two_levels_the_one_that_the_cluster_has_is_told():
    found = [d for d in notable_differences(PROFILES[2]) if d.column == "member"]
    assert [d.level for d in found] == ["yes"]


def test_dates_are_days():
    one = ColumnDifference("born", "date", 59.0, 0.5, 2.0)
    assert difference_sentence(one) == (
        "born is later: 1970-03-01 on average, 1970-01-01 in the other rows "
        "(standardized difference 2.0)."
    )


def test_one_cluster_and_clusters_without_differences_have_a_sentence():
    (profile,) = cluster_profiles(ENCODER.columns, CELLS, np.ones((300, 1)), np.zeros(300))
    assert profile_sentences(profile) == [
        "There is one cluster: there are no other rows to compare it with."
    ]
    assert "No column by itself" in profile_sentences(ClusterProfile(0, 1, 1.0, 1.0, 0, ()))[0]
