"""Release the weights "demo" that ``experiments.meta_clustering.train demo`` has made.

python -m experiments.meta_clustering.release            # writes runs/release/demo.safetensors
python -m experiments.meta_clustering.release --install  # and replaces the packaged file
"""

from collections.abc import Sequence

from experiments.lib.release import options_of, release
from experiments.meta_clustering.recipes import weight_file
from l2c_jax.tabular.model import load_tabular_model


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line.

    Args:
      arguments: instead of those of the command line.
    """
    about = (__doc__ or "").split("\n")[0]
    options = options_of("experiments.meta_clustering.release", about, arguments)
    model = load_tabular_model(weight_file("demo"))
    print(release("demo", model, options.out, install=options.install))


if __name__ == "__main__":
    main()
