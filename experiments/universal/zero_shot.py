"""The packaged weights "universal": any table, without training on tables.

Claim: given the number of clusters, their partitions of real tables have an adjusted Rand index
(x100) 2 points above k-means and the Gaussian mixture; without it, above HDBSCAN and above k-means
with the silhouette.

    python -m experiments.universal.zero_shot            # the packaged weights: an hour, resumable
    python -m experiments.universal.zero_shot --retrain  # trains others, in runs/, and uses them
    python -m experiments.universal.zero_shot --smoke    # seconds, tables of scikit-learn

A training takes an hour and a half on two cores. Measuring does not change the packaged weights;
``python -m experiments.universal.release`` puts new ones into the package.
"""

from experiments.lib.data import development_tables, small_tables
from experiments.lib.learners import load_model
from experiments.lib.records import Record
from experiments.lib.release import packaged_file
from experiments.lib.runner import Options, main
from experiments.universal import costs, real_tables, synthetic
from experiments.universal.recipe import make, untrained
from l2c_jax.training.weights import content_hash

PARTS = (real_tables, synthetic, costs)


def measure(options: Options) -> list[Record]:
    """Real tables, synthetic tasks, stability and durations."""
    if options.smoke:
        model, tables = untrained(), list(small_tables())[1:2]
    else:
        model = load_model(make() if options.retrain else packaged_file("universal"), options)
        tables = list(development_tables(seed=options.seed))
    records = [
        *real_tables.measure(model, tables, options),
        *synthetic.measure(model, options),
        *costs.measure(model, tables, options),
    ]
    return [{**entry, "weights": content_hash(model.learner.params)} for entry in records]


def render(records: list[Record]) -> str:
    """The section, for RESULTS.md."""
    return "\n\n".join(part.render(records).rstrip() for part in PARTS)


if __name__ == "__main__":
    main("zero_shot", measure)
