"""Folders that experiments read and write."""

from pathlib import Path

EXPERIMENTS = Path(__file__).parents[1]
ROOT = EXPERIMENTS.parent
RESULTS = EXPERIMENTS / "results"
"""Committed records, figures and the page made from them."""
WEIGHTS = EXPERIMENTS / "lib" / "weights"
"""Weight files that experiments load instead of training."""
RUNS = ROOT / "runs"
"""Checkpoints and cached results; not under version control."""
