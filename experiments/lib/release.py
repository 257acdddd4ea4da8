"""Weights that come with the package: a release is a file first, and installed only on request.

    python -m experiments.lib.release            # writes runs/release/demo.safetensors, ...
    python -m experiments.lib.release --install  # and replaces the packaged files

The command writes the packaged weights again in the present format: the same arrays and the same
metadata, with the hash that every reading checks.
"""

import argparse
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import l2c_jax
from experiments.lib.paths import RUNS
from l2c_jax.atomic import replacing
from l2c_jax.recurrent.learner import pretrained_weights
from l2c_jax.tabular.model import TabularModel, load_tabular_model, save_tabular_model


def packaged_file(name: str) -> Path:
    """The weight file of a name in the package."""
    return Path(l2c_jax.__file__).parent / "pretrained" / f"{name}.safetensors"


def release(name: str, model: TabularModel, out: Path, *, install: bool) -> Path:
    """Write a weight file, and put a copy of it into the package if asked to.

    Args:
      name: of the weights.
      model: the weights, with complete metadata.
      out: folder of the new file.
      install: replace the file in the package, atomically, once the new one can be read.

    Returns:
      The new file.
    """
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{name}.safetensors"
    with replacing(path) as draft:
        save_tabular_model(draft, model)
    load_tabular_model(path)
    if install:
        with replacing(packaged_file(name)) as draft:
            shutil.copyfile(path, draft)
    return path


def main(arguments: Sequence[str] | None = None) -> None:
    """Write all packaged weights again.

    Args:
      arguments: instead of those of the command line.
    """
    about = "Write the packaged weights again, in the present format."
    options = options_of("experiments.lib.release", about, arguments)
    for name, path in pretrained_weights().items():
        print(release(name, load_tabular_model(path), options.out, install=options.install))


def options_of(
    module: str,
    description: str,
    arguments: Sequence[str] | None,
    more: Callable[[argparse.ArgumentParser], object] | None = None,
) -> argparse.Namespace:
    """The options of a release command: ``out``, ``install`` and more.

    Args:
      module: of the command.
      description: first line of ``--help``.
      arguments: instead of those of the command line.
      more: adds further options to the parser.

    Returns:
      The options.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=description)
    parser.add_argument(
        "--out", type=Path, default=RUNS / "release", help="folder of the file (runs/release)"
    )
    parser.add_argument(
        "--install", action="store_true", help="replace the file in l2c_jax/pretrained, too"
    )
    if more is not None:
        more(parser)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
