"""One file a table or figure; each runs as ``python -m experiments.NAME``."""
