"""Runs the experiment."""

from experiments.lib.runner import main
from experiments.meta_clustering.axioms.experiment import measure

if __name__ == "__main__":
    main("axioms", measure)
