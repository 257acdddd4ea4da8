"""The command on the page parses to the command that was run."""

import shlex

import pytest
import tyro

from l2c_jax.cli import Command
from l2c_jax.cli.command_line import command_line


@pytest.mark.parametrize(
    "text",
    [
        "cluster table.csv",
        "cluster 'my table.csv' -k 3 --out a.csv --report r.html --seed 4 --orders 8",
        "cluster t.csv --drop 'a b',c --columns x --no-standardize --no-header --delimiter ';'",
        "cluster t.csv --decimal , --query 'select \"x\" from data where y > 0' --save m.st",
        "cluster - --label-column=-kind --header --encoding latin-1",
    ],
)
def test_it_parses_to_the_same_command(text):
    command = tyro.cli(Command, args=shlex.split(text))
    again = command_line("cluster", command)
    assert tyro.cli(Command, args=shlex.split(again)[1:]) == command
