"""Train the learners of this package, and write their weight files.

    python -m experiments.meta_clustering.train table1_seed0        # 45 minutes of one core
    python -m experiments.meta_clustering.train table1_paper_seed0

A training that was stopped goes on with the same command. Trainings of different names can run
beside each other.
"""

import argparse
from collections.abc import Sequence

from experiments.meta_clustering.recipes import RECIPES, make
from l2c_jax.training import runtime


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line.

    Args:
      arguments: instead of those of the command line.
    """
    parser = argparse.ArgumentParser(
        prog="python -m experiments.meta_clustering.train",
        description=(__doc__ or "").split("\n")[0],
    )
    parser.add_argument("names", nargs="+", choices=sorted(RECIPES), metavar="NAME")
    names = parser.parse_args(arguments).names
    runtime.start()
    for name in names:
        print(make(name))


if __name__ == "__main__":
    main()
