"""The packaged weights "universal": any table, without training on it.

Claim: given the number of clusters, their partitions of real tables have a larger adjusted Rand
index than those of k-means and the Gaussian mixture, and on shapes than those of spectral
clustering and Genie; without it, larger than HDBSCAN's.

    python -m experiments.universal.zero_shot            # the packaged weights: an hour, resumable
    python -m experiments.universal.zero_shot --retrain  # trains others, in runs/, and uses them
    python -m experiments.universal.zero_shot --smoke    # seconds, tables of scikit-learn

A training takes an hour and a half on two cores. On real tables, the judges are cross-fitted
(:mod:`experiments.universal.judging`); their examples are read once, half an hour. Measuring does
not change the packaged weights; ``python -m experiments.universal.release`` puts new ones into the
package.
"""

from collections.abc import Callable

from experiments.lib.data import labelled_tables, small_tables
from experiments.lib.data import shapes as shape_sets
from experiments.lib.learners import load_model
from experiments.lib.records import Record
from experiments.lib.release import packaged_file
from experiments.lib.runner import Options, main
from experiments.universal import costs, judging, real_tables, shapes, sizes, synthetic
from experiments.universal.judging import make
from experiments.universal.recipe import untrained
from l2c_jax.tabular.model import TabularModel
from l2c_jax.training.weights import content_hash

PARTS = (real_tables, shapes, sizes, synthetic, costs)


def measure(options: Options) -> list[Record]:
    """Real tables, shapes, sizes, synthetic tasks, stability and durations."""
    model_of: Callable[[str], TabularModel]
    if options.smoke:
        model = untrained()
        tables = sets = list(small_tables())[1:2]

        def model_of(name: str) -> TabularModel:
            return model

    else:
        model = load_model(make() if options.retrain else packaged_file("universal"), options)
        tables, sets = list(labelled_tables(seed=options.seed)), list(shape_sets())
        model_of = judging.models_of_tables(model.learner)
    records = [
        *real_tables.measure(model_of, tables, options),
        *shapes.measure(model, sets, options),
        *sizes.measure(model, options),
        *synthetic.measure(model, options),
        *costs.measure(model, tables, options),
    ]
    return [{**entry, "weights": content_hash(model.learner.params)} for entry in records]


def render(records: list[Record]) -> str:
    """The section, for RESULTS.md."""
    return "\n\n".join(part.render(records).rstrip() for part in PARTS)


if __name__ == "__main__":
    main("zero_shot", measure)
