"""Release the weights "universal": a weight file with a model card of what was measured.

    python -m experiments.universal.zero_shot --retrain --out runs/new  # trains and measures
    python -m experiments.universal.release --records runs/new/zero_shot.json
    python -m experiments.universal.release --records runs/new/zero_shot.json --install

The first release command writes ``runs/release/universal.safetensors``; the second one replaces
the file in ``l2c_jax/pretrained``, too. With ``--weights universal`` the packaged weights get a
new card.
"""

from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path

from experiments.lib.records import read_records
from experiments.lib.release import options_of, release
from experiments.universal.card import with_card
from experiments.universal.recipe import WEIGHTS
from l2c_jax.tabular.model import load_tabular_model
from l2c_jax.training.weights import content_hash


def more(parser: ArgumentParser) -> None:
    """The options of this command alone."""
    parser.add_argument("--records", type=Path, required=True, help="zero_shot.json")
    parser.add_argument("--weights", default=str(WEIGHTS), help="file or packaged name")


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line.

    Args:
      arguments: instead of those of the command line.

    Raises:
      SystemExit: if the records are of a smoke run, or of other weights.
    """
    about = (__doc__ or "").split("\n")[0]
    options = options_of("experiments.universal.release", about, arguments, more)
    model, records = load_tabular_model(options.weights), read_records(options.records)
    if records[0].get("smoke"):
        raise SystemExit(f"{options.records}: records of a smoke run")
    own, measured = content_hash(model.learner.params), {entry.get("weights") for entry in records}
    if measured != {own}:
        raise SystemExit(f"{options.records}: records of weights {measured}, not of {own}")
    model = with_card(model, records)
    print(release("universal", model, options.out, install=options.install))


if __name__ == "__main__":
    main()
